"""How every answer is made: JSON, refusals, and lists with their filter, order and page (conventions.md, Rules)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from msgspec import UNSET, Meta

from sandbox import workbook

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_VALUE = 1000  # of a query parameter; SQLite gives up on patterns far longer than that
LARGEST_NUMBER = 2**31 - 1  # int32, as the contract says of its integers
LARGEST_PAGE = 10_000  # the contract has no limit; memory has
AT_ONCE = 1_000  # rows in memory
PLACE = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")
NAMED = re.compile(r"field `(.+?)`")

Filter = Callable[[str], Q]
Row = TypeVar("Row", bound=Model)

# What bodies are made of. Enumerations are declared in both cases here and there (conventions.md, gap 13): both are taken.
Id = str | int
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Count = Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)]
Port = Annotated[int, Meta(ge=1, le=65535)]
LanguageName = Literal["FR", "EN", "DE", "ES", "DA", "NB", "fr", "en", "de", "es", "da", "nb"]


class Shape(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A body, or an object in one: the fields that the contract has for it. Any other field is refused by name."""


Body = TypeVar("Body")


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
    """An answer with a JSON body. A script of another origin may read where the new object is."""
    if headers and "Location" in headers:
        headers = {**headers, "Access-Control-Expose-Headers": "Location"}
    return HttpResponse(msgspec.json.encode(data), status=status, headers=headers, content_type="application/json")


def no_content() -> HttpResponse:
    """204: done, and nothing to say."""
    return HttpResponse(status=204)


def millis(moment: datetime) -> int:
    """The API's spelling of a moment."""
    return int(moment.timestamp() * 1000)


def maybe_millis(moment: datetime | None) -> int | None:
    return None if moment is None else millis(moment)


def moment(millis: Any) -> datetime | None:
    """A date of the API, unless it is none that a calendar has."""
    if not isinstance(millis, int):
        return None
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        return None


def body(request: HttpRequest) -> Any:
    """The request's JSON body; 400 when it is none."""
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(400, "The body is not JSON.") from None
    except (RequestDataTooBig, UnreadablePostError):
        raise Refusal(400, "The body is too large, or broke off.") from None


def sent(request: HttpRequest, shape: type[Body]) -> Body:
    """The request's body in the shape that its operation wants."""
    return shaped(body(request), shape)


def shaped(found: Any, shape: type[Body]) -> Body:
    """A decoded value in a shape; 400 names what is unknown, missing or of the wrong kind."""
    if isinstance(found, dict) and isinstance(shape, type) and issubclass(shape, Shape):
        known = {field.encode_name for field in msgspec.structs.fields(shape)}
        if unknown := sorted(name for name in found if name not in known):
            raise Refusal(400, f"Unknown fields: {', '.join(unknown)}.", dict.fromkeys(unknown, "unknown"))
    try:
        return msgspec.convert(found, shape)
    except msgspec.ValidationError as problem:
        place = PLACE.search(str(problem))
        reason = PLACE.sub("", str(problem))
        name = NAMED.search(reason)
        where = ".".join(filter(None, (place[1] if place else "", name[1] if name else ""))) or "body"
        raise Refusal(400, f"The body is not valid. {where}: {reason}.", {where: reason}) from None


def given(body: Shape) -> dict[str, Any]:
    """The fields that were sent, by name in Python's spelling: all that a PATCH may touch."""
    found = {name: getattr(body, name) for name in body.__struct_fields__}
    return {name: value for name, value in found.items() if value is not UNSET}


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
    sheet: str = "", columns: Sequence[str] = (),
) -> HttpResponseBase:
    """A list: one filter at most, `sort`, `offset` and `pageSize`. `sort` maps the API's keys to columns.

    With a name for its `sheet`, and the names of its `columns`, the list is to be had as a workbook too, by the Accept header:
    all of it, unless a `pageSize` asks for less.
    """
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
    if sheet and request.get_preferred_type(["application/json", workbook.MEDIA_TYPE]) == workbook.MEDIA_TYPE:
        keys, headers = cut(query, rows, sort=sort, default=default, size=LARGEST_NUMBER)
        size, blocks = workbook.made(sheet, columns, (item(row) for row in read(rows, keys)))
        headers |= {"Content-Length": str(size), "Content-Disposition": f'attachment; filename="{sheet}.xlsx"'}
        return StreamingHttpResponse(blocks, content_type=workbook.MEDIA_TYPE, headers=headers)
    return page(query, rows, item, sort=sort, default=default)


def page(
    query: Mapping[str, str], rows: QuerySet[Row], item: Callable[[Row], dict[str, Any]], *,
    sort: Mapping[str, str], default: str,
) -> HttpResponse:
    """One page of rows in order, with the number of all of them in X-Total-Count."""
    keys, headers = cut(query, rows, sort=sort, default=default)
    return json([item(row) for row in read(rows, keys)], headers=headers)


def cut(
    query: Mapping[str, str], rows: QuerySet[Row], *, sort: Mapping[str, str], default: str, size: int = 40,
) -> tuple[list[Any], dict[str, str]]:
    """The keys of a page's rows, and the headers that count all of them. `size` is that of a page where none is asked for.

    They are looked up in an index that holds the order: no row is read to be skipped. A page of the second half is counted
    from the end.
    """
    offset = number(query, "offset", 0)
    size = number(query, "pageSize", size, least=1, most=LARGEST_PAGE)
    key = query.get("sort", default)
    column = sort.get(key.removeprefix("-"))
    if column is None:
        raise Refusal(400, f"Cannot sort by {key.removeprefix('-')}.", {"sort": f"one of {', '.join(sort)}"})
    total = rows.count()
    falling, size = key.startswith("-"), min(size, total - offset)
    from_the_end = offset > total // 2
    start = total - offset - size if from_the_end else offset
    in_order = rows.order_by(*order(column, falling != from_the_end)).values_list("pk", flat=True)
    keys = list(in_order[start:start + size]) if size > 0 else []
    headers = {"X-Total-Count": str(total), "Access-Control-Expose-Headers": "X-Total-Count"}
    return keys[::-1] if from_the_end else keys, headers


def read(rows: QuerySet[Row], keys: list[Any]) -> Iterator[Row]:
    """The rows of these keys, in their order, some at a time; one that has gone since is left out."""
    for at in range(0, len(keys), AT_ONCE):
        found = rows.in_bulk(keys[at:at + AT_ONCE])
        yield from (found[key] for key in keys[at:at + AT_ONCE] if key in found)


def order(column: str, falling: bool) -> tuple[OrderBy, ...]:
    """By a column, and equal rows by their keys, in the same direction: an index read backwards gives just that."""
    names = dict.fromkeys((column, "pk"))
    return tuple(F(name).desc() if falling else F(name).asc() for name in names)
