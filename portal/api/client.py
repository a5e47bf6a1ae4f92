"""The one module that speaks HTTP to the gateway."""

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar, Unpack, get_origin, overload
from urllib.parse import unquote
from uuid import uuid4

import httpx
import msgspec

from portal.api.errors import (
    ApiError,
    BadAnswer,
    Busy,
    Conflict,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    Refused,
    SignedOut,
    TimedOut,
    TooFast,
    Unmet,
    Unreachable,
    UpstreamFailed,
)
from portal.api.files import CHUNK, Download, File, form_with
from portal.api.operation import LONGEST_ID, Operation, Segments, is_dot

T = TypeVar("T")
Ids = Mapping[str, str | int]
log = logging.getLogger("portal.api")

# The one for reading is for the whole answer from its request on, where the transport counts so (cleanmail_admin/upstream.py).
TIMEOUT = httpx.Timeout(15, connect=3, pool=2)
WHOLE_ANSWER = 15.0  # seconds for all of it: a gateway that drips a byte a second never trips the read timeout of a piece
LONGEST_DOWNLOAD = 600.0  # seconds: each one holds a thread
LARGEST_PAGE = 8 * 1024 * 1024  # bytes of one page of a list: its records take fifty times that
LARGEST_LIST = 16 * 1024 * 1024  # bytes of a list that comes whole, since the API does not page it
LARGEST = 64 * 1024 * 1024  # bytes of one JSON answer
LARGEST_REASON = 64 * 1024  # bytes of a refusal
MOST_ROWS = 10**12  # whatever X-Total-Count claims: pages are counted with it
BROKEN = (httpx.TransportError, httpx.DecodingError)  # no whole answer came, or none that can be unpacked
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

PRIVATE_KEY = re.compile(r"-----BEGIN[A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END[A-Z ]{0,40}-----|\Z)", re.DOTALL)

BY_STATUS: dict[int, type[ApiError]] = {
    400: Refused,
    401: SignedOut,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    422: Unmet,
    429: TooFast,
}


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list: its rows, and the number of rows before paging (X-Total-Count)."""

    rows: list[T]
    total: int


class What(TypedDict, total=False):
    """What a call may have beside its operation. A `file` is sent as the operation's form, as it is read."""

    ids: Ids | None
    query: dict[str, Any] | None
    json: Any
    headers: dict[str, str] | None
    secrets: Iterable[str]
    file: File | None


