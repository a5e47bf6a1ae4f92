"""Forms over the gateway's records: what was typed is kept, only what changed is sent, and a refusal lands on its field."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _, gettext_lazy as lazy

from portal import session
from portal.api import domains
from portal.api.errors import ApiError, Conflict, NotFound, SignedOut, Unmet
from portal.api.operation import Operation
from portal.audit.log import Written, act, is_unclear
from portal.meaning import names
from portal.ui import screens
from portal.ui.pages import PortalRequest, one_time_key
from portal.ui.save import NOT_KNOWN


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

    @property
    def wrong(self) -> bool:
        return any(field.errors for field in self.fields)


def mx_field() -> forms.BooleanField:
    """The box that sends X-Ignore-MX."""
    return forms.BooleanField(
        label=lazy("Do it although mail still arrives here"),
        required=False,
        help_text=lazy(
            "The gateway refuses this while the domain's MX records name it, since other mail servers still deliver here. Done "
            "all the same, this mail is no longer taken: its senders get it back as undeliverable. It is better to change the "
            "MX records first, and to wait some hours until everybody knows them."
        ),
    )


class PortalForm(forms.Form):
    """A form of ours. `record` is what the gateway has now, by field name; {} for something new.

    A page with a form is one view: `form = F(request, record)`, then on POST `form.is_valid() and form.submit(…)`, and else
    the page again, answered with `form.status`. The form carries what the person saw (`seen`), so that only what they changed
    is sent, and a change that somebody else made meanwhile is shown before it is overwritten. A field of a secret is named so
    (portal.ui.screens.SECRET); it is never filled in, and empty means that it stays as it is.
    """

    once = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    GROUPS: ClassVar[tuple[tuple[Any, Any, tuple[str, ...]], ...]] = ()  # (heading, help, names of fields)
    PLACES: ClassVar[dict[str, str]] = {}  # the API's name of a field (platforms.name) -> ours, where they differ

    def __init__(self, request: PortalRequest, record: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.request = request
        self.record = {name: value for name, value in (record or {}).items() if name in self.base_fields}
        posted = request.method == "POST"
        initial = {**self.record, **kwargs.pop("initial", {})}
        self.from_address = False  # filled in by the address: somebody else may have made that
        if not posted:  # what was typed before a session ended, or what a link proposes
            typed = [name for name in self.base_fields if name in request.GET and not screens.SECRET.search(name)]
            read = {name: self.base_fields[name].widget.value_from_datadict for name in typed}
            initial |= {name: read[name](request.GET, MultiValueDict(), name) for name in typed}
            self.from_address = bool(typed) or "typed" in request.GET
            if "typed" in request.GET:  # a box that was not ticked says nothing
                boxes = (name for name, field in self.base_fields.items() if isinstance(field, forms.BooleanField))
                initial |= {name: name in request.GET for name in boxes}
        super().__init__(request.POST if posted else None, initial={**initial, **self._fresh()}, **kwargs)
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

    def groups(self) -> list[Group]:
        """The fields as the page shows them, under their headings; those without one come last, and none is empty."""
        shown = {name for _title, _help, names in self.GROUPS for name in names}
        rest = tuple(field.name for field in self.visible_fields() if field.name not in shown)
        groups = [*self.GROUPS, *([("", "", rest)] if rest else [])]
        found = [Group(title, help, [self[name] for name in names if name in self.fields]) for title, help, names in groups]
        return [group for group in found if group.fields]

    def changed(self) -> dict[str, Any]:
        """What the person changed, ready to be sent: the cleaned values that differ from what they saw."""
        seen = self._seen()
        return {name: value for name, value in self._said().items() if not same(value, seen.get(name))}

    def meanwhile(self) -> list[str]:
        """The labels of fields that somebody else changed, and the person did not: they stay as that person left them."""
        mine, seen = self.changed(), self._seen()
        return [str(self[name].label) for name in seen if name not in mine and not same(self.record.get(name), seen[name])]

    def told(self, text: str) -> str:
        """`text`, which says that it is done, and what somebody else changed meanwhile."""
        others = self.meanwhile()
        return text + " " + _("Somebody else changed meanwhile: %(fields)s.") % {"fields": ", ".join(others)} if others else text

    def clean(self) -> dict[str, Any]:
        """Stops where the person and somebody else changed the same field; saving once more overwrites knowingly."""
        seen = self._seen()
        for name, typed in self.changed().items():
            now = self.record.get(name)
            if name in seen and not same(now, seen[name]) and not same(now, typed):
                label = str(self[name].label)
                self.overtaken.append(Overtaken(label, self.shown(name, now), self.shown(name, typed)))
        if self.overtaken:
            self._show_again()
            self.add_error(None, _("Somebody else changed this meanwhile. Look at both, then save again or leave."))
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
        call |= {"target": target, "url": url, "once": self.data.get("once", ""), "what": what}
        try:
            written = act(self.request.person, self.request.api, op, type, **call)
        except (SignedOut, NotFound):
            raise
        except ApiError as error:
            self.refuse(error, taken)
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
        if self._may_be_about_mx(error):
            self.fields.setdefault("ignoreMx", mx_field())
        places = [(self._place(name), name, why) for name, why in error.fields.items()]
        known = any(field for field, _name, _why in places)
        if isinstance(error, Conflict) and taken and not known:
            self.add_error(taken, error.message or text)
        else:
            if is_unclear(error) and not getattr(error, "wrote", False):  # which says so itself
                text += " " + _("Look at the current state before you repeat it.")
            self.add_error(None, f"{title}. {text}" + (f" {_('The gateway says:')} “{error.message}”" if error.message else ""))
        for field, name, why in places:
            self.add_error(field, why if field else f"{name}: {why}")

    def _may_be_about_mx(self, error: ApiError) -> bool:
        """The document does not say which 422 of a change of a domain comes from its MX records: not one about another field."""
        if not isinstance(error, Unmet) or error.operation not in (domains.EDIT.id, domains.DELETE.id):
            return False
        places = [self._place(name) for name in error.fields]
        return not places or any(place in (None, "status", "name") for place in places)

    def _place(self, name: str) -> str | None:
        """The field that a gateway's name is about: `platforms[0].transportPort` is transportPort; None where there is none."""
        name = re.sub(r"\[\d*\]", "", name)
        places = (self.PLACES.get(name, name), name.rpartition(".")[2])
        return next((place for place in places if place in self.fields and place not in ("once", "seen")), None)

    def _said(self) -> dict[str, Any]:
        """The cleaned values that mean something: not the form's own fields, and no secret that was left empty."""
        own = {"once", "seen", "ignoreMx"}
        return {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value  # a browser's line ends are not the gateway's
            for name, value in self.cleaned_data.items()
            if name not in own and not (screens.SECRET.search(name) and value == "")
        }

    def _seen(self) -> dict[str, Any]:
        """What the person saw when the form was shown; for a form that came back without it, what is there now."""
        try:
            seen = json.loads(self.data.get("seen", ""))
        except (ValueError, RecursionError):
            return self.record
        if not isinstance(seen, dict):
            return self.record
        known = {name for name in self.fields if not screens.SECRET.search(name)}
        return {name: value for name, value in seen.items() if name in known and _plain(value)}

    def _fresh(self) -> dict[str, str]:
        return {"once": one_time_key(), "seen": json.dumps(self.record) if self.record else ""}

    def _show_again(self) -> None:
        """The next POST of this form is a new one, by somebody who has seen what is there now.

        So it shows what is there now, wherever the person typed nothing else: the old values would look like their changes.
        """
        data, seen = cast(Any, self.data).copy(), self._seen()
        for name, value in self._said().items():
            if name in seen and same(value, seen[name]) and not same(self.record.get(name), seen[name]):
                now = self.fields[name].prepare_value(self.record.get(name))
                nothing = now is None or now is False
                many = now if isinstance(now, list | tuple) else ["on"] if now is True else [] if nothing else [now]
                data.setlist(name, many)
        for name, value in self._fresh().items():
            data[name] = value
        self.data = data

    def _offer(self, field: forms.ChoiceField, value: Any) -> None:
        """What is there can stay, also where it is new to us or nothing: else the first choice would look like a change."""
        text = "" if value is None else str(value)
        if text not in {str(key) for key, _label in cast(Any, field.choices)}:
            field.choices = [(text, text or "–"), *cast(Any, field.choices)]
            field.required = field.required and bool(text)


