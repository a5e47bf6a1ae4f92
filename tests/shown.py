"""What a page shows to a person, and what its forms would send: read as a browser reads it, never by patterns over tags.

All of these take an answer, a piece of HTML, or one element. What only looks wants the status that it is told; what finds its
element takes any.
"""

import html
from typing import Any

from django.http import HttpResponse
from selectolax.lexbor import LexborHTMLParser, LexborNode

Page = HttpResponse | LexborNode | str
WITHIN_A_WORD = ("b", "strong", "em", "i", "code")  # all other tags stand apart from each other for the eye


def _markup(page: Page, status: int | None) -> str:
    if isinstance(page, LexborNode):
        return page.html or ""
    if isinstance(page, str):
        return page
    markup: str = page.getvalue().decode()
    assert status in (None, page.status_code), (page.status_code, markup[-2000:])
    return markup


def source(page: Page, status: int | None = 200) -> str:
    """Everything that was sent, tags and all, with nothing escaped: for what may stand nowhere in it."""
    return html.unescape(_markup(page, status))


def find(page: Page, selector: str, status: int | None = 200) -> list[LexborNode]:
    """The elements that a CSS selector means, from top to bottom."""
    return page.css(selector) if isinstance(page, LexborNode) else LexborHTMLParser(_markup(page, status)).css(selector)


def text(page: Page, status: int | None = 200) -> str:
    """What a person reads, with one space for all that stands between two words."""
    return " ".join("".join(map(_read, [page] if isinstance(page, LexborNode) else find(page, "body", status))).split())


def _read(node: LexborNode) -> str:
    if node.tag == "-text":
        return node.text_content or ""
    inside = "".join(map(_read, node.iter(include_text=True)))
    return inside if node.tag in WITHIN_A_WORD else f" {inside} "


def one(page: Page, selector: str) -> LexborNode:
    """The only such element."""
    found = find(page, selector, None)
    assert len(found) == 1, f"{len(found)} times {selector} in {_markup(page, None)[-2000:]}"
    return found[0]


def attribute(page: Page, selector: str, name: str) -> str:
    """An attribute of the only such element."""
    return one(page, selector).attributes[name] or ""


def link(page: Page, says: str) -> str:
    """Where the links lead that say just this; all of them to the same place."""
    (address,) = {a.attributes["href"] or "" for a in find(page, "a[href]", None) if text(a) == says}
    return address


def is_part(page: Page, status: int | None = 200) -> bool:
    """It is to be put into a page that is there, and is no whole page."""
    return "<html" not in _markup(page, status)


def swapped(page: Page) -> str:
    """What stands in the templates of an answer, for htmx to put in its place: no part of the document that it comes in."""
    return "".join((template.html or "").removeprefix("<template>").removesuffix("</template>") for template in find(page, "template", None))


def hidden(page: Page, name: str) -> str:
    """The value that the only hidden field of this name carries along."""
    return attribute(page, f'input[type=hidden][name="{name}"]', "value")


def column(page: Page, name: str) -> list[str]:
    """What stands in one column of the table, from top to bottom."""
    return [text(cell) for cell in find(page, f"td.c-{name}")]


class Form(dict[str, Any]):
    """What a browser sends of a form as it stands: name -> text, or texts where a name has several.

    `names` are those of all its fields, `disabled` of those that nobody can fill in.
    """

    def __init__(self, form: LexborNode) -> None:
        super().__init__()
        self.action = form.attributes.get("action") or ""
        self.names: set[str] = set()
        self.disabled: set[str] = set()
        for field in form.css("input, select, textarea"):
            if name := field.attributes.get("name"):
                self.names.add(name)
                if "disabled" in field.attributes:
                    self.disabled.add(name)
                    continue
                for value in _sent(field):
                    before = self.get(name, [])
                    self[name] = [*(before if isinstance(before, list) else [before]), value] if name in self else value

    def filled(self, **changes: Any) -> dict[str, Any]:
        """What is sent after these changes; None unticks a box."""
        unknown = changes.keys() - self.names
        assert not unknown, f"no such fields: {unknown}"
        return {name: value for name, value in {**self, **changes}.items() if value is not None}


def _sent(field: LexborNode) -> list[str]:
    has = field.attributes
    if field.tag == "select":
        options = field.css("option")
        chosen = [option for option in options if "selected" in option.attributes] or options[: "multiple" not in has]
        return [option.attributes.get("value", option.text(strip=True)) or "" for option in chosen]
    if field.tag == "textarea":
        return [field.text().replace("\n", "\r\n")]
    if has.get("type") in ("checkbox", "radio"):
        return [has.get("value", "on") or ""] if "checked" in has else []
    return [has.get("value") or ""] if has.get("type") not in ("submit", "button") else []


def form(page: Page, having: str = "once", action: str = "") -> Form:
    """The only form with this field, and with this in its address; a piece of HTML without any form is one itself."""
    forms = map(Form, find(page, "form", None) or find(page, "body", None))
    (found,) = (form for form in forms if having in form.names and action in form.action)
    return found