class Client:
    """Calls to the gateway with one person's token.

    Made afresh for each request of the portal, so that no token of one person can reach another; the transport, which is the
    connection pool, is shared by the process. Requests go straight through it: nothing keeps a cookie or follows a redirect.
    """

    def __init__(self, transport: httpx.BaseTransport, base_url: str, token: str, request_id: str = "") -> None:
        self.request_id = request_id or uuid4().hex
        self.calls = 0
        self._transport = transport
        self._base = base_url.rstrip("/")
        self._headers = {
            **({"Authorization": f"Bearer {token}"} if token else {}),
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # a few kilobytes of a compressed answer can fill the memory
            "X-Request-ID": self.request_id,
            "User-Agent": "cleanmail-admin",
        }

    def __repr__(self) -> str:
        return f"<Client {self.request_id}>"

    @overload
    def call(self, op: Operation, type: type[T], **what: Unpack[What]) -> T: ...
    @overload
    def call(self, op: Operation, type: None = None, **what: Unpack[What]) -> None: ...
    def call(self, op: Operation, type: Any = None, **what: Unpack[What]) -> Any:
        """One call; the answer decoded as `type`, or None where no body is wanted. Raises an ApiError.

        A success with a body that is no JSON comes from something that says success to anything (a captive portal), or was
        cut short: it is a BadAnswer, also where no body is wanted.

        A gateway may quote in a refusal what it was sent. What is sent in a field that is secret (`Operation.secret`) is left out
        there, and so are the `secrets` that are sent in others.
        """
        most = LARGEST_LIST if get_origin(type) is list else LARGEST
        _response, body = self._whole(op, most, **what)
        if type is None:
            if body.strip():
                self._decode(op, body, msgspec.Raw)  # looked at, and not made into anything
            return None
        return self._decode(op, body, type)

    def page(
        self,
        op: Operation,
        type: type[T],
        *,
        offset: int = 0,
        size: int = 40,
        sort: str = "",
        query: dict[str, Any] | None = None,
        ids: Ids | None = None,
    ) -> Page[T]:
        """One page of a list. `sort` is a documented key, with a minus for descending; "" is the gateway's own order."""
        asked = {"offset": offset, "pageSize": size, **({"sort": sort} if sort else {}), **(query or {})}
        response, body = self._whole(op, LARGEST_PAGE, ids=ids, query=asked)
        rows: list[T] = self._decode(op, body, list[type])[:size]  # type: ignore[valid-type]
        try:
            total = min(max(int(response.headers["x-total-count"]), offset + len(rows) if rows else 0), MOST_ROWS)
        except (KeyError, ValueError):  # not counted: as far as we can see, and one more page if this one is full
            total = offset + len(rows) + (len(rows) == size)
        return Page(rows, total)

    def every(self, op: Operation, type: type[T], *, most: int, size: int = 1000, **more: Any) -> list[T]:
        """All rows of a list, page by page; or some more than `most`, where it is longer than that."""
        rows: list[T] = []
        while len(rows) <= most:  # whatever size of a page the gateway is willing to give
            page = self.page(op, type, offset=len(rows), size=size, **more)
            rows += page.rows
            if not page.rows or len(rows) >= page.total:
                break
        return rows

    def stream(
        self, op: Operation, *, query: dict[str, Any] | None = None, ids: Ids | None = None, accept: str = "*/*"
    ) -> Download:
        """A file in chunks, never held whole. Raises an ApiError before the first chunk; one that takes too long breaks off."""
        patience = httpx.Timeout(**{**TIMEOUT.as_dict(), "read": LONGEST_DOWNLOAD})
        request = self._request(op, ids, query, headers={"Accept": accept}, patience=patience)
        try:
            response = self._send(op, request)
            if response.status_code != 200:
                raise self._error(op, response, self._read(op, response, time.monotonic(), LARGEST))
        except BROKEN as problem:
            raise self._no_answer(op, problem) from None

        def chunks() -> Iterator[bytes]:
            started = time.monotonic()
            try:
                yield b""
                for chunk in response.iter_bytes(CHUNK):
                    yield chunk
                    if time.monotonic() - started > LONGEST_DOWNLOAD:
                        raise TimedOut(op.id, request_id=self.request_id)  # half a file that ends well is taken for a whole one
            finally:
                response.close()

        found = chunks()
        next(found)  # begun here: closed before that, where its reader has gone, it would keep the connection for good
        return Download(
            response.headers.get("content-type", ""),
            response.headers.get("content-disposition", ""),
            found,
        )

    def segments(self, address: Any, op: Operation) -> Segments | None:
        """What the gateway's own `address` has in place of the last id of `op`; None where it leads anywhere else than there.

        A proxy may refuse a folder with a slash as one segment, %2F. Only what stands for the id is taken, and only from an
        address of the same origin and base path.
        """
        base = httpx.URL(self._base)
        try:
            found = httpx.URL(str(address or ""))
        except (httpx.InvalidURL, ValueError):
            return None
        origin = (found.scheme, found.host, found.port, found.userinfo)
        if found.is_absolute_url and origin != (base.scheme, base.host, base.port, b""):
            return None
        # As it was given, since httpx.URL resolves dots. An address of this kind has no question mark.
        given = re.sub(r"^[a-z]+://[^/]*", "", str(address), flags=re.IGNORECASE)
        steps = re.escape(base.raw_path.decode().rstrip("/")) + re.sub(r"{\w+}", "[^/]+", op.path.rpartition("{")[0])
        match = re.fullmatch(rf"{steps}([\w.~!$&'()*+,=:@%/-]+)", given, re.ASCII)
        pieces = re.split(r"[/\\]", unquote(given)[1:])
        if match is None or any(not step or is_dot(step) or not step.isprintable() for step in pieces):
            return None
        return Segments(match[1]) if len(match[1]) <= LONGEST_ID else None

    def _request(
        self,
        op: Operation,
        ids: Ids | None,
        query: dict[str, Any] | None,
        content: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
        patience: httpx.Timeout | None = None,
    ) -> httpx.Request:
        return httpx.Request(
            op.method,
            self._base + op.url(**(ids or {})),
            params=query,
            content=content,
            headers={**self._headers, **(headers or {})},
            extensions={"timeout": (patience or TIMEOUT).as_dict()},
        )

    def _whole(
        self,
        op: Operation,
        most: int,
        *,
        ids: Ids | None = None,
        query: dict[str, Any] | None = None,
        json: Any = None,
        headers: dict[str, str] | None = None,
        secrets: Iterable[str] = (),
        file: File | None = None,
    ) -> tuple[httpx.Response, bytearray]:
        """Send, read all of the answer, `most` bytes of it, and raise for every status that is not a success."""
        extra = dict(headers or {})
        content: bytes | Iterable[bytes] | None = None
        if json is not None:
            content, extra["Content-Type"] = msgspec.json.encode(json), "application/json"
        if file is not None:
            content, about = form_with(file, op.file)
            extra |= about
        request = self._request(op, ids, query, content, extra)
        started = time.monotonic()
        for last in (False, True):
            try:
                response = self._send(op, request)
                if file is not None:  # sending it has a limit of its own
                    started = time.monotonic()
                body = self._read(op, response, started, most)
                break
            except BROKEN as problem:
                # A read is asked once more when the connection broke (an idle one often has); what acts never is.
                if last or op.acts or isinstance(problem, httpx.TimeoutException | httpx.ConnectError):
                    raise self._no_answer(op, problem) from None
        if not 200 <= response.status_code < 300:
            raise self._error(op, response, body, [*_secrets(op, json), *secrets])
        return response, body

    def _send(self, op: Operation, request: httpx.Request) -> httpx.Response:
        started, status = time.monotonic(), 0
        self.calls += 1
        try:
            response = self._transport.handle_request(request)
            status = response.status_code
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                response.close()
                raise self._nonsense(op)
            return response
        finally:
            log.info("%s %s %d ms %s", op.id, status or "no answer", (time.monotonic() - started) * 1000, self.request_id)

    def _read(self, op: Operation, response: httpx.Response, started: float, most: int) -> bytearray:
        """The whole body; of a refusal's no more than what a reason is looked for in."""
        body, refused = bytearray(), not 200 <= response.status_code < 300
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > min(most, LARGEST):
                    raise self._nonsense(op)
                if refused and len(body) > LARGEST_REASON:
                    break
                if time.monotonic() - started > WHOLE_ANSWER:
                    raise httpx.ReadTimeout("the answer took too long")
        finally:
            response.close()
        return body

    def _decode(self, op: Operation, body: bytearray, type: Any) -> Any:
        try:
            return msgspec.json.decode(body, type=type)
        except UNREADABLE:
            raise self._nonsense(op) from None

    def _nonsense(self, op: Operation) -> BadAnswer:
        error = BadAnswer(op.id, request_id=self.request_id)
        error.wrote = op.acts
        return error

    def _no_answer(self, op: Operation, problem: httpx.RequestError) -> ApiError:
        if isinstance(problem, httpx.PoolTimeout):
            return Busy(op.id, request_id=self.request_id)
        if isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout):
            return Unreachable(op.id, request_id=self.request_id)
        if not op.acts and not isinstance(problem, httpx.TimeoutException):
            return self._nonsense(op)
        error = TimedOut(op.id, request_id=self.request_id)
        error.wrote = op.acts
        return error

    def _error(self, op: Operation, response: httpx.Response, body: bytearray, secrets: Iterable[str] = ()) -> ApiError:
        message, fields = _reason(body, secrets)
        error = BY_STATUS.get(response.status_code, UpstreamFailed)(
            op.id,
            request_id=self.request_id,
            message=message,
            fields=fields,
            needs=op.needs,
        )
        error.broke = response.status_code in op.breaks
        if isinstance(error, TooFast) and re.fullmatch("[0-9]{1,9}", wait := response.headers.get("retry-after", "")):
            error.retry_after = max(1, min(int(wait), 3600))
        return error


