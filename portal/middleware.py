"""What holds for every page: security headers, what may be sent, signed in by default, and the gateway's errors as screens."""

import sys
from collections.abc import Callable
from functools import cache
from io import BytesIO, IOBase
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.views.debug import SafeExceptionReporterFilter
from django_htmx.http import HttpResponseClientRedirect

from portal import session
from portal.api.errors import ApiError, SignedOut
from portal.ui.pages import FORM
from portal.ui.screens import error_screen, not_taken, page_owner, session_over, told_all_the_same

Handler = Callable[[HttpRequest], HttpResponse]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-src 'self'; frame-ancestors 'none'"
)


HEADERS = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
}


def security_headers(get_response: Handler) -> Handler:
    """The strict policy on every answer, whoever gives it; a view that serves a mail's body brings its own, stricter one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # For the pages of what fails before the language is found further in; they would speak the last reader's.
        translation.activate(translation.get_language_from_request(request))
        if request.path_info != "/healthz":
            response = get_response(request)
        elif request.method in ("GET", "HEAD"):  # before anything that could refuse it: a probe knows no host name of ours
            response = HttpResponse("ok\n", content_type="text/plain")
        else:
            response = HttpResponseNotAllowed(["GET", "HEAD"])
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def bodies(get_response: Handler) -> Handler:
    """What is sent is judged by its headers before anything reads it: a form of this site and not a large one, or what the view
    at this address is marked to take. A form is read here, whole or not at all: half of one is nothing to act on."""

    def middleware(request: HttpRequest) -> HttpResponse:
        status = _admit(request)
        return not_taken(request, status) if status else get_response(request)

    return middleware


def _admit(request: Any) -> int:
    """Give the request a body that cannot grow. The status of the refusal, or 0."""
    length, chunked = request.META.get("CONTENT_LENGTH") or "", "HTTP_TRANSFER_ENCODING" in request.META
    if length and (chunked or not (length.isascii() and length.isdigit())):
        return 400
    if not chunked and not length.strip("0"):
        return 0
    kind, most = _taken(request.path_info)
    if most is None:
        return 0
    if request.content_type != kind or "HTTP_CONTENT_ENCODING" in request.META:
        return 415
    source = request.META["wsgi.input"]
    try:
        if chunked:
            if kind != FORM[0] or not request.META.get("wsgi.input_terminated"):
                return 411
            body = source.read(most + 1)
            if len(body) > most:
                return 413
            request.META["CONTENT_LENGTH"], request._stream = str(len(body)), BytesIO(body)
            return 0
        size = int(length) if len(length) < 19 else sys.maxsize
        if size > most:
            return 413
        whole = Whole(source, size)
        request._stream = BytesIO(whole.read()) if kind == FORM[0] else whole
    except Exception:  # it broke off, took too long, or has no proper chunks; each server has errors of its own for that
        return 400
    return 0


class Whole(IOBase):
    """A body of `left` bytes. That it ends before is an error, and not its end."""

    def __init__(self, source: Any, left: int) -> None:
        self.source, self.left = source, left

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        block: bytes = self.source.read(wanted)
        self.left -= len(block)
        if len(block) < wanted:
            raise OSError("The body broke off.")
        return block


def _taken(path: str) -> tuple[str, int | None]:
    """The kind of body that is taken at an address, and how many bytes; None where the view has limits of its own."""
    try:
        view = resolve(path).func
    except Resolver404:
        return FORM
    taken: tuple[str, int | None] = getattr(view, "takes", FORM)
    return taken


@cache
def _zones() -> set[str]:
    return available_timezones()


class SignedIn:
    """Every page asks who is there, unless its view is marked with `public`. Pages of people are never stored anywhere."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = request.COOKIES.get("timezone", "")
        with timezone.override(ZoneInfo(zone) if zone in _zones() else None):
            response = self.get_response(request)
            if request.method == "POST" and "Location" in response.headers and getattr(request, "person", None):
                response = told_all_the_same(request) or response
        if not request.path_info.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
            patch_vary_headers(response, ("HX-Request", "HX-Target", "Cookie"))
        return response

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if getattr(view, "public", False):
            request.person = None
            return None
        request.person = session.person(request, polling=getattr(view, "polls", False))
        if request.person is None:
            return session_over(request)
        if page_owner(request) not in ("", request.person.owner):  # somebody else has signed in, in another tab
            return HttpResponseClientRedirect(reverse("home"))
        wishes = request.person.preferences
        if language := wishes.get("language"):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        if (zone := wishes.get("time_zone")) in _zones():
            timezone.activate(ZoneInfo(zone))
        try:
            request.api = session.client(request)
        except SignedOut:  # sealed with a key that is gone
            return session_over(request)
        return None


class ApiErrors:
    """An error of the gateway becomes the screen for it, in this one place."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        return error_screen(request, problem) if isinstance(problem, ApiError) else None


class NoVariables(SafeExceptionReporterFilter):
    """Error reports without any local variable, cookie or posted value: one of them could be a token or somebody's mail."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        return []

    def get_post_parameters(self, request: Any) -> dict[str, Any]:
        return {}

    def get_safe_cookies(self, request: Any) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: Any) -> dict[str, Any]:
        return {
            name: value
            for name, value in super().get_safe_request_meta(request).items()
            if name not in ("HTTP_COOKIE", "CSRF_COOKIE", "HTTP_AUTHORIZATION", "QUERY_STRING")
        }
