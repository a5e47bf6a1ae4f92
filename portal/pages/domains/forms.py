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
PRIORITIES = (("USER", lazy("mailbox rules")), ("DOMAIN", lazy("domain rules")))
SMTP_PORT = 25


class DomainForm(PortalForm):
    """What DomainAdd and DomainUpdate have in common, without the relays."""

    name = DomainField(
        label=lazy("Domain"),
        help_text=lazy("As in email addresses, such as example.org. Letters other than a to z are sent in their xn--… form."),
    )
    customerId = KnownField(  # noqa: N815 (the API's names, here and below)
        label=lazy("Customer"), required=False, help_text=lazy("Who the domain belongs to. Choose a name or enter an ID.")
    )
    description = forms.CharField(label=lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    externalId = forms.CharField(  # noqa: N815
        label=lazy("External ID"), required=False, help_text=lazy("For example, the contract number in your billing.")
    )
    status: Any = forms.ChoiceField(
        label=lazy("Status"),
        choices=[(status, STATUS[status]) for status in ("ENABLED", "DISABLED")],
        help_text=lazy("A disabled domain keeps everything, but its services are suspended."),
    )
    defaultLanguage = forms.ChoiceField(label=lazy("Language for new users"), choices=LANGUAGES)  # noqa: N815
    quarantine = SwitchField(
        label=lazy("Quarantine"), help_text=lazy("Holds spam and infected messages, so that they can be checked and released.")
    )
    retention = SwitchField(
        label=lazy("Retention"), help_text=lazy("Keeps copies of mail for some days, so that lost messages can be found again.")
    )
    archive = SwitchField(label=lazy("Archive"), help_text=lazy("Keeps copies of mail for months or years."))
    autoProvisioningOn = SwitchField(  # noqa: N815
        label=lazy("Automatic accounts"),
        help_text=lazy("Accounts are created automatically. Otherwise, each is added by hand."),
    )
    # "Activate the sender verify" (r:6173): the document does not say what it does, and so neither do we.
    senderVerifyOn = SwitchField(label=lazy("Sender verification"))  # noqa: N815
    wblistPriority = forms.ChoiceField(  # noqa: N815
        label=lazy("Which sender rules take precedence"),
        choices=PRIORITIES,
        help_text=lazy("If a sender is allowed in one place and blocked in the other."),
    )
    outgoingSubnets = NetworksField(  # noqa: N815
        label=lazy("Networks allowed to send"),
        required=False,
        help_text=lazy("One per line, such as 192.0.2.0/24. The domain's mail is accepted from there and sent on."),
    )
    outgoingProvidersIds = KnownListField(  # noqa: N815
        label=lazy("Outgoing providers"),
        required=False,
        help_text=lazy("Services allowed to send for the domain. Lists the providers your domains already use."),
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
        label=lazy("Default policy"), required=False, help_text=lazy("Applies to users without a policy of their own.")
    )
    status: Any = forms.ChoiceField(
        label=lazy("Status"),
        choices=[(status, STATUS[status]) for status in ("ENABLED", "DISABLED", "PENDING")],
        help_text=lazy("A disabled domain keeps everything, but its services are suspended. Deleting it has its own page."),
    )
    GROUPS = (
        (lazy("If mail still arrives here"), "", ("ignoreMx",)),
        (lazy("Domain"), "", ("name", "customerId", "description", "externalId", "status", "defaultLanguage")),
        (
            lazy("Services"),
            lazy("Those of the default policy. Limits, times and the other policies are under Policies."),
            ("quarantine", "retention", "archive"),
        ),
        (lazy("Users and mail"), "", ("policyId", "autoProvisioningOn", "senderVerifyOn", "wblistPriority")),
        (
            lazy("Sending"),
            lazy("Who can send mail for this domain through the gateway."),
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
        label=lazy("Incoming mail"), help_text=lazy("Accepts mail for the domain, checks it and passes it on to its relay.")
    )
    outgoing = SwitchField(
        label=lazy("Outgoing mail"), help_text=lazy("Also checks mail that the domain sends. Step 4 says from where.")
    )
    transportDest = HostField(  # noqa: N815
        label=lazy("Server"), required=False, help_text=lazy("Name or IP address of the server behind the gateway.")
    )
    transportPort = PortField(initial=SMTP_PORT, required=False)  # noqa: N815
    transportType = forms.ChoiceField(label=lazy("Encryption"), choices=ENCRYPTION)  # noqa: N815
    relayName = forms.CharField(  # noqa: N815
        label=lazy("Relay name"), required=False, help_text=lazy("Optional label; defaults to the server's name.")
    )
    fallbackTransportDest = HostField(  # noqa: N815
        label=lazy("Fallback server"), required=False, help_text=lazy("Receives the mail while the first server does not answer.")
    )
    fallbackTransportPort = PortField(label=lazy("Fallback port"), initial=SMTP_PORT, required=False)  # noqa: N815
    fallbackTransportType = forms.ChoiceField(label=lazy("Fallback encryption"), choices=ENCRYPTION)  # noqa: N815
    default = SwitchField(label=lazy("Default relay"), help_text=lazy("Also receives mail to addresses without an account."))
    GROUPS = (
        (lazy("Name and customer"), "", ("name", "customerId", "description", "externalId", "status", "defaultLanguage")),
        (
            lazy("Services"),
            lazy("They form the domain's default policy. Set its limits and times later, under Policies."),
            (
                *("incoming", "outgoing", "quarantine", "retention", "archive"),
                *("autoProvisioningOn", "senderVerifyOn", "wblistPriority"),
            ),
        ),
        (
            lazy("First relay"),
            lazy(
                "The mail server that receives the domain's mail. It can wait: leave the servers empty to create no "
                "relay yet. User sign-in, remediation and more relays come later, under Relays."
            ),
            (
                *("transportDest", "transportPort", "transportType"),
                *("fallbackTransportDest", "fallbackTransportPort", "fallbackTransportType", "relayName", "default"),
            ),
        ),
        (
            lazy("Sending"),
            lazy("Who can send mail for this domain through the gateway. Only needed with outgoing mail."),
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
        customer.help_text = " ".join([str(customer.help_text), _("If there is only one, you can leave this empty.")])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        more = cleaned.get("fallbackTransportDest") or cleaned.get("relayName")
        if more and not cleaned.get("transportDest") and "transportDest" not in self.errors:
            self.add_error("transportDest", _("Enter a server for this relay."))
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
        label=lazy("Enter the domain name"),
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
            raise forms.ValidationError(_("This is not the name of the domain to be deleted: %s.") % self.expected)
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
