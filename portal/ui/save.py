"""How a write ended, said in one place for all pages."""

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as lazy

from portal.audit.log import Written
from portal.ui.pages import PortalRequest, said

NOT_KNOWN = lazy("This was sent already, and how it ended is not known. Look at the current state first.")


def told(request: PortalRequest, written: Written, done: str, url: str) -> HttpResponse:
    """To the page at `url`, which says `done` only where the gateway said so."""
    return said(request, done, url) if written.done else said(request, str(NOT_KNOWN), url, messages.WARNING)
