"""How every answer is made: JSON, refusals, and lists with their filter, order and page (conventions.md, Rules)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse

LONGEST_VALUE = 1000  # of a query parameter; SQLite gives up on patterns far longer than that
LARGEST_NUMBER = 2**31 - 1  # int32, as the contract says of its integers

Filter = Callable[[str], Q]
Row = TypeVar("Row", bound=Model)


class Refusal(Exception):
    """An answer that is not the one asked for. Raised anywhere below a view; inside a transaction it undoes the writes."""

    def __init__(
        self, status: int, message: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})

    def answer(self) -> HttpResponse:
        body = {"code": self.status, "message": self.message, "fields": self.fields}
        return json(body, status=self.status, headers=self.headers)


def json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer with a JSON body."""
    return HttpResponse(msgspec.json.encode(data), status=status, headers=headers, content_type="application/json")


def no_content() -> HttpResponse:
    """204: done, and nothing to say."""
    return HttpResponse(status=204)


def millis(moment: datetime) -> int:
    """The API's spelling of a moment."""
    return int(moment.timestamp() * 1000)


def maybe_millis(moment: datetime | None) -> int | None:
    return None if moment is None else millis(moment)


def body(request: HttpRequest) -> Any:
    """The request's JSON body; 400 when it is none."""
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(400, "The body is not JSON.") from None


def parameters(request: HttpRequest, *known: str) -> dict[str, str]:
    """The query's parameters; 400 for one that the operation does not have, comes twice or is absurdly long."""
    found = {}
    for name, values in request.GET.lists():
        if name not in known:
            raise Refusal(400, f"Unknown parameter: {name}.", {name: "unknown"})
        if len(values) > 1:
            raise Refusal(400, f"Only one {name} is allowed in a request.", {name: "given more than once"})
        if len(values[0]) > LONGEST_VALUE:
            raise Refusal(400, f"The value of {name} is too long.", {name: f"longer than {LONGEST_VALUE} characters"})
        found[name] = values[0]
    return found


def number(query: Mapping[str, str], name: str, default: int, least: int = 0, most: int = LARGEST_NUMBER) -> int:
    """A whole number among the parameters."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise Refusal(400, f"{name} must be a whole number from {least} to {most}.", {name: "not a number in range"})
    return int(text)


def text(column: str, *, lower_case: bool = False) -> Filter:
    """A filter on a text: exact, or with `*` in front, behind or both for ends with, starts with and contains.

    Case never counts. A column that holds lower case only is compared exactly, which its index answers, and in any
    alphabet; the others by LIKE, with % and _ escaped by the ORM.
    """

    def condition(pattern: str) -> Q:
        wanted = pattern.lower() if lower_case else pattern
        ends, starts = wanted.startswith("*"), wanted.endswith("*") and len(wanted) > 1
        wanted = wanted.removeprefix("*")
        wanted = wanted.removesuffix("*") if starts else wanted
        exact = "exact" if lower_case else "iexact"
        lookup = {(True, True): "icontains", (True, False): "iendswith", (False, True): "istartswith"}.get((ends, starts), exact)
        return Q(**{f"{column}__{lookup}": wanted})

    return condition


def listing(
    request: HttpRequest, rows: QuerySet[Row], item: Callable[[Row], dict[str, Any]], *,
    sort: Mapping[str, str], default: str, filters: Mapping[str, Filter] | None = None,
) -> HttpResponse:
    """A list: one filter at most, `sort`, `offset` and `pageSize`. `sort` maps the API's keys to columns."""
    filters = filters or {}
    query = parameters(request, "offset", "pageSize", "sort", *filters)
    asked = [name for name in query if name in filters]
    if len(asked) > 1:
        raise Refusal(
            400, f"Only one filter is allowed in a request, not {' and '.join(asked)}.",
            dict.fromkeys(asked, "only one filter is allowed"),
        )
    for name in asked:
        rows = rows.filter(filters[name](query[name]))
    return page(query, rows, item, sort=sort, default=default)


def page(
    query: Mapping[str, str], rows: QuerySet[Row], item: Callable[[Row], dict[str, Any]], *,
    sort: Mapping[str, str], default: str,
) -> HttpResponse:
    """One page of rows in order, with the number of all of them in X-Total-Count."""
    offset = number(query, "offset", 0)
    size = number(query, "pageSize", 40, least=1)
    key = query.get("sort", default)
    column = sort.get(key.removeprefix("-"))
    if column is None:
        raise Refusal(400, f"Cannot sort by {key.removeprefix('-')}.", {"sort": f"one of {', '.join(sort)}"})
    rows = rows.order_by(("-" if key.startswith("-") else "") + column, "pk")  # equal rows keep their places from page to page
    headers = {"X-Total-Count": str(rows.count()), "Access-Control-Expose-Headers": "X-Total-Count"}
    return json([item(row) for row in rows[offset:offset + size]], headers=headers)
