"""One sender rule of a mailbox or of a domain: its end and its description are changed, or it is removed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_http_methods

from portal.api import sender_rules
from portal.api.errors import NotFound, Refused
from portal.api.operation import Operation
from portal.audit.log import Written, act
from portal.meaning.names import with_letters
from portal.meaning.times import moment
from portal.pages.users.acted import Outcome, tell
from portal.ui import dates, mailbox, screens
from portal.ui.pages import PortalRequest, one_time_key
from portal.ui.save import one_click

EXPIRY = ((30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")), (365, gettext_lazy("1 year")), (0, gettext_lazy("never")))
KEEP = -1


class RuleForm(forms.Form):
    """How long a sender rule lasts, and why it is there. A rule that exists may keep its end: `ends`, in milliseconds."""

    days = forms.TypedChoiceField(label=gettext_lazy("Rule ends"), choices=EXPIRY, coerce=int, required=False, empty_value="90")
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=250)

    def __init__(self, *args: Any, ends: int | None = None, exists: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ends = ends
        over = ends is not None and 0 < ends <= timezone.now().timestamp() * 1000  # which no gateway takes again
        if over:
            self.initial["days"] = 90
        elif exists:
            kept = _("unchanged (until %(date)s)") % {"date": day(ends)} if ends else _("unchanged (permanent)")
            cast(forms.TypedChoiceField, self.fields["days"]).choices = ((KEEP, kept), *EXPIRY)

    def expiry(self) -> int | None:
        """The end of the rule in milliseconds, None for never."""
        days = int(self.cleaned_data["days"])
        if days == KEEP:
            return self.ends
        return int((timezone.now() + timedelta(days=days)).timestamp() * 1000) if days else None


@dataclass(frozen=True)
class Owner:
    """Whose rules they are: the operations on them, the ids that those take, and the owner's page."""

    listing: Operation
    edit: Operation
    delete: Operation
    ids: dict[str, Any]
    page: str


@require_http_methods(["GET", "POST"])
def user_rule(request: PortalRequest, user_id: str, rule_id: str) -> HttpResponse:
    """Change or remove one sender rule of a mailbox."""
    operations = sender_rules.LIST_OF_USER, sender_rules.EDIT_OF_USER, sender_rules.DELETE_OF_USER
    ids = {"userId": mailbox.account(request.api, user_id)}
    return _rule(request, rule_id, Owner(*operations, ids, reverse("user-hub", args=(user_id,))))


@require_http_methods(["GET", "POST"])
def domain_rule(request: PortalRequest, domain_id: str, rule_id: str) -> HttpResponse:
    """Change or remove one sender rule of a domain."""
    operations = sender_rules.LIST_OF_DOMAIN, sender_rules.EDIT_OF_DOMAIN, sender_rules.DELETE_OF_DOMAIN
    return _rule(request, rule_id, Owner(*operations, {"domainId": domain_id}, reverse("domain-hub", args=(domain_id,))))


def _rule(request: PortalRequest, rule_id: str, owner: Owner) -> HttpResponse:
    op = owner.delete if "delete" in request.POST else owner.edit
    return one_click(
        request,
        op,
        lambda: _change(request, rule_id, owner, op),
        lambda first: tell(request, rule_outcome(first), owner.page),
    )


def _change(request: PortalRequest, rule_id: str, owner: Owner, op: Operation) -> HttpResponse:
    """The page of the rule, or what was done to it: `op` is the owner's `edit` or `delete`."""
    rule = _read_rule(request, rule_id, owner)
    typed = {name: request.GET[name] for name in ("days", "description") if name in request.GET}  # before signing in again
    initial = {"days": KEEP, "description": rule.description or "", **typed}
    form = RuleForm(request.POST if request.method == "POST" else None, initial=initial, ends=rule.expireAt, exists=True)
    context = {"rule": rule, "form": form, "back": owner.page, "once": one_time_key()}
    if request.method == "GET" or not form.is_valid():
        return render(request, "users/rule.html", context)
    body: dict[str, Any] = {} if op is owner.delete else {"json": _changed(rule, form)}
    try:
        written = act(
            request.person,
            request.api,
            op,
            target=f"{rule.type} {rule.value}: {rule.owner}",
            url=owner.page,
            once=request.POST.get("once", ""),
            ids={**owner.ids, "wbItemId": rule_id},
            **body,
        )
    except Refused as error:
        if screens.is_fragment(request):  # the form in the toast is still there
            raise
        status, _title, text = screens.explain(error)
        form.add_error(None, error.message or text)
        for name, why in error.fields.items():
            form.add_error(name if name in form.fields else None, why)
        return render(request, "users/rule.html", context, status=status)
    if written.repeated:
        return tell(request, rule_outcome(written), owner.page)
    names = {"sender": with_letters(rule.value or ""), "date": day(form.expiry())}
    if op is owner.delete:
        sentence = _("The rule for %(sender)s was removed.")
    elif names["date"]:
        sentence = _("The rule for %(sender)s was changed; it ends on %(date)s.")
    else:
        sentence = _("The rule for %(sender)s was changed; it is permanent.")
    return tell(request, Outcome(sentence % names), owner.page)


def _read_rule(request: PortalRequest, rule_id: str, owner: Owner) -> sender_rules.SenderRule:
    """The API reads no single rule: it is found again by its value."""
    value = request.GET.get("value", "")
    query = {"value": value} if value else {}
    rules = request.api.page(owner.listing, sender_rules.SenderRule, size=40, query=query, ids=owner.ids)
    rule = next((rule for rule in rules.rows if str(rule.id) == rule_id), None)
    if rule is None:
        raise NotFound(owner.listing.id)
    return rule


def _changed(rule: sender_rules.SenderRule, form: RuleForm) -> dict[str, Any]:
    body: dict[str, Any] = {"value": rule.value, "type": rule.type, "description": form.cleaned_data["description"]}
    if expiry := form.expiry():
        body["expireAt"] = expiry
    if rule.type == "ALLOW":
        body["spfOn"] = bool(rule.spfOn)
    return body


def rule_outcome(first: Written) -> Outcome:
    """How the first of two clicks on the form of a rule ended."""
    if first.done:
        return Outcome(_("This was already done. It was not repeated."))
    unclear = _("The request was sent, but no answer came. Check the current state before you repeat it.")
    return Outcome(_("We do not know whether it happened") + ". " + unclear, "warn")


def day(milliseconds: int | None) -> str:
    """The day on which a rule ends, in the reader's time zone; "" for a rule without an end."""
    end = moment(milliseconds)
    return dates.day(timezone.localtime(end)) if end else ""
