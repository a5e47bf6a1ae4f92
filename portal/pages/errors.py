"""Pages for what is not the gateway's doing: no such address, a stale form, a bug of ours."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal import session
from portal.ui.pages import public
from portal.ui.screens import asks_in_place, screen


def not_found(request: Any, exception: Exception | None = None) -> HttpResponse:
    request.person = session.person(request, polling=True)
    return _page(request, 404, _("Not found"), _("There is no page at this address."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 400, _("Bad request"), _("The browser sent something this site does not understand."))


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(
        request, 500, _("Something went wrong here"), _("This is our mistake, and it is in our log. Nothing of yours is lost.")
    )


@public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that this site did not give out, or one from before somebody signed in, or the browser lost its cookies."""
    return asks_in_place(request) or _page(
        request, 403, _("This form is out of date"), _("Go back, reload the page, and send it again. Nothing was done.")
    )


def _page(request: Any, status: int, title: str, text: str) -> HttpResponse:
    if not hasattr(request, "person"):
        request.person = None
    return screen(request, status, title, text)
