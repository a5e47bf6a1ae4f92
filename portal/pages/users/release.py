"""Releasing a held mail, and allowing its sender with it.

A POST to an address that names the mail; the mail is read again from the gateway before anything is done. GET shows the page
that asks. Whether it is done, asked about or refused is decided in portal/meaning/release.py.
"""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal import session
from portal.api import domains, mail
from portal.api.errors import ApiError, NotAllowed, PreconditionFailed
from portal.audit.log import Written, is_unclear, shown_at
from portal.meaning.names import canonical
from portal.meaning.release import Decision, Step, Wish, decide
from portal.pages.users.acted import Mail, Outcome, answer, quoted, read_mail
from portal.pages.users.rules import RuleForm
from portal.pages.users.sender import ActionForm, add_rule, description_of
from portal.ui import mailbox, screens
from portal.ui.pages import PortalRequest, one_time_key, together
from portal.ui.save import one_click

INFECTED = {"X-Virus-Lover": "1"}  # its presence is what counts


@require_http_methods(["GET", "POST"])
def release(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> HttpResponse:
    """Release a mail and, with `allow`, add an ALLOW rule for its sender. Asks first where the answer should be a thought."""
    read = partial(read_mail, request, user_id, folder, mail_id)
    return one_click(
        request,
        mail.RELEASE,
        lambda: _release(request, read()),
        lambda first: _tell_first(request, read(), first),
    )


def _release(request: PortalRequest, mailed: Mail) -> HttpResponse:
    form = ActionForm(request.POST if request.method == "POST" else request.GET)
    at = mailed.place()
    if request.method == "GET" or not form.is_valid():
        return _ask(request, mailed, form, Decision(Step.ASK))
    wish = form.wish()
    decision = _decide(request, mailed, wish)
    match decision.step:
        case Step.REFUSE:
            return answer(request, mailed, Outcome(decision.reasons[0], "error"))
        case Step.ASK:
            return _ask(request, mailed, form, decision)
    try:
        written = _send(request, mailed, at, form)
    except PreconditionFailed:
        return _ask(request, mailed, form, Decision(Step.ASK, infected=True))
    except NotAllowed as error:
        session.remember_refusal(request, mail.RELEASE.id, mailed.user.domainId or "")
        if not screens.is_fragment(request):
            raise
        return answer(request, mailed, Outcome(f"{screens.explain(error)[2]} {quoted(error)}", "error"))
    except ApiError as error:
        if not is_unclear(error):
            raise
        return answer(request, mailed, Outcome(_unclear(error), "warn", "unknown" if mailed.held else ""))
    if written.repeated:
        return _tell_first(request, mailed, written)
    if not mailed.held:
        return answer(request, mailed, Outcome(_("Delivered again. The message is on its way to the mailbox.")))
    if not wish.allow:
        return answer(request, mailed, Outcome(_("Released. The message is on its way to the mailbox."), state="released"))
    outcome = add_rule(request, mailed, form, "ALLOW", wish.allow, _("Released."))
    outcome.state = "released"
    return answer(request, mailed, outcome)


def _decide(request: PortalRequest, mailed: Mail, wish: Wish) -> Decision:
    """May it go? The customer's domains are looked up only where a sender is to be allowed, and a person can still be asked."""
    case: dict[str, Any] = {"held": mailed.held, "delivers": mailed.delivers}
    decision = decide(mailed.judged, mailed.who, wish, **case)
    if decision.step is Step.REFUSE or not wish.allow or wish.confirmed:
        return decision
    return decide(mailed.judged, mailed.who, wish, own_domains=_own_domains(request, mailed), **case)


def _own_domains(request: PortalRequest, mailed: Mail) -> set[str]:
    """The domains of the mailbox's customer, as far as they matter here: the mailbox's own one and the sender's."""
    names = {(mailed.user.email or "").rpartition("@")[2].lower()}
    domain, like_the_sender = together(
        lambda: request.api.call(domains.READ, domains.Domain, ids={"domainId": mailed.user.domainId or ""}),
        lambda: request.api.page(domains.LIST, domains.Domain, size=5, query={"name": canonical(mailed.who.domain)}),
    )
    # An end user may not read domains; then the mailbox's own domain is all we know.
    if not isinstance(domain, ApiError):
        names |= {str(alias.name).lower() for alias in (domain.domainAliases or [])} | {str(domain.name).lower()}
        if not isinstance(like_the_sender, ApiError) and domain.customer:
            rows = (row for row in like_the_sender.rows if row.customer)
            names |= {str(row.name).lower() for row in rows if row.customer.id == domain.customer.id}
    return names - {""}


def _send(request: PortalRequest, mailed: Mail, at: mailbox.Found, form: ActionForm) -> Written:
    """Release it; infected mail only with the header, clean mail only without, as the gateway demands."""
    once = form.cleaned_data["once"]
    call: dict[str, Any] = {
        **{"target": mailed.target, "url": mailed.url, "lock": mailed.lock},
        **{"once": once, "since": shown_at(once)},
    }
    if not form.cleaned_data["infected"]:
        return mailbox.release(request.person, request.api, at, mailed.user_id, **call)
    try:
        return mailbox.release(request.person, request.api, at, mailed.user_id, headers=INFECTED, **call)
    except PreconditionFailed:  # it is clean after all: whoever accepts a virus accepts that
        return mailbox.release(request.person, request.api, at, mailed.user_id, **call)


def _ask(request: PortalRequest, mailed: Mail, form: ActionForm, decision: Decision) -> HttpResponse:
    """The page (or dialog) that says what it means before it is done."""
    allow = form.data.get("allow", "")
    context = {
        **mailed.context(),
        "allow": allow if allow in ("mailbox", "domain") else "",
        "doubts": decision.reasons,
        "infected": decision.infected or mailed.judged.infected,
        "once": one_time_key(),
        "form": RuleForm(
            initial={
                "days": form.data.get("days") or 90,
                "description": form.data.get("description") or description_of(request, True),
            }
        ),
    }
    response = render(request, "users/release.html", context)
    if screens.is_fragment(request) and request.method == "POST":
        response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def _tell_first(request: PortalRequest, mailed: Mail, first: Written) -> HttpResponse:
    """Tell how the first of two releases ended. Delivered mail stays what it is, and can be delivered again."""
    if first.done:
        text = _("Already released by %(who)s. It was not sent again.") % {"who": first.entry.who}
        return answer(request, mailed, Outcome(text, state="released" if mailed.held else ""))
    text = _("This release was already started, and its result is unknown. Check the inbox before you repeat it.")
    return answer(request, mailed, Outcome(text, "warn", "unknown" if mailed.held else ""))


def _unclear(error: ApiError) -> str:
    unknown = _(
        "We do not know whether the message was released: the request was sent, but no clear answer came. Check the "
        "inbox of the mailbox before you repeat it."
    )
    return f"{unknown} {quoted(error)}".strip()
