"""The forms of a domain's keys."""

import time
from typing import Any, cast

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.debug import sensitive_variables

from portal.meaning import dkim as keys
from portal.ui.fields import SecretField
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest

selector_rule = RegexValidator(
    rf"\A(?:{keys.SELECTOR.pattern})\Z",
    lazy("Letters, digits and hyphens, in parts separated by dots; at most 63 characters in all."),
)


class KeyForm(PortalForm):
    """Where a key pair comes from: made by us or by the gateway, or brought along."""

    source = forms.ChoiceField(label=lazy("Key pair"), choices=(), widget=forms.RadioSelect)
    selector = forms.CharField(
        label=lazy("Selector"),
        required=False,
        max_length=63,
        help_text=lazy("The name of the key, at the start of its record. Leave empty to let the gateway choose."),
    )
    privateKey = SecretField(  # noqa: N815 (the API's name)
        label=lazy("Private key"),
        required=False,
        max_length=20_000,
        strip=True,
        rows=6,
        help_text=lazy("RSA, as PEM or Base64. It is sent to the gateway and never shown again."),
    )
    publicKey = forms.CharField(  # noqa: N815 (the API's name)
        label=lazy("Public key"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"spellcheck": "false", "rows": 6}),
        help_text=lazy("Optional: used only to check that it matches the private key."),
    )
    MAKE = lazy("Created by the gateway (RSA, %(bits)s bits)")
    GROUPS = (
        ("", "", ("source", "selector")),
        (lazy("Your own key pair"), lazy("Only if you use your own key pair."), ("privateKey", "publicKey")),
    )

    def __init__(self, request: PortalRequest, **kwargs: Any) -> None:
        super().__init__(request, initial={"source": "make", **kwargs.pop("initial", {})}, **kwargs)
        made = str(self.MAKE) % {"bits": keys.BITS}
        choices = (("make", made), ("own", _("Use my own key pair")))
        cast(forms.ChoiceField, self.fields["source"]).choices = choices
        self.pair: keys.Pair | None = None  # the one that was brought along

    def clean_selector(self) -> str:
        selector = str(self.cleaned_data["selector"]).strip().lower()
        if selector:
            selector_rule(selector)
        return selector

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """A pair is looked at before it is sent: the gateway signs with whatever it gets."""
        sent = super().clean()
        if "PRIVATE KEY" in self.data.get("publicKey", ""):  # in the wrong box: it does not come back there either
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["publicKey"] = ""  # type: ignore[index]
        private, public = sent.get("privateKey", ""), sent.get("publicKey", "")
        if sent.get("source") != "own":
            if private or public:
                self.add_error("source", _("A key is pasted below. Choose to use your own key pair, or clear the box."))
            return sent
        if not private:
            again = _("Paste the private key. It is never kept in a form, so paste it again after a correction.")
            self.add_error("privateKey", again)
            return sent
        try:
            self.pair = keys.read_pair(private)
        except ValueError as problem:
            self.add_error("privateKey", str(problem))
            return sent
        if public and keys.bare_public(public) != self.pair.public:
            self.add_error("publicKey", _("This public key does not match the private key."))
        return sent

    @sensitive_variables()
    def body(self) -> dict[str, str] | None:
        """What is sent (DkimDTO); None where the gateway is to decide all of it."""
        selector = {"selector": self.cleaned_data["selector"]} if self.cleaned_data["selector"] else {}
        pair = {"privateKey": self.pair.private, "publicKey": self.pair.public_pem} if self.pair else {}
        return {**pair, **selector} or None


class PrepareForm(KeyForm):
    """A pair for a rotation, under a selector that is free."""

    MAKE = lazy("Created here (RSA, %(bits)s bits)")

    def __init__(self, request: PortalRequest, used: list[keys.Record], **kwargs: Any) -> None:
        self.used = {record.selector.lower() for record in used}
        super().__init__(request, initial={"selector": free_selector(self.used)}, **kwargs)
        self.fields["selector"].required = True
        self.fields["selector"].help_text = _("The name of the key, at the start of its record.")
        self.fields["privateKey"].help_text = _("RSA, as PEM or Base64. It is never shown again.")
        del self.fields["publicKey"]

    def clean_selector(self) -> str:
        selector = super().clean_selector()
        if selector in self.used:
            raise forms.ValidationError(
                _("The gateway already signs with this name. A rotation needs another name, so that both records can be in DNS.")
            )
        return selector


class SwitchForm(PortalForm):
    """The moment at which the gateway gets the new key."""

    published = forms.BooleanField(label=lazy("I have checked: every new record is in DNS, with exactly this value."))
    what = forms.CharField(widget=forms.HiddenInput, max_length=64)  # which records the person saw: key and names


def free_selector(used: set[str]) -> str:
    """A name for a new key that tells when it was made."""
    made = time.strftime("dkim%Y%m%d")
    return next(name for name in (made, *(f"{made}-{number}" for number in range(2, len(used) + 3))) if name not in used)
