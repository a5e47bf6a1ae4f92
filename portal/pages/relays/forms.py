"""The form of a relay, and how its fields become the PlatformDTO of the contract and back."""
# ruff: noqa: N815 (fields are named as in the API)

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from cryptography.x509 import load_pem_x509_certificates
from django import forms
from django.core.validators import RegexValidator
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _, gettext_lazy as lazy

from portal.api.domains import RELAY_SECRETS
from portal.api.errors import ApiError, Conflict
from portal.ui.change import Change, same
from portal.ui.fields import HostField, PortField, SecretField, SwitchField
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest
from portal.ui.words import ENCRYPTION

Relay = dict[str, Any]  # a PlatformDTO as the gateway gave it, with whatever else it holds

SIGN_IN = (
    ("local", lazy("with a gateway password")),
    ("imap", lazy("via an IMAP server")),
    ("ldap", lazy("via a directory (LDAP)")),
    ("oidc", lazy("via single sign-on (OpenID Connect)")),
    ("entra", lazy("with Microsoft Entra ID")),
)
REMEDIATION = (
    ("", lazy("none")),
    ("IMAP", lazy("via IMAP")),
    ("EXCHANGE", lazy("via Exchange (EWS)")),
    ("O365", lazy("via Microsoft 365 (Graph)")),
)
OWN = (
    "name", "default", "transportDest", "transportPort", "transportType",
    "fallbackTransportDest", "fallbackTransportPort", "fallbackTransportType",
)  # fmt: skip
# Of each kind of settings, the fields of the contract; in the form, one is named like auth_ldap_base_dn.
VARIANTS: dict[str, tuple[str, str, dict[str, tuple[str, ...]]]] = {
    "authType": ("authData", "auth", {
        "imap": ("host", "port", "use_ssl", "cert_pem"),
        "ldap": (
            "host", "port", "use_ssl", "base_dn", "bind_user", "bind_password", "mail_attribute", "username_format", "cert_pem",
        ),
        "oidc": ("issuerUri", "clientId", "clientSecret", "nameAttr", "scope"),
        "entra": ("tenantId",),
    }),
    "apiType": ("apiData", "api", {
        "IMAP": ("host", "port", "useSsl", "login", "password"),
        "EXCHANGE": ("host", "login", "password", "testAccount"),
        "O365": ("tenantId", "clientId", "clientSecret"),
    }),
}  # fmt: skip
TRIED = (
    "id", "transportDest", "transportPort", "fallbackTransportDest", "fallbackTransportPort", "authType", "authData", "apiData",
)  # fmt: skip
HIDDEN = re.compile("[*•●]*")  # what stands for a secret that is not shown
PLAIN = RegexValidator(r"^[^\x00-\x1f\x7f-\x9f]*$", lazy("The text contains an invisible character."))
WEB = RegexValidator(r"^https?://[^\s<>\"]+$", lazy("Enter a web address that begins with https://."))


class Overtook(Conflict):
    """Between our look and our write, somebody else changed the same relay."""


def is_certificate(value: str) -> None:
    if "PRIVATE KEY" in value:
        raise forms.ValidationError(
            _("This was a private key. It was not kept: paste only the certificate here."), code="private"
        )
    try:
        load_pem_x509_certificates(value.encode())
    except ValueError:
        raise forms.ValidationError(_("Paste a certificate. It begins with -----BEGIN CERTIFICATE-----.")) from None


def text(label: Any, *, required: bool = True, help: Any = "", check: Any = PLAIN, **attrs: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attrs})
    return forms.CharField(label=label, required=required, help_text=help, validators=[check], max_length=1000, widget=widget)


def port(kind: str, usual: int | None = None, *, required: bool = True, help: Any = "") -> PortField:
    """A port; the usual ones of this kind of server are proposed (templates/relays/_fields.html)."""
    return PortField(required=required, initial=usual, help_text=help, widget=forms.NumberInput(attrs={"list": f"ports-{kind}"}))


def secret(label: Any, *, required: bool = True) -> SecretField:
    return SecretField(label=label, required=required, max_length=1000, validators=[PLAIN])


