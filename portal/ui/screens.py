"""The gateway's errors as screens: one table, used for a whole page and for a fragment alike."""

from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.encoding import escape_uri_path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from portal import session
from portal.api import domains, errors
from portal.api.rights import Needs
from portal.audit.models import Entry
from portal.ui.words import operation_name, target_name


def explain(error: errors.ApiError) -> tuple[int, str, str]:
    """The status, the heading and one sentence for an error of the gateway, in the reader's language."""
    what = operation_name(error.operation)
    match error:
        case errors.NotAllowed():
            match error.needs:
                case Needs.SYSADMIN if error.operation == domains.CREATE.id:
                    text = _(
                        "Your account cannot do this: %(what)s. A system administrator can, as long as the "
                        "customer's domain quota is not used up."
                    )
                case Needs.SYSADMIN:
                    text = _("Your account cannot do this: %(what)s. A system administrator can.")
                case Needs.SYSADMIN_IF_RESTRICTED:
                    text = _(
                        "Your account cannot do this: %(what)s. An administrator of the domain can; if the setting "
                        "is restricted, only a system administrator."
                    )
                case _other:
                    text = _("Your account cannot do this: %(what)s. An administrator of the domain can.")
            return 403, _("Not allowed"), text % {"what": what}
        case errors.NotFound():
            return 404, _("Not found"), _("It does not exist, it was removed, or your account cannot see it.")
        case errors.Conflict():
            return 409, _("Already exists"), _("The gateway already has this entry.")
        case errors.PreconditionFailed():
            return 412, _("Not possible in this state"), _("The gateway refused because of the state the message is in.")
        case errors.Refused():
            return 422, _("Refused"), _("The gateway refused the request.")
        case errors.TooFast():
            return (
                429,
                _("Too many requests"),
                _("Please wait %(seconds)s seconds, then try again.") % {"seconds": error.retry_after},
            )
        case errors.Busy():
            return 503, _("Busy right now"), _("Nothing was sent or changed. Please try again in a moment.")
        case errors.Unreachable():
            return (
                503,
                _("The gateway cannot be reached"),
                _("Nothing was sent or changed. The gateway may be back in a moment."),
            )
        case errors.TimedOut(wrote=True):
            return (
                504,
                _("We do not know whether it happened"),
                _("The request was sent, but no answer came. Check the current state before you repeat it."),
            )
        case errors.TimedOut():
            return 504, _("The gateway took too long"), _("The gateway did not answer in time. Nothing was changed.")
        case errors.BadAnswer(wrote=True):
            return (
                502,
                _("Unexpected answer from the gateway"),
                _("It is not known whether it happened. Check the current state before you repeat it."),
            )
        case errors.BadAnswer():
            return (
                502,
                _("Unexpected answer from the gateway"),
                _("The answer was not in the expected format, or it was cut short."),
            )
        case _other:
            return 502, _("The gateway failed"), _("The gateway reported an internal error. Try again in a moment.")


def error_screen(request: HttpRequest, error: errors.ApiError) -> HttpResponse:
    """The right screen for `error`: a whole page, or a notice in the place that asked. The session is kept, except on 401."""
    if isinstance(error, errors.SignedOut):
        session.drop(request)
        return session_over(request)
    session.learn_from(request, error)
    response = screen(request, *explain(error), error)
    if isinstance(error, errors.Busy):
        response["Retry-After"] = "2"
    return response


def screen(request: HttpRequest, status: int, title: str, text: str, error: errors.ApiError | None = None) -> HttpResponse:
    """Something that went wrong, where the request wants to see it: a page, a part of one, or a notice beside it."""
    context = {
        "title": title,
        "text": text,
        "error": error,
        "status": status,
        "again": request.get_full_path() if request.method == "GET" and (error or status >= 500) else "",
        "seconds": getattr(error, "retry_after", None),
    }
    if not is_fragment(request):
        return render(request, "error.html", context, status=status)
    response = render(request, "_error.html", context, status=status)
    if request.method != "GET":  # an action failed: say so, and leave what the person looks at in place
        response = reswap(retarget(render(request, "_toast_error.html", context, status=status), "#toasts"), "beforeend")
        response["HX-Reselect"] = "unset"
    response["HX-Push-Url"] = "false"
    return response


