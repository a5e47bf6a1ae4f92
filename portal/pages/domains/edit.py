"""Domains: new, changed, deleted, restored."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from portal.api import domains, policies
from portal.api.client import Page
from portal.api.errors import ApiError, SignedOut
from portal.meaning.names import domain_name, readable
from portal.meaning.times import moment
from portal.ui.confirm import Question, confirm
from portal.ui.fields import DomainField, HostField, KnownField, KnownListField, NetworksField, PortField, SwitchField
from portal.ui.forms import PortalForm
from portal.ui.known import Known, known
from portal.ui.pages import PortalRequest, got, read_domain, said, together
from portal.ui.save import save
from portal.ui.words import ENCRYPTION, LANGUAGES, STATES

STATUS = {status: lazy(name) for status, name in STATES.items()}
PRIORITIES = (("USER", lazy("the mailbox's rules")), ("DOMAIN", lazy("the domain's rules")))
SMTP_PORT = 25
MOST_POLICIES = 200  # of a domain, in one call: with more, the default one is chosen by its id


class DomainForm(PortalForm):
    """What DomainAdd and DomainUpdate have in common, without the relays."""

    name = DomainField(
        label=lazy("Domain"),
        help_text=lazy(
            "As in the addresses, for instance example.org. Other letters than a to z are sent as xn--…, their other form."
        ),
    )
    customerId = KnownField(  # noqa: N815 (the API's names, here and below)
        label=lazy("Customer"), required=False, help_text=lazy("Whom the domain belongs to. Choose a name, or type an id.")
    )
    description = forms.CharField(label=lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    externalId = forms.CharField(  # noqa: N815
        label=lazy("External id"), required=False, help_text=lazy("For instance the contract's number in your billing.")
    )
    status: Any = forms.ChoiceField(
        label=lazy("Status"),
        choices=[(status, STATUS[status]) for status in ("ENABLED", "DISABLED")],
        help_text=lazy("A disabled domain keeps everything, and its services stand still."),
    )
    defaultLanguage = forms.ChoiceField(label=lazy("Language of new users"), choices=LANGUAGES)  # noqa: N815
    quarantine = SwitchField(
        label=lazy("Quarantine"), help_text=lazy("Spam and infected mail is held, and can be looked at and released.")
    )
    retention = SwitchField(
        label=lazy("Retention"), help_text=lazy("Copies of mail are kept for some days, so that lost mail can be had again.")
    )
    archive = SwitchField(label=lazy("Archive"), help_text=lazy("Copies of mail are kept for months or years."))
    autoProvisioningOn = SwitchField(  # noqa: N815
        label=lazy("Automatic accounts"),
        help_text=lazy("Users get their accounts by themselves. Without this, each is added by hand."),
    )
    # "Activate the sender verify" (r:6173): the document does not say what it does, and so neither do we.
    senderVerifyOn = SwitchField(label=lazy("Sender verification"))  # noqa: N815
    wblistPriority = forms.ChoiceField(  # noqa: N815
        label=lazy("Sender rules that win"),
        choices=PRIORITIES,
        help_text=lazy("Where a sender is allowed in one place and blocked in the other."),
    )
    outgoingSubnets = NetworksField(  # noqa: N815
        label=lazy("Networks that may send"),
        required=False,
        help_text=lazy("One a line, as 192.0.2.0/24: from there, mail of the domain is taken and sent on."),
    )
    outgoingProvidersIds = KnownListField(  # noqa: N815
        label=lazy("Outgoing providers"),
        required=False,
        help_text=lazy("Services that may send for the domain. Offered are those which your domains use already."),
    )

    def __init__(self, request: PortalRequest, record: dict[str, Any] | None, offered: Known, **kwargs: Any) -> None:
        super().__init__(request, record, **kwargs)
        for name, ids in (("customerId", offered.customers), ("outgoingProvidersIds", offered.providers)):
            self.fields[name].knows(ids)  # type: ignore[attr-defined]
        self.fields["name"].widget.attrs |= {
            "hx-get": reverse("domain-name"),
            "hx-target": f"#{DomainField.region}",
            "hx-trigger": "change",
        }


class EditForm(DomainForm):
    """DomainUpdate, without the relays, which have pages of their own."""

    policyId: Any = KnownField(  # noqa: N815
        label=lazy("Default policy"), required=False, help_text=lazy("Users without a policy of their own have this one.")
    )
    status: Any = forms.ChoiceField(
        label=lazy("Status"),
        choices=[(status, STATUS[status]) for status in ("ENABLED", "DISABLED", "PENDING")],
        help_text=lazy("A disabled domain keeps everything, and its services stand still. It is deleted on a page of its own."),
    )
    GROUPS = (
        (lazy("If mail still arrives here"), "", ("ignoreMx",)),
        (lazy("Domain"), "", ("name", "customerId", "description", "externalId", "status", "defaultLanguage")),
        (
            lazy("Services"),
            lazy("Those of the default policy. Their limits and times, and the other policies, are under Policies."),
            ("quarantine", "retention", "archive"),
        ),
        (lazy("Users and mail"), "", ("policyId", "autoProvisioningOn", "senderVerifyOn", "wblistPriority")),
        (
            lazy("Sending"),
            lazy("Who may send mail of this domain through the gateway."),
            ("outgoingSubnets", "outgoingProvidersIds"),
        ),
    )

    def __init__(self, request: PortalRequest, domain: domains.Domain, offered: Known, choices: Any) -> None:
        super().__init__(request, _values(domain), offered)
        if isinstance(choices, Page):
            self._offer_policies(choices)

    def _offer_policies(self, found: Page[policies.Policy]) -> None:
        """All policies to choose from, or, where there are too many for that, some that are proposed."""
        typed = self.fields["policyId"]
        names = {str(one.id): one.name or str(one.id) for one in found.rows if one.id is not None}
        if found.total > len(found.rows):
            return typed.knows(names)  # type: ignore[attr-defined,no-any-return]
        chosen = forms.ChoiceField(label=typed.label, help_text=typed.help_text, choices=list(names.items()))
        self._offer(chosen, self.record["policyId"])
        self.fields["policyId"] = chosen


class NewForm(DomainForm):
    """DomainAdd, with one relay."""

    incoming = SwitchField(
        label=lazy("Incoming mail"), help_text=lazy("Mail for the domain is taken, checked and handed on to its relay.")
    )
    outgoing = SwitchField(
        label=lazy("Outgoing mail"), help_text=lazy("Mail that the domain sends is checked too. Step 4 says from where.")
    )
    transportDest = HostField(  # noqa: N815
        label=lazy("Server"), required=False, help_text=lazy("The name or the IP address of the server behind the gateway.")
    )
    transportPort = PortField(initial=SMTP_PORT, required=False)  # noqa: N815
    transportType = forms.ChoiceField(label=lazy("Encryption"), choices=ENCRYPTION)  # noqa: N815
    relayName = forms.CharField(  # noqa: N815
        label=lazy("Name of the relay"), required=False, help_text=lazy("To find it again; else it is called like its server.")
    )
    fallbackTransportDest = HostField(  # noqa: N815
        label=lazy("Backup server"), required=False, help_text=lazy("Takes the mail while the first one does not answer.")
    )
    fallbackTransportPort = PortField(label=lazy("Port of the backup"), initial=SMTP_PORT, required=False)  # noqa: N815
    fallbackTransportType = forms.ChoiceField(label=lazy("Encryption to the backup"), choices=ENCRYPTION)  # noqa: N815
    default = SwitchField(label=lazy("Default relay"), help_text=lazy("Also takes the mail to addresses without an account."))
    GROUPS = (
        (lazy("Name and customer"), "", ("name", "customerId", "description", "externalId", "status", "defaultLanguage")),
        (
            lazy("Services"),
            lazy("They make the default policy of the domain. Its limits and times are set afterwards, under Policies."),
            (
                *("incoming", "outgoing", "quarantine", "retention", "archive"),
                *("autoProvisioningOn", "senderVerifyOn", "wblistPriority"),
            ),
        ),
        (
            lazy("First relay"),
            lazy(
                "The mail server that gets the domain's mail. It can wait: leave the servers empty, and there is none yet. "
                "How users sign in, remediation and more relays come afterwards, under Relays."
            ),
            (
                *("transportDest", "transportPort", "transportType"),
                *("fallbackTransportDest", "fallbackTransportPort", "fallbackTransportType", "relayName", "default"),
            ),
        ),
        (
            lazy("Sending"),
            lazy("Who may send mail of this domain through the gateway. Only needed with outgoing mail."),
            ("outgoingSubnets", "outgoingProvidersIds"),
        ),
    )
    PLACES = {"platforms": "transportDest", "platforms.name": "relayName"}
    FIRST = {
        **{"status": "ENABLED", "defaultLanguage": "EN", "wblistPriority": "USER", "incoming": True, "quarantine": True},
        **{"autoProvisioningOn": True, "senderVerifyOn": True, "default": True},
    }
    RELAY = ("transportDest", "transportPort", "transportType")
    BACKUP = ("fallbackTransportDest", "fallbackTransportPort", "fallbackTransportType")

    def __init__(self, request: PortalRequest, offered: Known) -> None:
        super().__init__(request, None, offered, initial=self.FIRST)
        customer = self.fields["customerId"]
        customer.help_text = " ".join([str(customer.help_text), _("Where there is only one, this may stay empty.")])

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        more = found.get("fallbackTransportDest") or found.get("relayName")
        if more and not found.get("transportDest") and "transportDest" not in self.errors:
            self.add_error("transportDest", _("A relay needs its first server."))
        return found

    def body(self) -> dict[str, Any]:
        """DomainAdd: what was said; what may be left out and was left empty is left out."""
        typed = self.typed()  # not what changed: a switch that is off is said, too
        server, backup = ({name: typed.pop(name) for name in names} for names in (self.RELAY, self.BACKUP))
        name, default = typed.pop("relayName"), typed.pop("default")
        body = {name: value for name, value in typed.items() if value not in ("", [])}
        if not server["transportDest"]:
            return body
        relay = {"name": name or server["transportDest"], **server, "authType": "local", "default": default}
        relay["transportPort"] = relay["transportPort"] or SMTP_PORT
        if backup["fallbackTransportDest"]:
            relay |= {**backup, "fallbackTransportPort": backup["fallbackTransportPort"] or SMTP_PORT}
        return {**body, "platforms": [relay]}


class DeleteForm(PortalForm):
    """Asks for the domain's name, so that no other one is deleted by a slip."""

    name = forms.CharField(
        label=lazy("Type the name of the domain"),
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, request: PortalRequest, expected: str) -> None:
        super().__init__(request)
        self.initial["name"] = ""  # whatever a link says: the person types it
        self.expected = expected

    def clean_name(self) -> str:
        typed = str(self.cleaned_data["name"])
        if typed.casefold() == self.expected.casefold():
            return typed
        try:
            same = domain_name(typed) == self.expected.casefold()
        except forms.ValidationError:
            same = False
        if not same:
            raise forms.ValidationError(_("This is not the name of the domain that would be deleted: %s.") % self.expected)
        return typed