def _secrets(op: Operation, sent: Any) -> Iterator[str]:
    """The texts that were sent in fields that are secret, however deep."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            if isinstance(value, str) and name in op.secret:
                yield value
            yield from _secrets(op, value)
    elif isinstance(sent, list):
        for item in sent:
            yield from _secrets(op, item)


def _reason(body: bytearray, secrets: Iterable[str] = ()) -> tuple[str, dict[str, str]]:
    """The gateway's words for a refusal, without `secrets`.

    The contract leaves error bodies open: what is no JSON object says nothing.
    """
    # As they are, and as they stand in a quoted body. Of two that begin alike, the longer one first.
    forms = {form for one in secrets if len(one) > 3 for form in (one, msgspec.json.encode(one)[1:-1].decode())}
    hidden = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def hushed(text: Any) -> str:
        found = PRIVATE_KEY.sub("…", str(text))
        return hidden.sub("…", found) if hidden else found

    try:
        said = msgspec.json.decode(body[:LARGEST_REASON])
        if not isinstance(said, dict):
            return "", {}
        fields = said.get("fields")
        return (
            hushed(said.get("message") or "")[:500],
            {hushed(name)[:80]: hushed(why)[:300] for name, why in list(fields.items())[:50]} if isinstance(fields, dict) else {},
        )
    except UNREADABLE:
        return "", {}
