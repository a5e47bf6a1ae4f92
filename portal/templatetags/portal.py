"""The few filters our templates need. None of them returns markup: escaping stays with the template."""

from datetime import datetime
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.template import defaulttags
from django.template.base import FilterExpression, Parser, Token
from django.templatetags import i18n, static as staticfiles
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language

from portal.api.errors import ApiError
from portal.meaning import letters, times
from portal.ui import addresses, screens, words

register = template.Library()

MOST_SHOWN = 200  # rows of a list that comes whole
LONGEST_LINE, LONGEST_NAME, MOST_LETTERS = 5000, 200, 250_000  # characters of one line, of a name, of all headers


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago: "3 minutes ago". What lies ahead, by another clock than ours, is told as a date; "" where there is none."""
    if at is None:
        return ""
    ahead = (at - timezone.now()).total_seconds()
    if ahead > 60:
        return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
    return str(naturaltime(min(at, timezone.now())))


register.filter("moment", times.moment)
register.filter("at_second", times.at_second)
register.filter("readable", words.readable)
register.filter("with_letters", words.with_letters)
register.filter("size", words.size)
register.filter("row_id", addresses.row_id)
register.filter("disguised", letters.disguised)
register.filter("visible", letters.visible)
register.filter("status_name", words.status_name)
register.filter("language_name", words.language_name)
register.filter("reason_name", words.reason_name)
register.filter("operation_name", words.operation_name)


@register.filter
def people(value: Any) -> str:
    """A list of addresses as one line, the first ones of very many."""
    if not isinstance(value, list):
        return _short(str(value or ""))
    return _short(", ".join(str(one)[:LONGEST_LINE] for one in value[:MOST_SHOWN]) + (" …" if len(value) > MOST_SHOWN else ""))


@register.filter
def header_lines(headers: Any) -> list[tuple[str, str]]:
    """The first headers as (name, text), one line for each occurrence; `header_count` says how many there are."""
    lines: list[tuple[str, str]] = []
    room = MOST_LETTERS
    for name, value in (headers or {}).items():
        values = value if isinstance(value, list) else [value]
        for one in values[: MOST_SHOWN - len(lines)]:
            lines.append((str(name)[:LONGEST_NAME], _short(str(one), min(room, LONGEST_LINE))))
            room -= len(lines[-1][1])
        if len(lines) >= MOST_SHOWN:
            break
    return lines


@register.filter
def header_count(headers: Any) -> int:
    """How many header lines there are."""
    return sum(len(value) if isinstance(value, list) else 1 for value in (headers or {}).values())


@register.filter
def some(rows: Any) -> Any:
    """The first of a list that the gateway does not page: as many as a person can look at."""
    return rows[:MOST_SHOWN] if isinstance(rows, list | tuple | str) else rows


@register.filter
def more(count: Any) -> int:
    """How many of so many are not among the first ones."""
    return max(0, (count if isinstance(count, int) else len(count or ())) - MOST_SHOWN)


def _short(text: str, most: int = LONGEST_LINE) -> str:
    return text if len(text) <= most else text[: max(0, most)] + "…"


@register.simple_tag(takes_context=True)
def here(context: Any, **changes: Any) -> str:
    """The current address with some query parameters changed; None or "" removes one."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = value
    return "?" + str(query.urlencode()) if query else str(context["request"].path)


@register.filter
def domain_part(address: Any) -> str:
    """What stands behind the @ of an address."""
    return str(address or "").rpartition("@")[2]


@register.simple_tag
def explained(error: ApiError) -> tuple[int, str, str]:
    """Status, heading and sentence for an error of the gateway."""
    return screens.explain(error)


class RowsNode(template.Node):
    """Puts in the rows of a list as `include` puts in a template: their own engine has escaped them."""

    def __init__(self, rows: FilterExpression) -> None:
        self.rows = rows

    def render(self, context: template.Context) -> str:
        return str(self.rows.resolve(context).render())


@register.tag("rows")
def rows_tag(parser: Parser, token: Token) -> RowsNode:
    """`{% rows lines %}`: the rows of a list (portal.ui.rows.Rows)."""
    _name, rows = token.split_contents()
    return RowsNode(parser.compile_filter(rows))


class Constant(template.Node):
    """A tag whose text depends on the language alone: looked up once in each, and not again on every page."""

    child_nodelists = ()

    def __init__(self, tag: template.Node) -> None:
        self.tag = tag
        self.texts: dict[str | None, str] = {}

    def render(self, context: template.Context) -> str:
        language = get_language()
        if language not in self.texts:
            self.texts[language] = self.tag.render(context)
        return self.texts[language]


def _literal(expression: FilterExpression) -> bool:
    return not expression.filters and (not expression.is_var or expression.var.literal is not None)


# In place of Django's tags of these names, and they say the same. A page has fifty of them: half of the time of its layout.


@register.tag
def translate(parser: Parser, token: Token) -> template.Node:
    tag: Any = i18n.do_translate(parser, token)
    variable = tag.asvar or tag.message_context or not _literal(tag.filter_expression)
    return tag if variable else Constant(tag)


@register.tag
def url(parser: Parser, token: Token) -> template.Node:
    tag: Any = defaulttags.url(parser, token)
    variable = tag.asvar or tag.args or tag.kwargs or not _literal(tag.view_name)
    return tag if variable else Constant(tag)


@register.tag
def static(parser: Parser, token: Token) -> template.Node:
    tag: Any = staticfiles.do_static(parser, token)
    variable = tag.varname or not _literal(tag.path)
    return tag if variable else Constant(tag)
