"""What a person decides about the sender of a mail: a rule that allows them, made with a release, or one that blocks them."""

from functools import partial
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal import session
from portal.api import sender_rules
from portal.api.errors import ApiError, Conflict, NotAllowed, SignedOut, Unreachable
from portal.api.policies import Policy
from portal.audit.log import act, is_unclear
from portal.meaning.release import Wish, another_sender
from portal.pages.users.acted import Mail, Outcome, answer, quoted, read_mail
from portal.pages.users.rules import RuleForm, day, rule_outcome
from portal.ui import mailbox, screens
from portal.ui.pages import PortalRequest, one_time_key
from portal.ui.save import one_click


class ActionForm(RuleForm):
    """A release (`allow` empty, `mailbox` or `domain`) or a block. `confirmed` and `infected` are the second steps."""

    allow = forms.ChoiceField(choices=(("", ""), ("mailbox", ""), ("domain", "")), required=False)
    confirmed = forms.BooleanField(required=False)
    infected = forms.BooleanField(required=False)
    sender = forms.CharField(required=False, max_length=500)  # the address the person saw: compared, never trusted
    once = forms.CharField(required=False, max_length=64)

    def wish(self) -> Wish:
        values = self.cleaned_data
        return Wish(values["allow"], values["sender"], values["confirmed"], values["infected"])


@require_http_methods(["GET", "POST"])
def block(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> HttpResponse:
    """Add a BLOCK rule for the mail's sender to this mailbox. The mail itself stays where it is."""
    read = partial(read_mail, request, user_id, folder, mail_id)
    return one_click(
        request,
        sender_rules.ADD_TO_USER,
        lambda: _block(request, read()),
        lambda first: answer(request, read(), rule_outcome(first)),
    )


def _block(request: PortalRequest, mailed: Mail) -> HttpResponse:
    form = ActionForm(request.POST if request.method == "POST" else request.GET)
    if request.method == "GET" or not form.is_valid():
        context = {**mailed.context(), "form": form, "once": one_time_key(), "keeps": _keeps_blocked(mailed.user.policy)}
        return render(request, "users/block.html", context)
    mailed.place()
    if not mailed.who.address:
        sentence = _("This message has no usable sender address, so it cannot be blocked.")
        return answer(request, mailed, Outcome(sentence, "error"))
    if another := another_sender(mailed.who, form.cleaned_data["sender"]):
        return answer(request, mailed, Outcome(another, "error"))
    return answer(request, mailed, add_rule(request, mailed, form, "BLOCK", "mailbox", ""))


def add_rule(request: PortalRequest, mailed: Mail, form: ActionForm, kind: str, scope: str, done: str) -> Outcome:
    """Add an ALLOW or BLOCK rule for the sender; `done` says what was done before.

    Never raises for a refusal: what was done before it must still be told.
    """
    email = mailed.user.email or ""
    ids: dict[str, Any]
    if scope == "domain":
        op, ids, place = sender_rules.ADD_TO_DOMAIN, {"domainId": mailed.user.domainId or ""}, email.rpartition("@")[2]
    else:
        op, ids, place = sender_rules.ADD_TO_USER, {"userId": mailbox.account(request.api, mailed.user_id)}, email
    sender, allow = mailed.who.rule, kind == "ALLOW"
    if "days" not in form.data and not allow:
        form.cleaned_data["days"] = 0  # a block stays until somebody removes it
    description = form.cleaned_data["description"] or description_of(request, allow)
    new = {"value": sender, "type": kind, "description": description}
    if expiry := form.expiry():
        new["expireAt"] = expiry
    if allow:  # SPF may be demanded only where it passed: else the rule would never match
        new["spfOn"] = any(check.name == "SPF" and check.passed for check in mailed.judged.checks)
    names = {"sender": mailed.who.shown, "place": place, "date": day(expiry)}
    try:
        written = act(
            request.person,
            request.api,
            op,
            list[sender_rules.SenderRule],
            target=f"{kind} {sender}: {place}",
            url=mailed.url,
            once="" if allow else form.cleaned_data["once"],
            json=[new],
            ids=ids,
        )
    except SignedOut:
        raise
    except Conflict:
        known = _("%(sender)s is already allowed for %(place)s.") if allow else _("%(sender)s is already blocked for %(place)s.")
        return Outcome(f"{done} {known % names}".strip())
    except ApiError as error:
        if isinstance(error, NotAllowed):
            session.remember_refusal(request, op.id, mailed.user.domainId or "")
        return Outcome(f"{done} {_not_added(error) % names} {_why(error)}".strip(), "warn")
    if written.repeated:
        return rule_outcome(written)
    outcome = Outcome(f"{done} {_added(allow, bool(expiry)) % names}".strip())
    rule = next((rule for rule in written.answer if rule.id), None)
    if rule:
        outcome.rule = rule
        name, owner = ("domain-rule", ids["domainId"]) if "domainId" in ids else ("user-rule", mailed.user_id)
        outcome.rule_url = reverse(name, args=(owner, rule.id)) + "?" + urlencode({"value": rule.value or sender})
        outcome.form = RuleForm(initial={"days": form.cleaned_data["days"], "description": description})
    return outcome


def description_of(request: PortalRequest, allow: bool) -> str:
    """What a rule says of itself where nobody typed anything: who made it, and when. It is read in any language."""
    names = {"who": request.person.who, "date": timezone.localdate().isoformat()}
    sentence = (
        _("Allowed from the quarantine by %(who)s, %(date)s") if allow else _("Blocked from the quarantine by %(who)s, %(date)s")
    )
    return (sentence % names)[:250]


def _added(allow: bool, ends: bool) -> str:
    match allow, ends:
        case True, True:
            return _("%(sender)s is allowed for %(place)s until %(date)s.")
        case True, False:
            return _("%(sender)s is allowed permanently for %(place)s.")
        case False, True:
            return _("%(sender)s is blocked for %(place)s until %(date)s.")
        case _other:
            return _("%(sender)s is blocked permanently for %(place)s.")


def _not_added(error: ApiError) -> str:
    if is_unclear(error):
        return _("It is unclear whether the sender rule for %(sender)s was added.")
    return _("The sender rule for %(sender)s was not added.")


def _why(error: ApiError) -> str:
    _status, title, sentence = screens.explain(error)
    # That nothing was sent is true of the rule alone: the mail may be released.
    return f"{title}. {quoted(error)}" if isinstance(error, Unreachable) else f"{sentence} {quoted(error)}"


def _keeps_blocked(policy: Policy | None) -> bool | None:
    """Does the policy "store incoming blocked sender" (storeBlacklisted, r:6978)? None where the gateway does not say."""
    if policy is None or policy.quarantine is False:
        return None if policy is None else False
    return policy.quarantineProps.storeBlacklisted if policy.quarantineProps else None