class SecretArea(forms.Textarea):
    """A box for several lines of a secret: what was put in never comes back."""

    def format_value(self, value: Any) -> str:
        return ""


class SwitchField(forms.BooleanField):
    """On or off, shown as a switch (templates/_field.html)."""

    switch = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


class HostField(forms.CharField):
    """The name or the address of a server (portal.meaning.names.host_name). `kept` is there already, and stays as it is."""

    widget = forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"})
    kept: Any = None
    check = staticmethod(names.host_name)

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        return text if text in ("", self.kept) else self.check(text)


class DomainField(HostField):
    """The name of a mail domain; its value is what is sent (portal.meaning.names.domain_name)."""

    check = staticmethod(names.domain_name)
    region = "name-sent"  # the place that tells what will be sent (templates/_field.html)
    sent = ""  # where it is not what was typed

    def to_python(self, value: Any) -> str:
        found = super().to_python(value)
        self.sent = found if found != str(value or "").strip() else ""
        return found


class PortField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": lazy("Port"), "min_value": 1, "max_value": 65535, **kwargs})


class LinesField(forms.CharField):
    """One value a line; its value is a list of texts, each once."""

    widget: Any = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        text = "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")
        pieces = re.split(r"[\n,]", text)
        return list(dict.fromkeys(piece.strip() for piece in pieces if str(piece).strip()))

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Iterable[str]) -> None:
        problems = []
        for line in value:
            try:
                super().run_validators(line)
            except forms.ValidationError as problem:
                problems += [f"{line[:80]}: {message}" for message in problem.messages]
        if problems:
            raise forms.ValidationError(problems[:10])


