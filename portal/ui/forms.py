"""Forms over the gateway's records: what was typed is kept, only what changed is sent, and a refusal lands on its field."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext as _

from portal import session
from portal.api.errors import ApiError, Conflict, NotFound, SignedOut
from portal.api.operation import Operation
from portal.audit.log import DoneAlready, act
from portal.audit.models import Result
from portal.ui import screens
from portal.ui.pages import PortalRequest, one_time_key


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


class PortalForm(forms.Form):
    """A form of ours. `record` is what the gateway has now, by field name; {} for something new.

    A page with a form is one view: `form = F(request, record)`, then on POST `form.is_valid() and form.submit(…)`, and else
    the page again, answered with `form.status`. The form carries what the person saw (`seen`), so that only what they changed
    is sent, and a change that somebody else made meanwhile is shown before it is overwritten. A field of a secret is named so
    (portal.ui.screens.SECRET); it is never filled in, and empty means that it stays as it is.
    """

    once = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=100_000, widget=forms.HiddenInput)
    GROUPS: ClassVar[tuple[tuple[Any, Any, tuple[str, ...]], ...]] = ()  # (heading, help, names of fields)

    def __init__(self, request: PortalRequest, record: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.request = request
        self.record = {name: value for name, value in (record or {}).items() if name in self.base_fields}
        posted = request.method == "POST"
        initial = {**self.record, **kwargs.pop("initial", {})}
        if not posted:  # what was typed before a session ended, or what a link proposes
            typed = (name for name in self.base_fields if name in request.GET and not screens.SECRET.search(name))
            initial |= {name: request.GET[name] for name in typed}
            if "typed" in request.GET:  # a box that was not ticked says nothing
                boxes = (name for name, field in self.base_fields.items() if isinstance(field, forms.BooleanField))
                initial |= {name: name in request.GET for name in boxes}
        kwargs.setdefault("renderer", Renderer())
        super().__init__(request.POST if posted else None, initial={**initial, **self._fresh()}, **kwargs)
        self.status = 422 if posted else 200  # of the page that shows this form again
        self.overtaken: list[Overtaken] = []
        self.answer: Any = None  # of the gateway, once it was sent

    def groups(self) -> list[Group]:
        """The fields as the page shows them, under their headings; those without one come last."""
        shown = {name for _title, _help, names in self.GROUPS for name in names}
        rest = tuple(field.name for field in self.visible_fields() if field.name not in shown)
        groups = [*self.GROUPS, *([("", "", rest)] if rest else [])]
        return [Group(title, help, [self[name] for name in names if name in self.fields]) for title, help, names in groups]

    def changed(self) -> dict[str, Any]:
        """What the person changed, ready to be sent: the cleaned values that differ from what they saw."""
        seen = self._seen()
        return {name: value for name, value in self._said().items() if not same(value, seen.get(name))}

    def meanwhile(self) -> list[str]:
        """The labels of fields that somebody else changed, and the person did not: they stay as that person left them."""
        mine, seen = self.changed(), self._seen()
        return [str(self[name].label) for name in seen if name not in mine and not same(self.record.get(name), seen[name])]

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
        choices = getattr(self.fields[name], "choices", None)
        if isinstance(value, bool):
            return str(_("yes") if value else _("no"))
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        return str(dict(choices).get(value, value) if choices else "" if value is None else value)

    def submit(self, op: Operation, type: Any = None, *, target: str, url: str = "", taken: str = "", **call: Any) -> bool:
        """Do the write this form asks for. False when it was refused: then the form says why, and `status` is how to answer.

        `taken` is the field that a 409 is about. A second click is told as the first one ended; its `answer` stays None.
        Raises NotFound and SignedOut, which no form can mend.
        """
        try:
            once = self.data.get("once", "")
            self.answer = act(self.request.person, self.request.api, op, type, target=target, url=url, once=once, **call)
            return True
        except DoneAlready as twice:
            if twice.entry.result == Result.DONE:
                return True
            self.add_error(None, _("This was sent already, and how it ended is not known. Look at the current state first."))
            self.status = 409
        except (SignedOut, NotFound):
            raise
        except ApiError as error:
            self.refuse(error, taken)
        return False

    def refuse(self, error: ApiError, taken: str = "") -> None:
        """Put the gateway's reasons on the fields they are about, and the rest on top."""
        session.learn_from(self.request, error)
        self.status, title, text = screens.explain(error)
        known = False
        for name, why in error.fields.items():
            field = next((part for part in (name, name.rpartition(".")[2]) if part in self.fields), None)
            self.add_error(field, why if field else f"{name}: {why}")
            known = known or field is not None
        if isinstance(error, Conflict) and taken and not known:
            self.add_error(taken, error.message or text)
        else:
            self.add_error(None, f"{title}. {text}" + (f" {_('The gateway says:')} “{error.message}”" if error.message else ""))
        self._show_again()

    def _said(self) -> dict[str, Any]:
        """The cleaned values that mean something: not the form's own fields, and no secret that was left empty."""
        own = {"once", "seen"}
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in own and not (screens.SECRET.search(name) and value == "")
        }

    def _seen(self) -> dict[str, Any]:
        """What the person saw when the form was shown; for a form that came back without it, what is there now."""
        try:
            seen = json.loads(self.data.get("seen", ""))
        except ValueError:
            return self.record
        return {name: value for name, value in seen.items() if name in self.fields} if isinstance(seen, dict) else self.record

    def _fresh(self) -> dict[str, str]:
        return {"once": one_time_key(), "seen": json.dumps(self.record) if self.record else ""}

    def _show_again(self) -> None:
        """The next POST of this form is a new one, by somebody who has seen what is there now."""
        data = cast(Any, self.data).copy()
        for name, value in self._fresh().items():
            data[name] = value
        self.data = data


class LinesField(forms.CharField):
    """One value a line; its value is a list of texts, each once."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        pieces = value if isinstance(value, list) else str(value or "").replace(",", "\n").split("\n")
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


def same(one: Any, other: Any) -> bool:
    """Do two values mean the same? The gateway says null where a form says nothing; lists of names have no order."""
    one, other = (None if value in ("", [], ()) else value for value in (one, other))
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(str, one)) == sorted(map(str, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return bool(one) == bool(other)
    return one == other or (one is not None and other is not None and str(one) == str(other))
