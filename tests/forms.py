"""What a browser would post of a form: read from the page, with line ends as browsers have them and boxes only when ticked."""

from html.parser import HTMLParser
from typing import Any


class Forms(HTMLParser):
    """The forms of a page, each as name -> values; what stands outside of any form is the first."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, list[str]]] = [{}]
        self._text: tuple[str, list[str]] | None = None  # the textarea that is being read
        self._select: tuple[str, list[tuple[str, bool]]] | None = None

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        has = dict(attrs)
        name, value = has.get("name", ""), has.get("value")
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and name and has.get("type") not in ("submit", "button"):
            if has.get("type") in ("checkbox", "radio"):
                if "checked" in has:
                    self._add(name, value or "on")
            else:
                self._add(name, value or "")
        elif tag == "textarea":
            self._text = (name, [])
        elif tag == "select":
            self._select = (name, [])
        elif tag == "option" and self._select:
            self._select[1].append((value or "", "selected" in has))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text:
            name, pieces = self._text
            text = "".join(pieces).replace("\r\n", "\n").removeprefix("\n")
            self._add(name, text.replace("\n", "\r\n"))
            self._text = None
        elif tag == "select" and self._select:
            name, options = self._select
            chosen = [value for value, selected in options if selected] or [value for value, _selected in options[:1]]
            for value in chosen:
                self._add(name, value)
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._text:
            self._text[1].append(data)

    def _add(self, name: str, value: str) -> None:
        self.forms[-1].setdefault(name, []).append(value)


def posted(page: str, field: str = "once") -> dict[str, list[str]]:
    """The form of the page that has this field."""
    reader = Forms()
    reader.feed(page)
    (found,) = (form for form in reader.forms if field in form)
    return found
