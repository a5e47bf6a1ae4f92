"""Every property of a policy: its name, its words, its unit. The form, the page that only reads and the comparison use them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _, gettext_lazy as lazy, ngettext

from portal.api.policies import Policy
from portal.ui.fields import SwitchField
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest

# The settings of a policy, by the switch of the service that has them; those of the delivery have none.
PROPS = {"relayProps": "", "quarantineProps": "quarantine", "retentionProps": "retention", "archiveProps": "archive"}
SERVICES = tuple(filter(None, PROPS.values()))
LARGEST = 2**31 - 1  # int32

# What a new policy starts with, and a service that is switched on: as the gateway's examples show it (createDomain, getDomain).
START: dict[str, Any] = {
    "mailSizeLimit": 21, "spamScore": 5.0, "incoming": True, "outgoing": False,
    "quarantine": True, "retention": False, "archive": False,
    "relayProps.spamScoreLimit": 10.0, "relayProps.relaySpam": False, "relayProps.relayAdvert": True,
    "quarantineProps.duration": 31, "quarantineProps.storeSpam": True, "quarantineProps.storeBadHeaders": True,
    "quarantineProps.storeBadEncoding": True, "quarantineProps.storeBadAttachments": True,
    "retentionProps.duration": 5, "retentionProps.storeMailOut": True, "retentionProps.storeCleanMailIn": True,
    "archiveProps.duration": 48, "archiveProps.storeMailOut": True, "archiveProps.storeCleanMailIn": True,
    "archiveProps.storeSpam": True, "archiveProps.storeBadHeaders": True, "archiveProps.storeBadEncoding": True,
    "archiveProps.storeBadAttachments": True,
}  # fmt: skip


class ScoreInput(forms.TextInput):
    """A number that is typed, with a slider beside it. No number input: in some browsers that drops a decimal comma unseen."""

    template_name = "policies/_score_input.html"

    def __init__(self, label: Any) -> None:
        super().__init__(attrs={"inputmode": "decimal", "autocomplete": "off", "maxlength": 12})
        self.label = label

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"] |= {"label": self.label, "slider": str(context["widget"]["value"] or "0").replace(",", ".")}
        return context


class ScoreField(forms.FloatField):
    """A score from 0 to 1000. A comma is as good as a point, whatever the language of the page."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=1000, label=label, widget=ScoreInput(label), **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}  # no min and max: it is a text input

    def prepare_value(self, value: Any) -> Any:
        return score_text(value) if isinstance(value, int | float) else value

    def to_python(self, value: Any) -> float | None:  # type: ignore[override]
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


def _number(label: Any, unit: str, help_text: Any = "") -> forms.Field:
    field = forms.IntegerField(label=label, min_value=1, max_value=LARGEST, help_text=help_text)
    field.unit = UNITS[unit]  # type: ignore[attr-defined]
    field.counted = unit  # type: ignore[attr-defined]
    return field


def _switch(label: Any, help_text: Any = "") -> forms.Field:
    return SwitchField(label=label, help_text=help_text)


def _tag(label: Any, help_text: Any) -> forms.Field:
    field = forms.CharField(label=label, required=False, max_length=255, strip=False, help_text=help_text)
    field.sub = True  # type: ignore[attr-defined]
    return field


