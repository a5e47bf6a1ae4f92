"""What pages share: the layout they extend, calls side by side, one-time keys, and what every request of theirs carries."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import wraps
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.backends.utils import csrf_input
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.functional import SimpleLazyObject
from django_htmx.middleware import HtmxDetails

from portal import session
from portal.api import domains
from portal.api.client import Client
from portal.api.errors import ApiError, SignedOut
from portal.ui.screens import is_fragment


class PortalRequest(HttpRequest):
    """A request as every view of the portal gets it (portal/middleware.py)."""

    htmx: HtmxDetails
    person: session.Person
    api: Client


_side_by_side = ThreadPoolExecutor(max_workers=settings.CALLS_AT_ONCE, thread_name_prefix="call")


def layout(request: Any) -> dict[str, Any]:
    """Context processor: the template to extend (a whole page or a bare fragment), and who is signed in."""
    fragment = bool(getattr(request, "htmx", None)) and is_fragment(request)
    return {
        "layout": "_fragment.html" if fragment else "base.html",
        "person": getattr(request, "person", None),
        "demo": settings.SANDBOX,
        "csrf_input": SimpleLazyObject(lambda: csrf_input(request)),  # one for all forms of a page
    }


def region(request: PortalRequest) -> str:
    """The id of the part of the page that htmx wants to replace; "" when the whole page is wanted."""
    return (request.htmx.target or "") if is_fragment(request) else ""


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Several calls at once; each gives its answer, or its ApiError: a page of panels loses only the panel.

    A session that is over ends the page all the same. The first call is made here, the others in threads of the pool. Nobody
    waits for a call that has not begun: it is taken back and made here. So a page comes forward however busy the threads of
    others are. One of these calls may itself ask for several: what is waited for has begun, and waits in turn only for calls
    below it that have begun, so that the innermost always go on.

    It is not for the inside of a transaction or a lock: a thread of the pool has a database connection of its own, which does
    not see what is not committed yet, and what is held would be held for as long as the gateway takes. And no call writes the
    session: what it has learnt is in its answer, and the view keeps it (a test sees to it).
    """
    beside = [_side_by_side.submit(copy_context().run, _or_error, call) for call in calls[1:]]
    found = [_or_error(calls[0])]
    for call, future in zip(calls[1:], beside, strict=True):
        found.append(_or_error(call) if future.cancel() else future.result())
    for answer in found:
        if isinstance(answer, SignedOut):
            raise answer
    return found


def _or_error(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ApiError as error:
        return error


def got(answer: Any) -> Any:
    """The answer of one of several calls, raising what went wrong with it."""
    if isinstance(answer, ApiError):
        raise answer
    return answer


def read_domain(request: PortalRequest, domain_id: str) -> domains.Domain:
    """The domain that a page is about (getDomain)."""
    return request.api.call(domains.READ, domains.Domain, ids={"domainId": domain_id})


def said(request: HttpRequest, text: str, url: str, level: int = messages.SUCCESS) -> HttpResponse:
    """To the page at `url`, which tells how an action ended."""
    messages.add_message(request, level, text)
    return HttpResponseRedirect(url)


def one_time_key(before: str = "") -> str:
    """A key for a form that acts: two clicks on it are one action. It tells when the form was shown (`log.shown_at`).

    A form that stays where it is and may act again gets another key, which tells the time of the one `before`.
    """
    return f"{before[:11] or f'{int(time.time() * 1000):011x}'}-{uuid4().hex}"


def part_of(page: str) -> Callable[..., Any]:
    """Mark a view that answers htmx with a part of `page`, whose address has the same ids. Opened by itself, it leads there."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def part(request: PortalRequest, **ids: str) -> HttpResponse:
            if not is_fragment(request):
                return HttpResponseRedirect(whole_page(request, page, **ids))
            answer: HttpResponse = view(request, **ids)
            return answer

        return part

    return mark


def whole_page(request: HttpRequest, page: str, **ids: str) -> str:
    """The address of `page` in the same view of it, for a request that asks for a part of it."""
    query = iri_to_uri(request.META.get("QUERY_STRING", ""))
    return reverse(page, kwargs=ids) + (f"?{query}" if query else "")


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view that needs nobody signed in."""
    view.public = True  # type: ignore[attr-defined]
    return view


def polls(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view that a page asks for by itself: it does not keep a session alive."""
    view.polls = True  # type: ignore[attr-defined]
    return view


FORM: tuple[str, int | None] = "application/x-www-form-urlencoded", 2**20  # what every address takes: 1 MB of a form


def takes(kind: str, most: int | None) -> Callable[..., Any]:
    """Mark a view that takes bodies of another `kind`, up to `most` bytes in all; None where it reads and measures them itself.

    What is taken as multipart/form-data is streamed to a temporary file. It is read where POST or FILES is first asked for, which
    Django's check for forged forms does before the view.
    """

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        view.takes = (kind, most)  # type: ignore[attr-defined]
        return view

    return mark