class NetworksField(LinesField):
    """Networks, one a line (portal.meaning.names.network). Those in `kept` are there already, and stay as they are."""

    kept: Any = ()

    def to_python(self, value: Any) -> Any:
        found, problems = [], []
        for line in super().to_python(value):
            try:
                found.append(line if line in (self.kept or ()) else names.network(line))
            except forms.ValidationError as problem:
                problems += [f"{line[:80]}: {message}" for message in problem.messages]
        if problems:
            raise forms.ValidationError(problems[:10])
        return list(dict.fromkeys(found))


class DatalistInput(forms.TextInput):
    """A line with proposals (`known`), of which none has to be taken."""

    template_name = "_datalist.html"
    known: Iterable[str] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        listed = f"known-{name}"
        return {**super().get_context(name, value, {**(attrs or {}), "list": listed}), "listed": listed, "known": self.known}


class KnownField(forms.CharField):
    """An id that may be chosen by its name. `known` are the names by id, as far as we can see them (portal.ui.known).

    A proposal reads “name · id”, and is understood without knowing the names, too; so are the bare name and the bare id.
    """

    widget = DatalistInput(attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.knows({})

    def knows(self, known: Mapping[str, str]) -> None:
        self.known = dict(known)
        self.widget.known = [self.prepare_value(id) for id in self.known]

    def prepare_value(self, value: Any) -> Any:
        return f"{self.known[value]} · {value}" if value in self.known and self.known[value] != value else value

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        if text in self.known:
            return text
        named = [id for id, name in self.known.items() if name.casefold() == text.casefold()]
        if len(named) > 1:
            raise forms.ValidationError(_("Several have this name. Choose one of the list, or type the id."))
        return named[0] if named else text.rpartition(" · ")[2].strip()


class KnownBoxes(forms.Widget):
    """Boxes for what is known, and a line for other ids."""

    template_name = "_boxes.html"
    use_fieldset = True
    known: Mapping[str, str] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [str(one) for one in data.getlist(name)]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        chosen = value if isinstance(value, list) else []
        context = super().get_context(name, None, attrs)
        boxes = [(id, label, id in chosen) for id, label in self.known.items()]
        return {**context, "boxes": boxes, "others": ", ".join(id for id in chosen if id not in self.known)}


class KnownListField(LinesField):
    """Several ids, those with a known name as boxes; its value is a list of ids."""

    widget: Any = KnownBoxes

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.knows({})

    def knows(self, known: Mapping[str, str]) -> None:
        self.known = self.widget.known = dict(known)

    def prepare_value(self, value: Any) -> Any:
        return self.to_python(value)


def _plain(value: Any) -> bool:
    """Is it what a field can hold? The page is the person's: whatever else comes back in `seen` is nothing that we wrote."""
    simple = str | int | float | bool | None
    return isinstance(value, simple) or (isinstance(value, list) and all(isinstance(one, simple) for one in value))


def same(one: Any, other: Any) -> bool:
    """Do two values mean the same? The gateway says null where a form says nothing; lists of names have no order."""
    one, other = (value.replace("\r\n", "\n").strip() if isinstance(value, str) else value for value in (one, other))
    one, other = (None if value in ("", [], ()) else value for value in (one, other))
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(str, one)) == sorted(map(str, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return bool(one) == bool(other)
    return one == other or (one is not None and other is not None and str(one) == str(other))
