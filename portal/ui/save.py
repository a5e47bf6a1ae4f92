"""How a write ended, said in one place for all pages; and the one way to save a form."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from portal import session
from portal.api.errors import ApiError
from portal.api.operation import Operation
from portal.audit.log import Written, repeated
from portal.ui.forms import NOT_KNOWN, PortalForm
from portal.ui.pages import PortalRequest, said


def save(
    request: PortalRequest,
    form: PortalForm,
    op: Operation,
    ids: Mapping[str, Any],
    *,
    target: str,
    done: str,
    back: str,
    url: str = "",
    **write: Any,
) -> HttpResponse | None:
    """Save a valid form, and go to `back`, which says `done`, or that there was nothing to be saved.

    None when it was refused: the page again, with `form.status`. `url` is the page of the target where `back` is another one;
    `write` is what else the call needs, or `json` where the form does not make the body itself.
    """
    if form.unchanged():
        return said(request, _("Nothing was changed."), back, messages.INFO)
    if "json" not in write:
        write["json"] = form.body()
    written = form.submit(op, target=target, url=url or back, ids=ids, **write)
    return told(request, written, form.told(done), back) if written else None


def told(request: PortalRequest, written: Written, done: str, url: str) -> HttpResponse:
    """To the page at `url`, which says `done` only where the gateway said so."""
    return said(request, done, url) if written.done else said(request, str(NOT_KNOWN), url, messages.WARNING)


def one_click(
    request: PortalRequest,
    op: Operation,
    answer: Callable[[], HttpResponse],
    tell: Callable[[Written], HttpResponse],
) -> HttpResponse:
    """`answer()`, unless another click on the same form did the write: then `tell` how that ended.

    Asked before the object is read, since the first of two clicks may have taken it away; and once more afterwards, since it may
    have done so in between: then the name just added clashes with itself, and the object just deleted is not there.
    """
    if first := _other_click(request, op):
        return tell(first)
    try:
        response = answer()
    except ApiError:
        if first := _other_click(request, op):
            return tell(first)
        raise
    first = _other_click(request, op)
    if first is None:
        return response
    session.take_back_messages(request)  # else the next page would tell both
    return tell(first)


def _other_click(request: PortalRequest, op: Operation) -> Written | None:
    first = repeated(request.person, op, request.POST.get("once", "")) if request.method == "POST" else None
    return first if first and first.entry.request_id != request.api.request_id else None
