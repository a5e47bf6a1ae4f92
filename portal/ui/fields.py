"""The kinds of fields that forms have: a secret, a host, a port, lines, networks, an id that is chosen by its name."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy as lazy

from portal.meaning import names


class SecretField(forms.CharField):
    """A secret, of one line or of `rows`. What was put in never comes back, on no page and in no address."""

    private = True

    def __init__(self, *, rows: int = 0, **kwargs: Any) -> None:
        once = forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False)
        area = SecretArea(attrs={"autocomplete": "off", "spellcheck": "false", "rows": rows})
        super().__init__(**{"strip": False, "widget": area if rows else once, **kwargs})


class SecretArea(forms.Textarea):
    """A box for several lines of a secret."""

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
            raise forms.ValidationError(_("Several have this name. Choose one from the list or enter the ID."))
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
