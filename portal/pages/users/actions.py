"""What a person does with a held mail: release it, allow its sender, block its sender, change that rule afterwards.

Each action is a POST to an address that names the mail; the mail is read again from the gateway before anything is done,
so that nothing depends on what a browser claims about it. GET shows the page that asks.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_http_methods

from portal import session
from portal.api import domains, mail, sender_rules, users
from portal.api.errors import ApiError, Conflict, NotAllowed, NotFound, PreconditionFailed, Refused, SignedOut, Unreachable
from portal.api.operation import Operation
from portal.api.policies import Policy
from portal.audit.log import Written, act, is_unclear, repeated, shown_at
from portal.meaning import senders, verdict
from portal.meaning.names import canonical, with_letters
from portal.meaning.times import moment
from portal.pages.users.mail import mail_rows, reading
from portal.ui import mailbox, screens
from portal.ui.pages import PortalRequest, got, one_time_key, together

EXPIRY = ((30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")), (365, gettext_lazy("1 year")), (0, gettext_lazy("never")))
KEEP = -1
INFECTED = {"X-Virus-Lover": "1"}  # its presence is what counts


class RuleForm(forms.Form):
    """How long a sender rule lasts, and why it is there. A rule that exists may keep its end: `ends`, in milliseconds."""

    days = forms.TypedChoiceField(label=gettext_lazy("Ends after"), choices=EXPIRY, coerce=int, required=False, empty_value="90")
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=250)

    def __init__(self, *args: Any, ends: int | None = None, exists: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ends = ends
        over = ends is not None and 0 < ends <= timezone.now().timestamp() * 1000  # which no gateway takes again
        if over:
            self.initial["days"] = 90
        elif exists:
            kept = _("as it is (until %(date)s)") % {"date": _date(ends)} if ends else _("as it is (without an end)")
            cast(forms.TypedChoiceField, self.fields["days"]).choices = ((KEEP, kept), *EXPIRY)

    def expiry(self) -> int | None:
        """The end of the rule in milliseconds, None for never."""
        days = int(self.cleaned_data["days"])
        if days == KEEP:
            return self.ends
        return int((timezone.now() + timedelta(days=days)).timestamp() * 1000) if days else None


class ActionForm(RuleForm):
    """A release (`allow` empty, `mailbox` or `domain`) or a block. `confirmed` and `infected` are the second steps."""

    allow = forms.ChoiceField(choices=(("", ""), ("mailbox", ""), ("domain", "")), required=False)
    confirmed = forms.BooleanField(required=False)
    infected = forms.BooleanField(required=False)
    sender = forms.CharField(required=False, max_length=500)  # the address the person saw: compared, never trusted
    once = forms.CharField(required=False, max_length=64)


@dataclass
class Outcome:
    """What to tell: `level` is ok, warn or error; `state` is what the mail's row shows from now on ("" as before)."""

    text: str
    level: str = "ok"
    state: str = ""
    rule_url: str = ""
    rule: sender_rules.SenderRule | None = None
    form: RuleForm | None = None
    once: str = field(default_factory=one_time_key)


