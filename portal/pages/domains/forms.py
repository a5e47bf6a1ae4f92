"""The forms of a domain: new, changed, deleted."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy

from portal.api import domains, policies
from portal.api.client import Page
from portal.meaning.names import domain_name
from portal.ui.fields import DomainField, HostField, KnownField, KnownListField, NetworksField, PortField, SwitchField
from portal.ui.forms import PortalForm
from portal.ui.known import Known
from portal.ui.pages import PortalRequest
from portal.ui.words import ENCRYPTION, LANGUAGES, STATES

STATUS = {status: lazy(name) for status, name in STATES.items()}
PRIORITIES = (("USER", lazy("the mailbox's rules")), ("DOMAIN", lazy("the domain's rules")))
SMTP_PORT = 25


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

    def _offer_policies(self, page: Page[policies.Policy]) -> None:
        """All policies to choose from, or, where there are too many for that, some that are proposed."""
        typed = self.fields["policyId"]
        names = {str(policy.id): policy.name or str(policy.id) for policy in page.rows if policy.id is not None}
        if page.total > len(page.rows):
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
        cleaned = super().clean()
        more = cleaned.get("fallbackTransportDest") or cleaned.get("relayName")
        if more and not cleaned.get("transportDest") and "transportDest" not in self.errors:
            self.add_error("transportDest", _("A relay needs its first server."))
        return cleaned

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
        "outgoingProvidersIds": [str(provider.id) for provider in domain.outgoingProviders or () if provider.id is not None],
    }


def _id(record: Any) -> str | None:
    return None if record is None or record.id is None else str(record.id)