def tls() -> SwitchField:
    return SwitchField(label=lazy("Connect over TLS"), initial=True)


class CertificateField(forms.CharField):
    """A text of lines; a browser sends them with other ends than the gateway has."""

    def to_python(self, value: Any) -> Any:
        return "\n".join(str(super().to_python(value) or "").splitlines()).strip()


def certificate() -> CertificateField:
    return CertificateField(
        label=lazy("Certificate to trust"),
        required=False,
        max_length=50_000,
        validators=[is_certificate],
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=lazy("In PEM format. Only for a server whose certificate is not from a public authority."),
    )


@dataclass(frozen=True)
class Section:
    """Fields under a heading, and those of each variant, of which one is chosen."""

    title: str
    help: str
    fields: list[BoundField]
    variants: list[tuple[str, str, list[BoundField]]]


class ConnectionForm(PortalForm):
    """What can be tried of a relay (RelayCheckHealthDTO). `relay` is the one that there is, {} for a new one."""

    use_required_attribute = False  # a browser would hold the form up for fields of a variant that is not shown

    transportDest = HostField(label=lazy("Host"))
    transportPort = port("smtp", 25)
    fallbackTransportDest = HostField(label=lazy("Host"), required=False)
    fallbackTransportPort = port("smtp", required=False, help=lazy("Defaults to 25."))
    authType = forms.ChoiceField(label=lazy("Users sign in"), choices=SIGN_IN)
    auth_imap_host = HostField(label=lazy("IMAP server"))
    auth_imap_port = port("imap", 993)
    auth_imap_use_ssl = tls()
    auth_imap_cert_pem = certificate()
    auth_ldap_host = HostField(label=lazy("LDAP server"))
    auth_ldap_port = port("ldap", 636)
    auth_ldap_use_ssl = tls()
    auth_ldap_base_dn = text(lazy("Search base (base DN)"), placeholder="dc=example,dc=org")
    auth_ldap_bind_user = text(lazy("Search account"), required=False)
    auth_ldap_bind_password = secret(lazy("Search account password"), required=False)
    auth_ldap_mail_attribute = text(lazy("Email address attribute"), required=False, placeholder="mail")
    auth_ldap_username_format = text(
        lazy("Username format"), required=False, help=lazy("How the directory name is built from what a user types.")
    )
    auth_ldap_cert_pem = certificate()
    auth_oidc_issuerUri = text(lazy("Issuer"), check=WEB, inputmode="url", placeholder="https://")
    auth_oidc_clientId = text(lazy("Client ID"))
    auth_oidc_clientSecret = secret(lazy("Client secret"), required=False)
    auth_oidc_nameAttr = text(lazy("Username claim"), required=False)
    auth_oidc_scope = text(lazy("Scopes"), required=False, placeholder="openid email")
    auth_entra_tenantId = text(lazy("Tenant ID"))
    apiType = forms.ChoiceField(label=lazy("Mailbox access"), choices=REMEDIATION, required=False)
    api_IMAP_host = HostField(label=lazy("IMAP server"))
    api_IMAP_port = port("imap", 993)
    api_IMAP_useSsl = tls()
    api_IMAP_login = text(lazy("Account"))
    api_IMAP_password = secret(lazy("Password"))
    api_EXCHANGE_host = HostField(label=lazy("Exchange server"))
    api_EXCHANGE_login = text(lazy("Account"))
    api_EXCHANGE_password = secret(lazy("Password"))
    api_EXCHANGE_testAccount = text(
        lazy("Test mailbox"), required=False, help=lazy("The address of a mailbox that can be opened to test access.")
    )
    api_O365_tenantId = text(lazy("Tenant ID"))
    api_O365_clientId = text(lazy("Application ID"))
    api_O365_clientSecret = secret(lazy("Application secret"))

    def __init__(self, request: PortalRequest, relay: Relay | None = None) -> None:
        self.relay = relay or {}
        super().__init__(request, values(self.relay) if self.relay else None)
        self.trying = "try" in self.data
        for name in ("transportType", "fallbackTransportType", "authType", "apiType"):
            value = str(self.record.get(name) or "")
            known = cast(Any, self.fields.get(name))
            if known and value and value not in dict(known.choices):  # newer than this page: it stays as it is
                known.choices = [*known.choices, (value, value)]
        if self.relay:
            for name in filter(self.is_secret, self.fields):
                self.fields[name].help_text = _("Never shown. Leave empty to keep the stored one.")

    def sections(self) -> list[Section]:
        """The form as the page shows it."""
        return [
            self._section(_("Mail server"), _("Receives the mail that the gateway has checked."), *OWN[2:5]),
            self._section(_("Fallback"), _("Tried when the mail server does not answer. Leave empty for none."), *OWN[5:]),
            self._section(_("Sign-in"), _("Where the gateway checks who opens the held messages of a mailbox."), "authType"),
            self._section(
                _("Remediation"), _("How the gateway takes back messages that were found bad after delivery."), "apiType"
            ),
        ]

    def clean(self) -> dict[str, Any]:
        """Counts what belongs to the chosen variants alone; what the gateway has already may stay, whatever it is."""
        seen = self._seen()
        for kind, (_data, part, variants) in VARIANTS.items():
            chosen = self.cleaned_data.get(kind)
            for variant, names in variants.items():
                for name in (f"{part}_{variant}_{key}" for key in names):
                    if variant != chosen:
                        self._drop(name)
                    elif self.is_secret(name) and not self.data.get(name) and self.relay and seen.get(kind) == chosen:
                        self._drop(name)  # it is kept
        for name in [name for name in self.errors if name in seen and same(self.data.get(name), seen[name])]:
            self._drop(name)
            self.cleaned_data[name] = seen[name]
        if self.trying:
            self._drop("name")  # it is nothing to be tried
        for name in [name for name in self.errors if self.has_error(name, "private")]:
            self.data = cast(Any, self.data).copy()
            self.data[name] = ""  # type: ignore[index]
        if not self.cleaned_data.get("fallbackTransportDest") and "fallbackTransportDest" not in self.errors:
            self.cleaned_data |= {name: None for name in OWN[5:] if name in self.fields}
        else:
            for name, usual in (("fallbackTransportPort", 25), ("fallbackTransportType", "SMTPS_MAY")):
                if name in self.fields and name not in self.errors:
                    self.cleaned_data[name] = self.cleaned_data.get(name) or usual
        return self.cleaned_data if self.trying else super().clean()

    def compared(self) -> Change:
        """As for every form; with a setting goes its kind where somebody else chose another one meanwhile."""
        change = super().compared()
        along = [
            kind
            for kind, (_data, part, _variants) in VARIANTS.items()
            if any(name.startswith(f"{part}_") for name in change.differences)
            and self.record.get(kind, "") != change.typed.get(kind, "")
        ]
        return replace(change, along=along)

    def written(self) -> Relay:
        """The relay as it is to be: what the gateway has, with what was changed.

        Another kind of sign-in or remediation begins with nothing: no setting of the old one is taken over.
        """
        changed = self.changed()
        relay: Relay = {**sendable(self.relay), **{name: changed[name] for name in OWN if name in changed}}
        for kind, (data, part, variants) in VARIANTS.items():
            chosen = self.cleaned_data[kind]
            had = relay.get(data)
            new = kind in changed
            source = {name: value for name, value in self.typed().items() if value not in ("", None)} if new else changed
            names = {f"{part}_{chosen}_{key}": key for key in variants.get(chosen, ())}
            relay[data] = {
                **(had if isinstance(had, dict) and not new else {}),
                **{key: source[name] for name, key in names.items() if name in source},
            } or None
            relay[kind] = (chosen or None) if new else relay.get(kind) or ("local" if kind == "authType" else None)
        return relay

    def tried(self) -> Relay:
        """The configuration to try (RelayCheckHealthDTO); with the id of its relay, whose secrets need not be typed again."""
        relay = self.written()
        # A required text (r:7030): "" where there is no access to the mailboxes.
        return {"apiType": relay["apiType"] or "", **{name: relay[name] for name in TRIED if relay.get(name) not in (None, "")}}

    def refuse(self, error: ApiError, taken: str = "") -> None:
        """The gateway's names of settings become those of the form's fields."""
        if isinstance(error, Overtook):
            self.add_error(None, _("Someone else changed this relay at the same time. Your changes were not saved: save again."))
            self.status = 409
            self._show_again()
            return
        names: dict[str, str] = {}
        for kind, (data, part, variants) in VARIANTS.items():
            chosen = self.cleaned_data.get(kind, "")
            names |= {f"{place}{key}": f"{part}_{chosen}_{key}" for key in variants.get(chosen, ()) for place in (f"{data}.", "")}
        error.fields = {names.get(re.sub(r"^platforms(\[?\d*\]?)\.", "", name), name): why for name, why in error.fields.items()}
        super().refuse(error, taken)

    def problems(self) -> list[tuple[str, list[str]]]:
        """What is wrong, for a place that does not show the fields: labels with sentences."""
        labels = {name: str(self[name].label) for name in self.fields}
        return [(labels.get(name, ""), [str(one) for one in problems]) for name, problems in self.errors.items()]

    def typed_secrets(self) -> bool:
        """True when the page that shows this form again has lost something: secrets are never sent back."""
        return any(self.is_secret(name) and self.data.get(name) for name in self.fields)

    def _show_again(self) -> None:
        """Where somebody else chose another kind, the settings that were typed for this one stay in the form."""
        typed, changed = cast(Any, self.data), self.changed()
        super()._show_again()
        for kind, (_data, part, _variants) in VARIANTS.items():
            for name in (name for name in self.fields if kind in changed and (name == kind or name.startswith(f"{part}_"))):
                cast(Any, self.data).setlist(name, typed.getlist(name))

    def _drop(self, name: str) -> None:
        self.errors.pop(name, None)
        self.cleaned_data.pop(name, None)

    def _section(self, title: str, help: str, *names: str) -> Section:
        fields = [self[name] for name in names if name in self.fields]
        if names[0] not in VARIANTS:
            return Section(title, help, fields, [])
        _data, part, variants = VARIANTS[names[0]]
        titles = dict(cast(Any, self.fields[names[0]]).choices)
        return Section(title, help, fields, [
            (variant, str(titles[variant]), [self[f"{part}_{variant}_{key}"] for key in keys])
            for variant, keys in variants.items()
        ])  # fmt: skip