@require_http_methods(["GET", "POST"])
def domain_new(request: PortalRequest) -> HttpResponse:
    """Create a domain (createDomain), with its default policy and its first relay."""
    form = NewForm(request, known(request.api))
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        found_at = reverse("domain-list") + "?" + urlencode({"name": name})
        call = {"target": name, "url": found_at, "taken": "name", "json": form.body()}
        if created := form.submit(domains.CREATE, domains.Domain, **call):
            domain_id = created.answer.id if created.answer else None
            if domain_id is None:  # a second click, or an answer without its id
                found = request.api.page(domains.LIST, domains.Domain, size=1, query={"name": name}).rows
                domain_id = found[0].id if found else None
            shown = f"{name} ({readable(name)})" if readable(name) else name
            if domain_id is None:
                return said(request, _("%(domain)s is created.") % {"domain": shown}, found_at)
            text = _("%(domain)s is created. Next comes its setup: this page says what is still to be done.") % {"domain": shown}
            return said(request, text, reverse("domain-hub", args=(domain_id,)) + "?new=1")
    return render(request, "domains/new.html", {"form": form}, status=form.status)


@require_safe
def domain_name_sent(request: PortalRequest) -> HttpResponse:
    """What a typed name is sent as, or why it is none. Asks nobody."""
    typed, sent, problem = request.GET.get("name", "").strip(), "", ""
    try:
        sent = domain_name(typed) if typed else ""
    except forms.ValidationError as wrong:
        problem = " ".join(wrong.messages)
    return render(request, "domains/name.html", {"typed": typed, "sent": sent, "problem": problem})