def not_taken(request: Any, status: int) -> HttpResponse:
    """What was sent is not taken here. Told before anybody knows who is there."""
    request.person = None
    match status:
        case 413:
            title, text = _("Too large"), _("This page does not accept that much at once. Nothing was changed.")
        case 415:
            title, text = _("Wrong format"), _("This page does not accept data in this format. Nothing was changed.")
        case _other:
            title, text = _("Bad request"), _("The browser sent something this site does not understand.")
    return screen(request, status, title, text)


def session_over(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and back to where the person was, with what was typed; or the page asks, where it can."""
    if in_place := asks_in_place(request):
        return in_place
    back = request.get_full_path()
    if request.method != "GET":
        typed = _typed(request)
        back = escape_uri_path(request.path) + ("?" + urlencode(typed, doseq=True) if typed else "")
    elif is_fragment(request):
        try:
            at = urlsplit(request.headers.get("HX-Current-URL", ""))
        except ValueError:
            at = urlsplit("")
        back = at._replace(scheme="", netloc="", fragment="").geturl() or "/"
    asked = {"next": back} if back != "/" else {}
    url = reverse("sign-in") + "?" + urlencode({**asked, "ended": "1"} if had_session(request) else asked)
    return HttpResponseClientRedirect(url) if is_fragment(request) else HttpResponseRedirect(url)


def page_owner(request: HttpRequest) -> str:
    """Whose page it is that htmx asks from (templates/base.html); "" where it does not say, or is left."""
    return request.headers.get("Page-Owner", "") if is_fragment(request) else ""


def asks_in_place(request: HttpRequest) -> HttpResponse | None:
    """No content, which leaves a page with all that is typed as it is: its script asks for sign-in. None where none does.

    A script learns of the answer to htmx by a header, and of that to a plain form (which says `in_place`) by a cookie alone.
    """
    form = not is_fragment(request) and "in_place" in request.POST
    if not form and not page_owner(request):
        return None
    response = HttpResponse(status=204, headers={"Session": "over"})
    if form:
        response.set_cookie("session-over", "1", max_age=60, secure=request.is_secure(), samesite="Strict")
    return response


def told_all_the_same(request: Any) -> HttpResponse | None:
    """What a write came to, where the page that would tell it cannot be opened any more: the person has signed out meanwhile."""
    if not session.ended_meanwhile(request):
        return None
    told = [str(message) for message in messages.get_messages(request)]
    if not told:
        mine = Entry.objects.filter(owner=request.person.owner, request_id=request.api.request_id).order_by("id")
        told = [f"{operation_name(one.operation)}: {target_name(one.target)} ({one.get_result_display()})." for one in mine]
    request.person = None
    return screen(request, 200, _("You have since signed out"), " ".join(told)) if told else None


def _typed(request: HttpRequest) -> dict[str, list[str]]:
    """What was typed and may go along in the address, where the form's own page shows it again.

    Only what the form names for this (`carried`): whether a field holds a secret is known there alone. A private key is a secret
    in whatever box it is. The longest texts are left out where an address would grow too long for a server.
    """
    carried = {name: request.POST.getlist(name) for name in request.POST.get("carried", "").split() if name in request.POST}
    before = {name: values for name, values in request.GET.lists() if name != "typed"}
    plain = {k: v for k, v in {**before, **carried}.items() if "PRIVATE KEY" not in "".join(v)}
    typed = {k: v for k, v in plain.items() if len("".join(v)) < 500}
    sizes = {k: sum(_length(k) + _length(one) + 6 for one in v) for k, v in typed.items()}
    over = _length(request.path) + sum(sizes.values()) - 3000
    for k in sorted(typed, key=lambda k: len("".join(typed[k])), reverse=True):
        if over > 0:
            over -= sizes[k]
            del typed[k]
    return {**typed, "typed": ["1"]} if typed else {}


def _length(text: str) -> int:
    """How long a text is in an address within an address. The inner one may have two thirds of that: see `safe_next`."""
    once = quote_plus(text)
    return max(len(quote_plus(once)), len(once) * 3 // 2)


def had_session(request: HttpRequest) -> bool:
    """True when the browser came with a session key: then it is over, and not just missing."""
    from django.conf import settings

    return settings.SESSION_COOKIE_NAME in request.COOKIES


def is_fragment(request: Any) -> bool:
    """True when htmx asks for a part of a page; a boosted link and the back button want all of it."""
    htmx: Any = getattr(request, "htmx", None)  # missing where a request failed before it got that far
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def safe_next(request: HttpRequest, url: str) -> str:
    """`url` when it is an address of this site, else the home page."""
    url = url.strip()  # as Django judges it
    safe = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return url if safe and url.startswith("/") else "/"