class RelayForm(ConnectionForm):
    """All of a relay (PlatformDTO)."""

    name = text(lazy("Name"))
    default = SwitchField(label=lazy("Default relay"), help_text=lazy("Receives mail to addresses without an account."))
    transportType = forms.ChoiceField(label=lazy("Encryption"), choices=ENCRYPTION)
    fallbackTransportType = forms.ChoiceField(label=lazy("Encryption"), choices=ENCRYPTION, required=False)

    def sections(self) -> list[Section]:
        return [self._section(_("Relay"), "", *OWN[:2]), *super().sections()]


def values(relay: Mapping[str, Any]) -> dict[str, Any]:
    """A relay as the form's fields, without its secrets."""
    found: dict[str, Any] = {name: relay.get(name) for name in OWN}
    found["authType"] = str(relay.get("authType") or "local").lower()
    found["apiType"] = str(relay.get("apiType") or "").upper()
    for kind, (data, part, variants) in VARIANTS.items():
        settings = relay.get(data)
        for key in variants.get(found[kind], ()):
            if key not in RELAY_SECRETS:
                name, value = f"{part}_{found[kind]}_{key}", settings.get(key) if isinstance(settings, dict) else None
                found[name] = CertificateField(required=False).to_python(value) if key == "cert_pem" else value
    return found


def sendable(relay: Mapping[str, Any]) -> Relay:
    """A relay to be written back as it is, but for a secret that the gateway does not really show: that would replace it."""
    settings = [data for data, _part, _variants in VARIANTS.values() if isinstance(relay.get(data), dict)]
    return {**relay, **{data: without_hidden(relay[data]) for data in settings}}


def without_hidden(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if not (key in RELAY_SECRETS and HIDDEN.fullmatch(str(value or "")))}