@require_http_methods(["GET", "POST"])
def release(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> HttpResponse:
    """Release a mail and, with `allow`, add an ALLOW rule for its sender. Asks first where the answer should be a thought."""
    mailed = Mail(request, user_id, folder, mail_id)
    form = ActionForm(request.POST if request.method == "POST" else request.GET)
    if request.method == "GET" or not form.is_valid():
        return _ask_to_release(request, mailed, form)
    if first := repeated(request.person, mail.RELEASE, form.cleaned_data["once"]):
        return _answer(request, mailed, _release_outcome(first, mailed.held))
    mailed.must_exist()
    allow = form.cleaned_data["allow"]
    if not mailed.delivers:
        return _answer(request, mailed, Outcome(_("Only received messages can be delivered again."), "error"))
    if allow and not mailed.held:
        return _answer(request, mailed, Outcome(_("A sender can be allowed from held messages only."), "error"))
    if allow and not mailed.who.address:
        return _answer(
            request, mailed, Outcome(_("There is no usable sender address in this mail, so it cannot be allowed."), "error")
        )
    changed = mailed.changed_sender(form) if allow else []
    doubts = changed or (mailed.doubts(allow) if allow and not form.cleaned_data["confirmed"] else [])
    infected = mailed.judged.infected and not form.cleaned_data["infected"]
    if doubts or infected:
        return _ask_to_release(request, mailed, form, doubts, infected)
    try:
        written = _release(request, mailed, form)
    except PreconditionFailed:
        return _ask_to_release(request, mailed, form, doubts, infected=True)
    except NotAllowed as error:
        session.remember_refusal(request, mail.RELEASE.id, mailed.user.domainId or "")
        if not screens.is_fragment(request):
            raise
        return _answer(request, mailed, Outcome(f"{screens.explain(error)[2]} {_quoted(error)}", "error"))
    except ApiError as error:
        if not is_unclear(error):
            raise
        return _answer(request, mailed, Outcome(_unclear(error), "warn", "unknown" if mailed.held else ""))
    if written.repeated:
        return _answer(request, mailed, _release_outcome(written, mailed.held))
    if not mailed.held:
        return _answer(request, mailed, Outcome(_("Delivered again. The message is on its way to the mailbox.")))
    if not allow:
        return _answer(request, mailed, Outcome(_("Released. The mail is on its way to the mailbox."), state="released"))
    outcome = _add_rule(request, mailed, form, "ALLOW", allow, _("Released."))
    outcome.state = "released"
    return _answer(request, mailed, outcome)


@require_http_methods(["GET", "POST"])
def block(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> HttpResponse:
    """Add a BLOCK rule for the mail's sender to this mailbox. The mail itself stays where it is."""
    mailed = Mail(request, user_id, folder, mail_id)
    form = ActionForm(request.POST if request.method == "POST" else request.GET)
    if request.method == "GET" or not form.is_valid():
        context = {**mailed.context(), "form": form, "once": one_time_key(), "keeps": _keeps_blocked(mailed.user.policy)}
        return render(request, "users/block.html", context)
    if first := repeated(request.person, sender_rules.ADD_TO_USER, form.cleaned_data["once"]):
        return _answer(request, mailed, _rule_outcome(first))
    mailed.must_exist()
    if not mailed.who.address:
        return _answer(
            request, mailed, Outcome(_("There is no usable sender address in this mail, so it cannot be blocked."), "error")
        )
    if changed := mailed.changed_sender(form):
        return _answer(request, mailed, Outcome(changed[0], "error"))
    return _answer(request, mailed, _add_rule(request, mailed, form, "BLOCK", "mailbox", ""))


@require_http_methods(["GET", "POST"])
def user_rule(request: PortalRequest, user_id: str, rule_id: str) -> HttpResponse:
    """Change or remove one sender rule of a mailbox: its end and its description."""
    return _rule(
        request,
        {"userId": mailbox.account(request.api, user_id)},
        rule_id,
        sender_rules.LIST_OF_USER,
        sender_rules.EDIT_OF_USER,
        sender_rules.DELETE_OF_USER,
        reverse("user-hub", args=(user_id,)),
    )


@require_http_methods(["GET", "POST"])
def domain_rule(request: PortalRequest, domain_id: str, rule_id: str) -> HttpResponse:
    """Change or remove one sender rule of a domain."""
    return _rule(
        request,
        {"domainId": domain_id},
        rule_id,
        sender_rules.LIST_OF_DOMAIN,
        sender_rules.EDIT_OF_DOMAIN,
        sender_rules.DELETE_OF_DOMAIN,
        reverse("domain-hub", args=(domain_id,)),
    )


class Mail:
    """The mail that an action is about, with its user, both freshly read from the gateway."""

    def __init__(self, request: PortalRequest, user_id: str, folder: str, mail_id: str) -> None:
        self.request, self.user_id, self.folder, self.mail_id = request, user_id, folder, mail_id
        at, user = together(
            lambda: mailbox.find(request.api, user_id, folder, mail_id),
            lambda: request.api.call(users.READ, users.User, ids={"userId": user_id}),
        )
        self.at: mailbox.Found | None = None if isinstance(at, NotFound) else got(at)
        self.message = self.at.message if self.at else None
        self.user = mailbox.owner(request, user_id, user)
        headers = self.message.headers if self.message else None
        self.judged = verdict.verdict(headers)
        self.who = verdict.author(self.message.sender, headers) if self.message else senders.sender("")
        self.url = reverse("mail-read", args=(user_id, folder, mail_id))
        self.held = mailbox.holds(request, folder)
        self.delivers = self.held or mailbox.delivers(folder)

    def must_exist(self) -> None:
        if self.message is None:
            raise NotFound(mail.READ.id)

    @property
    def subject(self) -> str:
        return (self.message.subject if self.message else None) or _("(no subject)")

    @property
    def lock(self) -> tuple[str, ...]:
        """What stands for this mail however it was addressed: by either of its ids, by its user's id or address."""
        known = self.message.id if self.message and self.message.id else self.mail_id
        return mail.lock(self.user.id or self.user.email or self.user_id, self.folder, known)

    @property
    def target(self) -> str:
        """The mail in words, for the log."""
        return f"{self.user.email or self.user_id}: {self.subject}"[:300]

    def changed_sender(self, form: ActionForm) -> list[str]:
        """A warning when the mail now names another sender than the one the person decided about."""
        seen, now = form.cleaned_data["sender"], self.who.address
        if not seen or seen == now:
            return []
        return [_("This mail now has another sender (%(now)s) than the one you saw (%(seen)s).") % {"now": now, "seen": seen}]

    def doubts(self, scope: str) -> list[str]:
        """Why one should think before allowing this sender. Looks up which domains are the customer's own."""
        own = {(self.user.email or "").rpartition("@")[2].lower()}
        domain, same_name = together(
            lambda: self.request.api.call(domains.READ, domains.Domain, ids={"domainId": self.user.domainId or ""}),
            lambda: self.request.api.page(domains.LIST, domains.Domain, size=5, query={"name": canonical(self.who.domain)}),
        )
        # An end user may not read domains; then the mailbox's own domain is all we know.
        if not isinstance(domain, ApiError):
            own |= {str(name.name).lower() for name in (domain.domainAliases or [])} | {str(domain.name).lower()}
            if not isinstance(same_name, ApiError) and domain.customer:
                own |= {str(d.name).lower() for d in same_name.rows if d.customer and d.customer.id == domain.customer.id}
        found = verdict.doubts(self.judged, self.who, {name for name in own if name})
        if scope == "domain" and verdict.authentic(self.judged.checks, self.who.domain) is None:
            found.append(_("Nobody checked whether the mail really comes from %(domain)s.") % {"domain": self.who.domain})
        return found

    def context(self) -> dict[str, Any]:
        return {
            "mail": self.message,
            "mailed": self,
            "who": self.who,
            "judged": self.judged,
            "user": self.user,
            "user_id": self.user_id,
            "folder": self.folder,
            "mail_id": self.mail_id,
        }


def _release(request: PortalRequest, mailed: Mail, form: ActionForm) -> Written:
    """Release it; infected mail only with the header, clean mail only without, as the gateway demands."""
    if mailed.at is None:
        raise NotFound(mail.READ.id)
    once = form.cleaned_data["once"]
    call: dict[str, Any] = {
        **{"target": mailed.target, "url": mailed.url, "lock": mailed.lock},
        **{"once": once, "since": shown_at(once)},
    }
    if not form.cleaned_data["infected"]:
        return mailbox.release(request.person, request.api, mailed.at, mailed.user_id, **call)
    try:
        return mailbox.release(request.person, request.api, mailed.at, mailed.user_id, headers=INFECTED, **call)
    except PreconditionFailed:  # it is clean after all: whoever accepts a virus accepts that
        return mailbox.release(request.person, request.api, mailed.at, mailed.user_id, **call)


def _add_rule(request: PortalRequest, mailed: Mail, form: ActionForm, kind: str, scope: str, done: str) -> Outcome:
    """Add an ALLOW or BLOCK rule for the sender. Never raises for a refusal: what was done before it must still be told."""
    email = mailed.user.email or ""
    ids: dict[str, Any]
    if scope == "domain":
        op, ids, place = sender_rules.ADD_TO_DOMAIN, {"domainId": mailed.user.domainId or ""}, email.rpartition("@")[2]
    else:
        op, ids, place = sender_rules.ADD_TO_USER, {"userId": mailbox.account(request.api, mailed.user_id)}, email
    sender, allow = mailed.who.rule, kind == "ALLOW"
    if "days" not in form.data and not allow:
        form.cleaned_data["days"] = 0  # a block stays until somebody removes it
    description = form.cleaned_data["description"] or _describe(request, allow)
    new = {"value": sender, "type": kind, "description": description}
    if expiry := form.expiry():
        new["expireAt"] = expiry
    if allow:  # SPF may be demanded only where it passed: else the rule would never match
        new["spfOn"] = any(check.name == "SPF" and check.passed for check in mailed.judged.checks)
    said = {"sender": mailed.who.shown, "place": place}
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
        known = (
            _("%(sender)s is on the allow list of %(place)s already.")
            if allow
            else _("%(sender)s is on the block list of %(place)s already.")
        )
        return Outcome(f"{done} {known % said}".strip())
    except ApiError as error:
        if isinstance(error, NotAllowed):
            session.remember_refusal(request, op.id, mailed.user.domainId or "")
        _status, title, sentence = screens.explain(error)
        # That nothing was sent is true of the rule alone: the mail may be released.
        why = f"{title}." if isinstance(error, Unreachable) else sentence
        failed = (
            _("The sender rule for %(sender)s was not added.")
            if not is_unclear(error)
            else _("It is unclear whether the sender rule for %(sender)s was added.")
        )
        return Outcome(f"{done} {failed % said} {why} {_quoted(error)}".strip(), "warn")
    if written.repeated:
        return _rule_outcome(written)
    said["date"] = _date(expiry)
    match allow, bool(expiry):
        case True, True:
            text = _("%(sender)s is allowed for %(place)s until %(date)s.")
        case True, False:
            text = _("%(sender)s is allowed for %(place)s, without an end.")
        case False, True:
            text = _("%(sender)s is blocked for %(place)s until %(date)s.")
        case _other:
            text = _("%(sender)s is blocked for %(place)s, without an end.")
    outcome = Outcome(f"{done} {text % said}".strip())
    rule = next((rule for rule in written.answer if rule.id), None)
    if rule:
        outcome.rule = rule
        name, owner = ("domain-rule", ids["domainId"]) if "domainId" in ids else ("user-rule", mailed.user_id)
        outcome.rule_url = reverse(name, args=(owner, rule.id)) + "?" + urlencode({"value": rule.value or sender})
        outcome.form = RuleForm(initial={"days": form.cleaned_data["days"], "description": description})
    return outcome


def _rule(
    request: PortalRequest,
    owner: dict[str, Any],
    rule_id: str,
    listing: Operation,
    edit: Operation,
    delete: Operation,
    back: str,
) -> HttpResponse:
    op, once = delete if "delete" in request.POST else edit, request.POST.get("once", "")
    if request.method == "POST" and (first := repeated(request.person, op, once)):
        return _said(request, _rule_outcome(first), back)
    # The API reads no single rule: it is found again by its value.
    value = request.GET.get("value", "")
    found = request.api.page(listing, sender_rules.SenderRule, size=40, query={"value": value} if value else {}, ids=owner)
    rule = next((rule for rule in found.rows if str(rule.id) == rule_id), None)
    if rule is None:
        raise NotFound(listing.id)
    typed = {name: request.GET[name] for name in ("days", "description") if name in request.GET}  # before signing in again
    initial = {"days": KEEP, "description": rule.description or "", **typed}
    form = RuleForm(request.POST if request.method == "POST" else None, initial=initial, ends=rule.expireAt, exists=True)
    if request.method == "GET" or not form.is_valid():
        return render(request, "users/rule.html", {"rule": rule, "form": form, "back": back, "once": one_time_key()})
    target, said = f"{rule.type} {rule.value}: {rule.owner}", {"sender": with_letters(rule.value or "")}
    common: dict[str, Any] = {"target": target, "url": back, "once": once, "ids": {**owner, "wbItemId": rule_id}}
    try:
        if "delete" in request.POST:
            written = act(request.person, request.api, delete, **common)
            if written.repeated:
                return _said(request, _rule_outcome(written), back)
            return _said(request, Outcome(_("The rule for %(sender)s is removed.") % said), back)
        changed: dict[str, Any] = {"value": rule.value, "type": rule.type, "description": form.cleaned_data["description"]}
        if expiry := form.expiry():
            changed["expireAt"] = expiry
        if rule.type == "ALLOW":
            changed["spfOn"] = bool(rule.spfOn)
        written = act(request.person, request.api, edit, json=changed, **common)
    except Refused as error:
        if screens.is_fragment(request):  # the form in the toast is still there
            raise
        status, _title, text = screens.explain(error)
        form.add_error(None, error.message or text)
        for name, why in error.fields.items():
            form.add_error(name if name in form.fields else None, why)
        context = {"rule": rule, "form": form, "back": back, "once": one_time_key()}
        return render(request, "users/rule.html", context, status=status)
    if written.repeated:
        return _said(request, _rule_outcome(written), back)
    end = form.expiry()
    changed_to = (
        _("The rule for %(sender)s is changed; it ends on %(date)s.")
        if end
        else _("The rule for %(sender)s is changed; it has no end.")
    )
    outcome = Outcome(changed_to % {**said, "date": _date(end)})
    return _said(request, outcome, back)


def _ask_to_release(
    request: PortalRequest,
    mailed: Mail,
    form: ActionForm,
    doubts: list[str] | None = None,
    infected: bool = False,
) -> HttpResponse:
    """The page (or dialog) that says what it means before it is done."""
    mailed.must_exist()
    allow = form.data.get("allow", "")
    context = {
        **mailed.context(),
        "allow": allow if allow in ("mailbox", "domain") else "",
        "doubts": doubts or [],
        "infected": infected or mailed.judged.infected,
        "once": one_time_key(),
        "form": RuleForm(
            initial={
                "days": form.data.get("days") or 90,
                "description": form.data.get("description") or _describe(request, True),
            }
        ),
    }
    response = render(request, "users/release.html", context)
    if screens.is_fragment(request) and request.method == "POST":
        response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def _answer(request: PortalRequest, mailed: Mail, outcome: Outcome) -> HttpResponse:
    """Tell how it ended: toast, row and reading pane for htmx; else back to the folder with a message."""
    if not screens.is_fragment(request):
        return _said(request, outcome, reverse("mail-list", args=(mailed.user_id, mailed.folder)))
    context = {**mailed.context(), "outcome": outcome, "state": outcome.state}
    if not outcome.state and mailed.message:  # the mail is as before, but a button may have to go, and the form's key is used up
        context |= reading(request, mailed.message, mailed.user_id, mailed.folder, mailed.mail_id, mailed.user)
    elif mailed.message:
        base = reverse("mail-list", args=(mailed.user_id, mailed.folder))
        context["row"] = mail_rows([mailed.message], base, open_id=str(mailed.message.id), state=outcome.state)
    response = render(request, "users/_acted.html", context)
    response["HX-Push-Url"] = "false"
    return response


def _said(request: PortalRequest, outcome: Outcome, back: str) -> HttpResponse:
    if screens.is_fragment(request):
        return render(request, "_toast.html", {"outcome": outcome})
    level = {"ok": messages.SUCCESS, "warn": messages.WARNING, "error": messages.ERROR}[outcome.level]
    messages.add_message(request, level, outcome.text, extra_tags=outcome.rule_url)
    return HttpResponseRedirect(back)


def _release_outcome(first: Written, held: bool) -> Outcome:
    """How the first of two releases ended. Delivered mail stays what it is, and can be delivered again."""
    if first.done:
        text = _("Released once already, by %(who)s. It was not sent a second time.") % {"who": first.entry.who}
        return Outcome(text, state="released" if held else "")
    text = _("This release was started already, and its end is not known. Look in the inbox before you repeat it.")
    return Outcome(text, "warn", "unknown" if held else "")


def _keeps_blocked(policy: Policy | None) -> bool | None:
    """Does the policy "store incoming blocked sender" (storeBlacklisted, r:6978)? None where the gateway does not say."""
    if policy is None or policy.quarantine is False:
        return None if policy is None else False
    return policy.quarantineProps.storeBlacklisted if policy.quarantineProps else None


def _rule_outcome(first: Written) -> Outcome:
    if first.done:
        return Outcome(_("Done already; it was not done a second time."))
    unclear = _("The request was sent, but no answer came. Look at the current state before you repeat it.")
    return Outcome(_("We do not know whether it happened") + ". " + unclear, "warn")


def _describe(request: PortalRequest, allow: bool) -> str:
    said = {"who": request.person.who, "date": date_format(timezone.localdate(), "SHORT_DATE_FORMAT")}
    text = (
        _("Allowed from the quarantine by %(who)s, %(date)s") if allow else _("Blocked from the quarantine by %(who)s, %(date)s")
    )
    return (text % said)[:250]


def _date(milliseconds: int | None) -> str:
    """The day on which a rule ends, in the reader's time zone; "" for a rule without an end."""
    end = moment(milliseconds)
    return date_format(timezone.localtime(end)) if end else ""


def _quoted(error: ApiError) -> str:
    return f"({error.message})" if error.message else ""


def _unclear(error: ApiError) -> str:
    unknown = _(
        "We do not know whether the mail was released: the request was sent, but no clear answer came. "
        "Look in the inbox of the mailbox before you repeat it."
    )
    return f"{unknown} {_quoted(error)}".strip()
