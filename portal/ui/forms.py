"""Forms over the gateway's records: what was typed is kept, only what changed is sent, and a refusal lands on its field."""

import json
import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _, gettext_lazy as lazy

from portal import session
from portal.api.errors import ApiError, Conflict, NotFound, SignedOut, Unmet
from portal.api.operation import Operation
from portal.audit.log import Written, act, is_unclear
from portal.ui import screens
from portal.ui.change import Change, same
from portal.ui.fields import SecretField
from portal.ui.pages import PortalRequest, one_time_key

NOT_KNOWN = lazy("This was already sent, and its result is unknown. Check the current state first.")


class Renderer(TemplatesSetting):
    """Fields as templates/_field.html has them: `{{ form.name.as_field_group }}`."""

    field_template_name = "_field.html"


@dataclass(frozen=True)
class Overtaken:
    """A field that somebody else changed meanwhile: its label, what the gateway has now, and what the person typed."""

    label: str
    now: str
    typed: str


@dataclass(frozen=True)
class Group:
    """Some fields under a heading."""

    title: str
    help: str
    fields: list[BoundField]
    led: bool = False  # by its first field, a switch: while it is off, the others mean nothing

    @property
    def wrong(self) -> bool:
        return any(field.errors for field in self.fields)


def mx_field() -> forms.BooleanField:
    """The box that sends X-Ignore-MX."""
    return forms.BooleanField(
        label=lazy("Proceed even though mail still arrives here"),
        required=False,
        help_text=lazy(
            "The gateway refuses this while the domain's MX records point to it, because other mail servers still "
            "deliver here. If you proceed, such mail is no longer accepted: its senders get it back as "
            "undeliverable. It is better to change the MX records first, and to wait some hours until everyone knows "
            "them."
        ),
    )