@require_http_methods(["GET", "POST"])
def domain_edit(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Change a domain (editDomain); only what changed is sent."""
    read, choices, offered = together(
        lambda: read_domain(request, domain_id),
        lambda: request.api.page(policies.LIST, policies.Policy, size=MOST_POLICIES, ids={"domainId": domain_id}),
        lambda: known(request.api),
    )
    domain = got(read)
    back = reverse("domain-hub", args=(domain_id,))
    if domain.status == "DELETED":
        text = _("Nothing was saved: the domain was deleted meanwhile.") if request.method == "POST" else ""
        text = f"{text} ".lstrip() + _("A deleted domain cannot be changed. It can be restored, and then changed.")
        return _cannot(request, domain, domain_id, text)
    form = EditForm(request, domain, offered, choices)
    if request.method == "POST" and form.is_valid():
        call = {"target": domain.name or domain_id, "done": _("The domain is changed."), "back": back}
        if answer := save(request, form, domains.EDIT, {"domainId": domain_id}, **call):
            return answer
    context = {"domain": domain, "domain_id": domain_id, "form": form}
    return render(request, "domains/edit.html", context, status=form.status)


@require_http_methods(["GET", "POST"])
def domain_delete(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Delete a domain (deleteDomain): says what stops, and asks for the domain's name."""

    def ask() -> Question | HttpResponse:
        domain = read_domain(request, domain_id)
        name = domain.name or domain_id
        if domain.status == "DELETED":
            return _cannot(request, domain, domain_id, _("The domain is deleted already."))
        return Question(
            target=name,
            url=reverse("domain-hub", args=(domain_id,)),
            title=_("Delete %(domain)s?") % {"domain": name},
            lines=_what_stops(domain, name),
            button=_("Delete the domain"),
            head={"domain": domain, "domain_id": domain_id},
            form=DeleteForm(request, name),
            done=lambda: _deleted(request, name, domain_id),
        )

    return confirm(request, domains.DELETE, {"domainId": domain_id}, ask, done=_("The domain is deleted."))


@require_http_methods(["GET", "POST"])
def domain_restore(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Undo a deletion (editDomain with a status), as long as the domain is there."""

    def ask() -> Question | HttpResponse:
        domain = read_domain(request, domain_id)
        name, url = domain.name or domain_id, reverse("domain-hub", args=(domain_id,))
        if domain.status != "DELETED":
            text = _("The domain is not deleted, so there is nothing to restore.")
            post = request.method == "POST"
            return said(request, text, url, messages.INFO) if post else _cannot(request, domain, domain_id, text)
        return Question(
            target=name,
            url=url,
            title=_("Restore %(domain)s?") % {"domain": name},
            lines=[
                _("Its services start again, with its users, policies, relays and rules as they were."),
                _("Mail arrives again as soon as its MX records name this gateway: look at its health afterwards."),
            ],
            button=_("Restore the domain"),
            kind="primary",
            head={"domain": domain, "domain_id": domain_id, "tab": "restore"},
            write={"json": {"status": "ENABLED"}},
            done=_("%(domain)s is restored.") % {"domain": name},
        )

    return confirm(request, domains.EDIT, {"domainId": domain_id}, ask, done=_("The domain is restored."))


def _cannot(request: PortalRequest, domain: domains.Domain, domain_id: str, text: str) -> HttpResponse:
    """The page of something that the domain's state does not allow."""
    context = {"domain": domain, "domain_id": domain_id, "text": text}
    return render(request, "domains/cannot.html", context, status=409 if request.method == "POST" else 200)


def _values(domain: domains.Domain) -> dict[str, Any]:
    """The fields of the form as the gateway has them (Domain -> DomainUpdate)."""
    of_policy = {name: getattr(domain.policy or domain, name) for name in ("quarantine", "retention", "archive")}
    return {
        **{name: getattr(domain, name) for name in ("name", "description", "status", "wblistPriority", "autoProvisioningOn")},
        **of_policy,
        "defaultLanguage": domain.defaultLanguage.upper() if domain.defaultLanguage else None,
        "senderVerifyOn": domain.senderVerifyOn is not False,  # on unless switched off (6.19)
        "externalId": domain.externalId,
        "customerId": _id(domain.customer),
        "policyId": _id(domain.policy),
        "outgoingSubnets": list(domain.outgoingSubnets or ()),
        "outgoingProvidersIds": [str(one.id) for one in domain.outgoingProviders or () if one.id is not None],
    }


def _id(thing: Any) -> str | None:
    return None if thing is None or thing.id is None else str(thing.id)


def _what_stops(domain: domains.Domain, name: str) -> list[str]:
    """What a deletion means, from the domain itself."""
    users = domain.activeUsersCount or 0
    aliases = [alias.name for alias in domain.domainAliases or () if alias.name]
    lines = [_("At once, the gateway takes no more mail for %(domain)s, and checks none that it sends.") % {"domain": name}]
    lines += [_("Its users are deleted with it (active: %(count)s), and no longer see their held mail.") % {"count": users}]
    if aliases:
        names = ", ".join(aliases[:5]) + (" …" if len(aliases) > 5 else "")
        lines += [_("Its other names stop too (%(count)s): %(names)s.") % {"count": len(aliases), "names": names}]
    stops = _("Policies (%(policies)s), relays (%(relays)s) and rules stop with it.")
    lines += [stops % {"policies": domain.policiesCount or 0, "relays": len(domain.platforms or ())}]
    lines += [_("For some time this can be undone. The gateway sets the last day when it deletes, and you are told it then.")]
    return lines


def _deleted(request: PortalRequest, name: str, domain_id: str) -> str:
    """What is said after a deletion: until when it can be undone, where the gateway tells."""
    try:
        at = moment(read_domain(request, domain_id).purgeDate)
    except SignedOut:
        raise
    except ApiError:
        at = None
    if at is None:
        return _("%(domain)s is deleted.") % {"domain": name}
    day = date_format(timezone.localtime(at), "DATE_FORMAT")
    told = _("%(domain)s is deleted. Until %(day)s it can be restored; then it is removed for good.")
    return told % {"domain": name, "day": day}
