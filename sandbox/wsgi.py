"""The sandbox as a web application of its own, without the portal: what `manage.py sandbox serve` serves."""

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import django
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver


def answer(request: WSGIRequest, path: str, base: str = "") -> HttpResponseBase:
    """One answer. `path` is still percent-encoded: an encoded slash is part of a segment. `base` is where the API is served."""
    from sandbox.answers import Refusal

    try:
        match = get_resolver("sandbox.urls").resolve(path)
    except Resolver404:
        return Refusal(404, "No such address.").answer()
    found: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    if "Location" in found.headers:
        found.headers["Location"] = base + found.headers["Location"]
    return found


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI. The server's raw path tells an encoded slash from a real one."""
    request = WSGIRequest(environ)
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or quote(request.path)
    close_old_connections()
    try:
        found = answer(request, raw.partition("?")[0], f"{request.scheme}://{environ.get('HTTP_HOST', '')}")
    finally:
        close_old_connections()
    if isinstance(found, HttpResponse):
        found.headers.setdefault("Content-Length", str(len(found.content)))
    found.headers.setdefault("Cache-Control", "no-store")
    found.headers.setdefault("X-Content-Type-Options", "nosniff")
    start_response(f"{found.status_code} {found.reason_phrase}", list(found.items()))
    return found


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cleanmail_admin.settings")
django.setup(set_prefix=False)