class PortalForm(forms.Form):
    """A form of ours. `record` is what the gateway has now, by field name; {} for something new.

    A page with a form is one view: `form = F(request, record)`, then on POST `form.is_valid()` and `save` (portal/ui/save.py),
    and else the page again, answered with `form.status`. `fields` are more fields than the class has. The form carries what the
    person saw (`seen`), so that only what they changed is sent (portal/ui/change.py), and a change that somebody else made
    meanwhile is shown before it is overwritten. A secret is a SecretField: it is never filled in, and empty means that it stays
    as it is. A field that says `private`, as the text of a message, goes into no address.
    """

    once = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    GROUPS: ClassVar[tuple[tuple[Any, Any, tuple[str, ...]], ...]] = ()  # (heading, help, names of fields)
    LEADING: ClassVar[tuple[str, ...]] = ()  # switches that lead a group
    PLACES: ClassVar[dict[str, str]] = {}  # the API's name of a field (platforms.name) -> ours, where they differ

    def __init__(
        self,
        request: PortalRequest,
        record: Mapping[str, Any] | None = None,
        *,
        fields: Mapping[str, forms.Field] | None = None,
        initial: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        posted = request.method == "POST"
        super().__init__(request.POST if posted else None, **kwargs)
        self.request = request
        self.fields |= deepcopy(dict(fields or {}))
        known = {name for name, field in self.fields.items() if not _is_private(field)}
        self.record = {name: value for name, value in (record or {}).items() if name in known}
        self.initial = {**self.record, **(initial or {})}
        self.from_address = False  # filled in by the address: somebody else may have made that
        if not posted:
            self._fill_in(request.GET, known)
        self.initial |= self._fresh()
        if "ignoreMx" in self.data:
            self.fields["ignoreMx"] = mx_field()
        self.status = 422 if posted else 200  # of the page that shows this form again
        self.overtaken: list[Overtaken] = []
        self.refusal: ApiError | None = None  # of the gateway, where it said no
        for name, field in self.fields.items():
            if hasattr(field, "kept"):  # what the gateway has, it may keep, whatever we would say to it
                field.kept = self.record.get(name)
            if name in self.record and isinstance(field, forms.ChoiceField) and not isinstance(field, forms.MultipleChoiceField):
                self._offer(field, self.record[name])

    def _fill_in(self, address: QueryDict, known: Collection[str]) -> None:
        """Take over what was typed before a session ended, or what a link proposes."""
        typed = {name: field for name, field in self.fields.items() if name in known and name in address}
        self.from_address = bool(typed) or "typed" in address
        for name, field in typed.items():
            self.initial[name] = field.widget.value_from_datadict(address, MultiValueDict(), name)
        if "typed" in address:  # a box that was not ticked says nothing
            for name, field in self.fields.items():
                if isinstance(field, forms.BooleanField):
                    self.initial[name] = name in address

    @property
    def carried(self) -> str:
        """The fields that may go along in the address when a session ends (templates/_form.html)."""
        return " ".join(field.name for field in self.visible_fields() if not _is_private(field.field))

    def groups(self) -> list[Group]:
        """The fields as the page shows them, under their headings; those without one come last, and none is empty."""
        shown = {name for _title, _help, names in self.GROUPS for name in names}
        rest = tuple(field.name for field in self.visible_fields() if field.name not in shown)
        groups = [*self.GROUPS, *([("", "", rest)] if rest else [])]
        found = [
            Group(title, help, [self[name] for name in names if name in self.fields], names[0] in self.LEADING)
            for title, help, names in groups
        ]
        return [group for group in found if group.fields]

    def compared(self) -> Change:
        """What the person typed, beside what they saw and what is there now."""
        return Change(self.record, self._seen(), self.typed())

    @cached_property
    def before(self) -> dict[str, str]:
        """What the person saw, of the fields that they changed on a page that comes back: as their controls hold it.

        Asked for when the page is made (templates/_field.html), and not before.
        """
        if not self.record or not (self.is_bound or self.from_address):
            return {}
        seen, typed, found = self._seen(), getattr(self, "cleaned_data", {}), {}
        for field in self.visible_fields():
            name = field.name
            if name in seen and not (name in typed and same(typed[name], seen[name])):
                before = self._sent(name, seen[name])
                if not same(before, self._sent(name, field.value())):
                    found[name] = ", ".join(filter(None, before))
        return found

    def changed(self) -> dict[str, Any]:
        """What the person changed, ready to be sent."""
        return self.compared().differences

    def unchanged(self) -> bool:
        """Is there nothing to be saved?"""
        return bool(self.record) and not self.changed()

    def body(self) -> Any:
        """What is sent when this form is saved."""
        return self.changed()

    def meanwhile(self) -> list[str]:
        """The labels of fields that somebody else changed, and the person did not: they stay as that person left them."""
        return [str(self[name].label) for name in self.compared().meanwhile]

    def told(self, text: str) -> str:
        """`text`, which says that it is done, and what somebody else changed meanwhile."""
        others = self.meanwhile()
        return text + " " + _("Someone else has since changed: %(fields)s.") % {"fields": ", ".join(others)} if others else text

    def clean(self) -> dict[str, Any]:
        """Stops where the person and somebody else changed the same field; saving once more overwrites knowingly."""
        change = self.compared()
        for name in change.overtaken:
            now, typed = self.shown(name, change.record.get(name)), self.shown(name, change.typed[name])
            self.overtaken.append(Overtaken(str(self[name].label), now, typed))
        if self.overtaken:
            self._show_again()
            self.add_error(None, _("Someone else has since changed this. Compare both, then save again or leave."))
            self.status = 409
        return self.cleaned_data

    def shown(self, name: str, value: Any) -> str:
        """A value as text for the reader."""
        field = self.fields[name]
        labels = {str(key): label for key, label in dict(getattr(field, "choices", getattr(field, "known", {}))).items()}
        if isinstance(value, bool):
            return str(_("yes") if value else _("no"))
        if isinstance(value, list | tuple):
            return ", ".join(str(labels.get(str(one), one)) for one in value)
        return "" if value is None else str(labels.get(str(value), value))

    def submit(
        self, op: Operation, type: Any = None, *, target: str, url: str = "", taken: str = "", **call: Any
    ) -> Written | None:
        """Do the write this form asks for. None when it was refused, or sent before with an end that nobody knows.

        Then the form says why, and `status` is how to answer. `taken` is the field that a 409 is about. Raises NotFound and
        SignedOut, which no form can mend.
        """
        if self.cleaned_data.get("ignoreMx") and "X-Ignore-MX" in op.headers:
            call["headers"] = {"X-Ignore-MX": "1"}  # its presence is what counts
        # A page that a browser went back to may be sent again, with another change: that is another write.
        what = json.dumps(self.changed(), sort_keys=True, default=str) if self.record else ""
        call |= {"target": target, "url": url, "once": self.data.get("once", ""), "what": what, "secrets": self._secrets()}
        try:
            written = act(self.request.person, self.request.api, op, type, **call)
        except (SignedOut, NotFound):
            raise
        except ApiError as error:
            self.refuse(error, taken)
            if "X-Ignore-MX" in op.headers and self._may_be_about_mx(error):
                self.fields.setdefault("ignoreMx", mx_field())
            return None
        if not written.done:
            self.add_error(None, str(NOT_KNOWN))
            self._show_again()
            self.status = 409
            return None
        return written

    def refuse(self, error: ApiError, taken: str = "") -> None:
        """Put the gateway's reasons on the fields they are about, and the rest on top."""
        session.learn_from(self.request, error)
        self.refusal = error
        self.status, title, text = screens.explain(error)
        self._show_again()  # first: what is refused is no longer among the cleaned values
        places = [(self._place(name), name, why) for name, why in error.fields.items()]
        known = any(field for field, _name, _why in places)
        if isinstance(error, Conflict) and taken and not known:
            self.add_error(taken, error.message or text)
        else:
            if is_unclear(error) and not getattr(error, "wrote", False):  # which says so itself
                text += " " + _("Check the current state before you repeat it.")
            self.add_error(None, f"{title}. {text}" + (f" {_('The gateway says:')} “{error.message}”" if error.message else ""))
        for field, name, why in places:
            self.add_error(field, why if field else f"{name}: {why}")

    def _may_be_about_mx(self, error: ApiError) -> bool:
        """The document does not say which 422 of a change of a domain comes from its MX records: not one about another field."""
        if not isinstance(error, Unmet):
            return False
        places = [self._place(name) for name in error.fields]
        return not places or any(place in (None, "status", "name") for place in places)

    def _place(self, name: str) -> str | None:
        """The field that a gateway's name is about: `platforms[0].transportPort` is transportPort; None where there is none."""
        name = re.sub(r"\[\d*\]", "", name)
        places = (self.PLACES.get(name, name), name.rpartition(".")[2])
        return next((place for place in places if place in self.fields and place not in ("once", "seen")), None)

    def typed(self) -> dict[str, Any]:
        """The cleaned values that mean something: not the form's own fields, and no secret that was left empty."""
        own = {"once", "seen", "ignoreMx"}
        return {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value  # a browser's line ends are not the gateway's
            for name, value in self.cleaned_data.items()
            if name not in own and not (value == "" and self.is_secret(name))
        }

    def is_secret(self, name: str) -> bool:
        return isinstance(self.fields[name], SecretField)

    def _secrets(self) -> list[str]:
        """What was typed into fields of secrets, as it came and as it is sent."""
        typed = [self.data.get(name, "") for name in self.fields if self.is_secret(name)]
        return [*typed, *(text.replace("\r\n", "\n") for text in typed), *(text.strip() for text in typed)]

    def _seen(self) -> dict[str, Any]:
        """What the person saw when the form was shown; for a form that came back without it, what is there now."""
        try:
            seen = json.loads(self.data.get("seen", ""))
        except (ValueError, RecursionError):
            return self.record
        if not isinstance(seen, dict):
            return self.record
        known = {name for name, field in self.fields.items() if not _is_private(field)}
        return {name: value for name, value in seen.items() if name in known and _plain(value)}

    def _fresh(self) -> dict[str, str]:
        return {"once": one_time_key(), "seen": json.dumps(self.record) if self.record else ""}

    def _show_again(self) -> None:
        """The next POST of this form is a new one, by somebody who has seen what is there now.

        So it shows what is there now, wherever the person typed nothing else: the old values would look like their changes.
        """
        data, change = cast(Any, self.data).copy(), self.compared()
        for name in change.meanwhile:
            if name in change.typed:  # else something is wrong with it, and it stays to be mended
                data.setlist(name, self._sent(name, self.record.get(name)))
        for name, value in self._fresh().items():
            data[name] = value
        self.data = data

    def _sent(self, name: str, value: Any) -> list[str]:
        """A value as the control of its field sends it."""
        shown = self.fields[name].prepare_value(value)
        if isinstance(self.fields[name], forms.BooleanField):
            return ["on"] if shown else []
        many = shown if isinstance(shown, list | tuple) else [] if shown is None else [shown]
        return [str(value).replace("\r\n", "\n") for value in many]

    def _offer(self, field: forms.ChoiceField, value: Any) -> None:
        """What is there can stay, also where it is new to us or nothing: else the first choice would look like a change."""
        text = "" if value is None else str(value)
        if text not in {str(key) for key, _label in cast(Any, field.choices)}:
            field.choices = [(text, text or "–"), *cast(Any, field.choices)]
            field.required = field.required and bool(text)


def _is_private(field: forms.Field) -> bool:
    return getattr(field, "private", False)


def _plain(value: Any) -> bool:
    """Is it what a field can hold? The page is the person's: whatever else comes back in `seen` is nothing that we wrote."""
    simple = str | int | float | bool | None
    return isinstance(value, simple) or (isinstance(value, list) and all(isinstance(one, simple) for one in value))