UNITS = {"MB": lazy("MB"), "days": lazy("days"), "months": lazy("months")}
# By the API's names; those inside the settings with the name of the settings before them, which is how the gateway names
# a field that it refuses.
FIELDS: dict[str, forms.Field] = {
    "name": forms.CharField(label=lazy("Name"), max_length=255),
    "mailSizeLimit": _number(lazy("Maximum message size"), "MB", lazy("Larger messages do not get through.")),
    "incoming": _switch(lazy("Incoming mail"), lazy("Mail for the domain goes through the gateway.")),
    "outgoing": _switch(lazy("Outgoing mail"), lazy("Mail that the domain sends goes through the gateway.")),
    "spamScore": ScoreField(
        label=lazy("Spam threshold"), help_text=lazy("A message with this score or more is treated as spam.")
    ),
    "relayProps.spamScoreLimit": ScoreField(
        label=lazy("Delivery limit"), help_text=lazy("Spam with this score or more never reaches the mailbox.")
    ),
    "relayProps.relaySpam": _switch(lazy("Deliver spam"), lazy("Spam below the delivery limit goes to the mailbox.")),
    "relayProps.prefixSpam": _tag(
        lazy("Subject tag for spam"), lazy("Placed before the subject of delivered spam, such as [SPAM]. Leave empty for no tag.")
    ),
    "relayProps.relayAdvert": _switch(lazy("Deliver advertising")),
    "relayProps.advertPrefix": _tag(
        lazy("Subject tag for advertising"), lazy("Placed before the subject of delivered advertising. Leave empty for no tag.")
    ),
    "relayProps.relayBadHeaders": _switch(lazy("Deliver malformed messages"), lazy("Messages whose headers break the rules.")),
    "relayProps.relayBadAttachments": _switch(lazy("Deliver forbidden files"), lazy("Messages with files of forbidden types.")),
    "quarantine": _switch(lazy("Quarantine enabled")),
    "quarantineProps.duration": _number(lazy("Hold for"), "days", lazy("After that, held messages are gone.")),
    "quarantineProps.storeSpam": _switch(lazy("Hold spam")),
    "quarantineProps.storeVirus": _switch(lazy("Hold suspected viruses")),
    "quarantineProps.storeAdvert": _switch(lazy("Hold advertising")),
    "quarantineProps.storeBlacklisted": _switch(
        lazy("Hold messages from blocked senders"), lazy("Senders on the block list of the mailbox or of the domain.")
    ),
    "quarantineProps.storeSenderVerify": _switch(lazy("Hold messages that fail sender verification")),
    "quarantineProps.storeBadHeaders": _switch(lazy("Hold malformed messages")),
    "quarantineProps.storeBadEncoding": _switch(lazy("Hold messages with broken encoding")),
    "quarantineProps.storeBadAttachments": _switch(lazy("Hold forbidden files")),
    "retention": _switch(lazy("Retention enabled")),
    "retentionProps.duration": _number(lazy("Keep for"), "days"),
    "retentionProps.storeMailOut": _switch(lazy("Keep outgoing mail")),
    "retentionProps.storeCleanMailIn": _switch(lazy("Keep clean incoming mail")),
    "archive": _switch(lazy("Archive enabled")),
    "archiveProps.duration": _number(lazy("Archive for"), "months"),
    "archiveProps.archiveByCopy": _switch(
        lazy("Archive by copying from the mailbox"), lazy("Everything in the final mailbox, including mail within the company.")
    ),
    "archiveProps.storeMailOut": _switch(lazy("Archive outgoing mail")),
    "archiveProps.storeCleanMailIn": _switch(lazy("Archive clean incoming mail")),
    "archiveProps.storeSpam": _switch(lazy("Archive spam")),
    "archiveProps.storeBadHeaders": _switch(lazy("Archive malformed messages")),
    "archiveProps.storeBadEncoding": _switch(lazy("Archive messages with broken encoding")),
    "archiveProps.storeBadAttachments": _switch(lazy("Archive forbidden files")),
    "archiveProps.storeAdvert": _switch(lazy("Archive advertising")),
    "archiveProps.storeBlacklisted": _switch(lazy("Archive messages from blocked senders")),
    "archiveProps.storeSenderVerify": _switch(lazy("Archive messages that fail sender verification")),
}


def _of(props: str) -> tuple[str, ...]:
    return tuple(name for name in FIELDS if name.startswith(f"{props}."))


SPAM = ("spamScore", "relayProps.spamScoreLimit", "relayProps.relaySpam", "relayProps.prefixSpam")
GROUPS = (
    (lazy("General"), "", ("name", "mailSizeLimit", "incoming", "outgoing")),
    (lazy("Spam"), lazy("Every incoming message gets a score: the higher, the more it looks like spam."), SPAM),
    (
        lazy("Delivery"),
        lazy("Other mail that goes to the relay, the mail server behind the gateway."),
        tuple(name for name in _of("relayProps") if name not in SPAM),
    ),
    (
        lazy("Quarantine"),
        lazy("Held messages wait in the quarantine, where they can be checked and released."),
        ("quarantine", *_of("quarantineProps")),
    ),
    (
        lazy("Retention"),
        lazy("Keeps a copy of mail that passed for some days, so that lost messages can be found again."),
        ("retention", *_of("retentionProps")),
    ),
    (lazy("Archive"), lazy("Keeps a copy for months or years, for the record."), ("archive", *_of("archiveProps"))),
)


