"""A form on a page, as a browser without JavaScript fills it in."""

import html
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse


def text(answer: HttpResponse) -> str:
    """What a person reads, tags and all, with nothing escaped."""
    return html.unescape(answer.getvalue().decode())


class Paper(HTMLParser):
    """The form of a page that has this field: what it would send as it stands, and the names of its fields and buttons."""

    def __init__(self, answer: HttpResponse, having: str = "once", action: str = "") -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.names: set[str] = set()
        self.disabled: set[str] = set()
        self._forms: list[tuple[str, dict[str, str], set[str], set[str]]] = []
        self._select, self._area = "", ""
        self.feed(answer.getvalue().decode())
        for found, values, names, disabled in self._forms:
            if having in names and action in found:
                self.values, self.names, self.disabled = values, names, disabled
                return
        raise AssertionError(f"no form with {having} for {action}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        name, type = attributes.get("name", ""), attributes.get("type", "")
        if tag == "form":
            self._forms.append((attributes.get("action", ""), {}, set(), set()))
        if not self._forms:
            return
        _action, values, names, disabled = self._forms[-1]
        if tag in ("input", "select", "textarea") and name:
            names.add(name)
            if "disabled" in attributes:
                disabled.add(name)
        if tag == "input" and name and (type not in ("checkbox", "radio") or "checked" in attributes) and "disabled" not in attributes:
            values[name] = attributes.get("value", "on" if type == "checkbox" else "")
        if tag == "select":
            self._select = name
        if tag == "option" and self._select and (self._select not in values or "selected" in attributes):
            values[self._select] = attributes.get("value", "")
        if tag == "textarea":
            self._area, values[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            values = self._forms[-1][1]
            values[self._area] = (values[self._area] + data).removeprefix("\n")

    def filled(self, **changes: Any) -> dict[str, Any]:
        """What is sent after these changes; None leaves a box empty."""
        unknown = changes.keys() - self.names
        assert not unknown, f"no such fields: {unknown}"
        return {name: value for name, value in {**self.values, **changes}.items() if value is not None}