class PolicyForm(PortalForm):
    """A policy (PolicyPatch), flat: `record` is what `flat` makes of a Policy, {} for a new one."""

    GROUPS, LEADING = GROUPS, SERVICES

    def __init__(self, request: PortalRequest, record: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        start = {name: value for name, value in START.items() if name not in (record or {})}
        super().__init__(request, record, fields=FIELDS, initial=start | kwargs.pop("initial", {}), **kwargs)
        for name, field in self.fields.items():  # what the gateway leaves open may stay open, and nothing else may
            if name in self.record and self.record[name] is None:
                field.required = False

    def clean(self) -> dict[str, Any]:
        """A service that is off has no settings, and so nothing is wrong with them."""
        for props, service in PROPS.items():
            if service and not self.cleaned_data.get(service):
                for name in _of(props):
                    self.errors.pop(name, None)
                    self.cleaned_data.pop(name, None)
        return super().clean()

    def body(self) -> dict[str, Any]:
        """What to send: for a new policy everything, else what changed.

        The contract does not say whether the gateway merges settings or replaces them, so settings of which one changed are
        sent whole: the person's changes upon what the gateway has now.
        """
        typed, changed = self.typed(), self.changed()
        sent = {name: value for name, value in (changed if self.record else typed).items() if "." not in name}
        for props, service in PROPS.items():
            mine = {name: value for name, value in changed.items() if name.startswith(f"{props}.")}
            if service and not typed.get(service):
                continue
            if not self.record or (service and service in changed):
                mine = {name: value for name, value in typed.items() if name.startswith(f"{props}.")}
            if mine:
                whole = {name: self.record.get(name) for name in _of(props)} | mine
                sent[props] = {name.rpartition(".")[2]: value for name, value in whole.items() if value is not None}
        return {name: value for name, value in sent.items() if value is not None}

    def unchanged(self) -> bool:
        return bool(self.record) and not self.body()

    def shown(self, name: str, value: Any) -> str:
        return say(name, value)


def flat(policy: Policy) -> dict[str, Any]:
    """A policy as the form has it. The settings of a service that is off are left out where the gateway has none."""
    found: dict[str, Any] = {name: getattr(policy, name) for name in FIELDS if "." not in name}
    for props, service in PROPS.items():
        settings = getattr(policy, props)
        if settings is not None or not service or found[service]:
            found |= {name: getattr(settings, name.rpartition(".")[2], None) for name in _of(props)}
    return found


def copied(policy: Policy) -> dict[str, Any]:
    """What a copy starts with: all of the policy. Numbers that it leaves open are those of any new policy."""
    switches = {name for name, field in FIELDS.items() if isinstance(field, forms.BooleanField)}
    found = {name: value for name, value in flat(policy).items() if value is not None or name in switches}
    return found | {"name": _("Copy of %(name)s") % {"name": policy.name or policy.id}}


@dataclass(frozen=True)
class Property:
    """One property of one or two policies: its words, and its value in each as text.

    Where a service is off in one of two policies, that is the difference, and not each of its settings.
    """

    label: Any
    help: Any
    values: list[str]
    differs: bool


def groups(*policies: Policy) -> list[tuple[Any, Any, list[Property]]]:
    """All properties under their headings, as (heading, help, properties).

    The settings of a service are left out where it is off in all of them, and the names of two: they are in the table's head.
    """
    records = [flat(policy) for policy in policies]
    found = []
    for title, text, names in GROUPS:
        rows = []
        for name in names:
            service = PROPS.get(name.partition(".")[0], "")
            on = [not service or bool(record[service]) for record in records]
            values = [say(name, record.get(name) if there else None) for record, there in zip(records, on, strict=True)]
            if any(on) and (name != "name" or len(policies) == 1):
                rows.append(Property(FIELDS[name].label, FIELDS[name].help_text, values, len(set(values)) > 1 and all(on)))
        found.append((title, text, rows))
    return found


def services(policy: Policy) -> list[tuple[str, str, str]]:
    """The services that a policy has, as (icon, name, how long mail stays there)."""
    record = flat(policy)
    all_of_them = (
        ("incoming", _("Incoming"), "incoming", None),
        ("outgoing", _("Outgoing"), "send", None),
        ("quarantine", _("Quarantine"), "shield", record.get("quarantineProps.duration")),
        ("retention", _("Retention"), "clock", record.get("retentionProps.duration")),
        ("archive", _("Archive"), "archive", record.get("archiveProps.duration")),
    )
    time = {"archive": months}
    return [(icon, word, time.get(on, days)(kept) if kept else "") for on, word, icon, kept in all_of_them if record[on]]


def say(name: str, value: Any) -> str:
    """The value of a property as text, with its unit."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    match getattr(FIELDS[name], "counted", ""):
        case "days":
            return days(value)
        case "months":
            return months(value)
        case "MB":
            return f"{value} {_('MB')}"
    return score_text(value) if isinstance(value, int | float) else str(value)


def days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


def months(count: int) -> str:
    return ngettext("%(count)s month", "%(count)s months", count) % {"count": count}


def score_text(score: float) -> str:
    """A score without needless zeros, with the decimal sign of the reader's language."""
    return str(number_format(f"{score:.6g}"))
