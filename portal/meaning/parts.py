"""A message taken into its parts (MIME), whatever its bytes are.

Held mail breaks the rules more often than it keeps them, and every mail program reads on: so does this. A header line that is
none is left out, a boundary that is not named is looked for, an encoding that stops being one ends there. The parts are places in
the message and no copies, and every limit is there because a mail can be made to pass it. Decision 0011 says why the standard
library is not enough.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from portal.meaning import charsets

MOST_PARTS, MOST_LEVELS = 200, 50
MOST_HEADER_LINES = 200_000  # in all parts together
MOST_UNWRAPPED = 32 * 1024 * 1024  # bytes of all multiparts that are wrapped in an encoding: each one is a copy
LONGEST_HEADER = 10_000  # characters
LOOK_AHEAD = 20  # lines

LINE = re.compile(rb"([^\r\n]*)(\r{0,3}\n|\r|\Z)")
NAME = re.compile(rb"[!-9;-~]{1,200}:")
# What makes a line that is no header one that stands among headers, and not the first of a text.
USUAL = re.compile(
    rb"(?:x-|content-|list-|resent-|arc-|received|return-path|from|to|cc|bcc|reply-to|sender|subject|date|message-id|mime-version"
    rb"|in-reply-to|references|dkim-|domainkey-|authentication-|auto-|precedence|importance|priority|user-agent|organi[sz]ation)"
    rb"[!-9;-~]*:",
    re.IGNORECASE,
)
PARAMETER = re.compile(
    r"(?:^|[;\s])([\w!#$&'+.^`|~-]{1,60}(?:\*[0-9]{0,3}\*?)?)[ \t]{0,9}=[ \t]{0,9}"
    r"(?:\"((?:[^\"\\]|\\.)*)(?:\"|$)|([^;]*?)(?=[ \t]{0,9}(?:;|$|[ \t][\w-]{1,60}\*?[0-9]{0,3}\*?=)))"
)
# A line that looks like a boundary: the first one of all, or one with headers behind it.
FIRST_LINE = re.compile(rb"[\r\n]*--([!-~]{1,200})[ \t]*\r{0,3}\n")
LIKELY_BOUNDARY = re.compile(rb"[\r\n]--([!-~][ -~]{0,199}?)[ \t]{0,9}\r{0,3}\n(?:content-|mime-)", re.IGNORECASE)
BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,300})\r{0,3}\n(?=[!-`])", re.MULTILINE)
UU_END = re.compile(rb"^end[ \t]*(?:\r|\n|\Z)", re.MULTILINE)


@dataclass
class Budget:
    """What is left to be read of one message, whatever is in what."""

    parts: int = MOST_PARTS
    lines: int = MOST_HEADER_LINES
    unwrapped: int = MOST_UNWRAPPED
    cut: bool = False


@dataclass
class Part:
    """One part: its headers (names in lower case, values a byte a character), where its body is, and the parts in it."""

    data: bytes
    start: int
    end: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    default: str = "text/plain"
    parts: list["Part"] = field(default_factory=list)

    def header(self, name: str) -> str:
        """The first header of that name as it came; "" where there is none."""
        return next((value for known, value in self.headers if known == name), "")

    def said(self, name: str, otherwise: str = "") -> str:
        """A header as a person reads it."""
        return " ".join(charsets.words(self.header(name), otherwise).split())

    @cached_property
    def kind(self) -> str:
        """The media type in lower case; where none is named, that of its place."""
        found = re.match(r"[\s\"']*([\w.+-]{1,80})\s*/\s*([\w.+-]{1,120})", self.header("content-type"))
        if not found:
            return "text/plain" if self.header("content-type").strip().lower().startswith("text") else self.default
        return f"{found[1]}/{found[2]}".lower()

    @cached_property
    def parameters(self) -> dict[str, str]:
        return parameters(self.header("content-type"))

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "")

    @property
    def disposition(self) -> str:
        return re.split(r"[\s;]", self.header("content-disposition").strip().lower(), maxsplit=1)[0].strip('"')

    @cached_property
    def name(self) -> str:
        """The name as a file; "" for a part that has none."""
        said = parameters(self.header("content-disposition"))
        return said.get("filename") or said.get("name") or self.parameters.get("name", "")

    @property
    def encoding(self) -> str:
        """How its bytes are wrapped: base64, quotedprintable, uuencode, or "" for what is as it is."""
        said = re.sub(r"[^a-z0-9]", "", re.split(r"[;(]", self.header("content-transfer-encoding").lower(), maxsplit=1)[0])
        aliases = {"b": "base64", "b64": "base64", "mime64": "base64", "q": "quotedprintable", "qp": "quotedprintable"}
        said = aliases.get(said.removeprefix("x"), said.removeprefix("x"))
        if said.startswith(("base64", "quotedprint")):
            return "base64" if said[0] == "b" else "quotedprintable"
        return "uuencode" if said in ("uuencode", "uue", "uu") else ""

    @property
    def multipart(self) -> bool:
        return self.kind.startswith("multipart/")

    @property
    def message(self) -> bool:
        """Another message, attached to this one."""
        return self.kind in ("message/rfc822", "message/global", "message/news")

    def content(self, most: int) -> bytes:
        """The bytes, `most` at most: what lies behind stays wrapped."""
        wrapped = self.data[self.start : min(self.end, self.start + most * 3)]
        if self.encoding == "base64":
            decoded, clear = base64(wrapped)
            return (decoded + (b"\n" + clear if clear else b""))[:most] if self.kind.startswith("text/") else decoded[:most]
        if self.encoding == "quotedprintable":
            return binascii.a2b_qp(wrapped)[:most]
        if self.encoding == "uuencode" and (begin := UU_BEGIN.search(wrapped)):
            return uuencoded(wrapped[begin.end() :])[:most]
        return wrapped[:most]

    def walk(self) -> Iterator["Part"]:
        """This part and all in it, as they stand. An attached message is one part."""
        yield self
        for part in self.parts:
            yield from part.walk()


def message(data: bytes, start: int = 0, end: int | None = None, budget: Budget | None = None) -> Part:
    """A message and its parts; what is attached as a message is left closed (`attached` opens it)."""
    end = len(data) if end is None else end
    if data.startswith(b"\xef\xbb\xbf", start):
        start += 3
    first = re.compile(rb"[\r\n]*").match(data, start, end)
    if first and USUAL.match(data, first.end(), end):  # blank lines before the headers are none that end them
        start = first.end()
    return _part(data, start, end, "text/plain", budget or Budget(), 0)


def attached(part: Part, budget: Budget | None = None) -> Part:
    """The message in a part that is one."""
    if part.encoding:  # which is forbidden, and done
        data = part.content(part.end - part.start)
        return message(data, budget=budget)
    return message(part.data, part.start, part.end, budget)


def parameters(value: str, words: bool = True) -> dict[str, str]:
    """The parameters of a header as a person reads them, in all the ways of writing them (RFC 2045, 2231, 2047, none)."""
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, str, bool]]] = {}
    for name, quoted, bare in PARAMETER.findall(value):
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare.strip()
        name, star, number = name.lower().partition("*")
        if star:
            pieces.setdefault(name, []).append((int(number.strip("*") or 0), text, number.endswith("*") or not number))
        else:
            plain.setdefault(name, text)
    found = {name: charsets.words(text) for name, text in plain.items()} if words else plain
    for name, several in pieces.items():
        several.sort(key=lambda piece: piece[0])
        label, data = "", b""
        for place, (_number, text, percent) in enumerate(several):
            if place == 0 and percent and text.count("'") >= 2:
                label, _language, text = text.split("'", 2)
            data += charsets.percent(text) if percent else text.encode("latin-1", "replace")
        found[name] = charsets.decode(data, label)
    return found


def base64(wrapped: bytes) -> tuple[bytes, bytes]:
    """What is wrapped, and what stands in clear behind it: mailing lists and scanners add their lines without a look."""
    packed = wrapped.translate(None, b"\r\n\t ")
    if re.fullmatch(rb"[A-Za-z0-9+/]*={0,3}", packed) and not re.search(rb"[^\s][ \t]+[^\s]", wrapped):
        return _base64(packed), b""
    lines = wrapped.splitlines(keepends=True)
    whole = [place for place, line in enumerate(lines) if len(line) > 60 and BASE64_LINE.fullmatch(line.strip())]
    last = whole[-1] if whole else -1  # up to here foreign letters are damage, behind it they are another text
    found, pending, place = bytearray(), bytearray(), 0
    for place, line in enumerate(lines):
        text = line.strip()
        ended = pending.endswith(b"=")
        if place > last and (not BASE64_LINE.fullmatch(text) or (ended and len(text) % 4)):
            break
        if ended:  # several wrapped one after the other
            found += _base64(pending)
            pending.clear()
        pending += text if place > last else re.sub(rb"[^A-Za-z0-9+/=]", b"", text)
    else:
        place = len(lines)
    found += _base64(pending)
    return bytes(found), b"".join(lines[place:])


def uuencoded(lines: bytes) -> bytes:
    """The file in the lines behind a `begin`, up to its end."""
    found = bytearray()
    for line in lines.splitlines():
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            found += binascii.a2b_uu(line)
        except binascii.Error:
            try:  # a line that a gateway cut the blanks off
                found += binascii.a2b_uu(line[: ((((line[0] - 32) & 63) * 4 + 5) // 3)])
            except binascii.Error:
                break
    return bytes(found)


def _base64(packed: bytes | bytearray) -> bytes:
    letters = bytes(packed).replace(b"=", b"")
    return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def _part(data: bytes, start: int, end: int, default: str, budget: Budget, level: int) -> Part:
    headers, body = _headers(data, start, end, budget)
    part = Part(data, body, end, headers, default)
    budget.parts -= 1
    if not part.multipart:
        return part
    if level >= MOST_LEVELS:
        budget.cut = True
        return part
    boundary = parameters(part.header("content-type"), words=False).get("boundary", "").rstrip().encode("latin-1", "replace")
    places = _pieces(data, body, end, boundary, budget)
    if not places and part.encoding and (inner := part.content(min(end - body, budget.unwrapped))):
        budget.unwrapped -= len(inner)
        budget.cut |= budget.unwrapped <= 0
        part.data, part.start, part.end = inner, 0, len(inner)
        places = _pieces(inner, 0, len(inner), boundary, budget)
    where = part.data, part.start, part.end
    if not places and (likely := FIRST_LINE.match(*where) or LIKELY_BOUNDARY.search(*where)):
        places = _pieces(*where, likely[1], budget)
    inner_default = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
    for one, its_end in places:
        if budget.parts <= 0:
            budget.cut = True
            break
        part.parts.append(_part(part.data, one, its_end, inner_default, budget, level + 1))
    return part


def _pieces(data: bytes, start: int, end: int, boundary: bytes, budget: Budget) -> list[tuple[int, int]]:
    """Where the parts between the boundaries begin and end. What stands before the first and behind the last is nobody's."""
    if not boundary:
        return []
    needle = (b"\n--" if data.find(b"\n", start, end) >= 0 else b"\r--") + boundary
    tail = re.compile(rb"(--)?[ \t]*(?:\r{0,3}\n|\r|\Z)")
    found: list[tuple[int, int]] = []
    opened = -1
    at = start - 1 if data.startswith(needle[1:], start, end) else data.find(needle, start, end)
    while at >= start - 1 and at + 1 < end:
        budget.lines -= 1
        if len(found) > MOST_PARTS or budget.lines < 0:
            budget.cut = True
            return found
        line = tail.match(data, at + len(needle), end)
        if line:
            if opened >= 0:
                found.append((opened, max(opened, at - (data[at - 1] == 13))))
            opened = -1 if line[1] else line.end()  # one that comes behind the closing one is a part all the same
        at = data.find(needle, at + len(needle) - 1, end)
        if at < 0:
            break
    if opened >= 0:
        found.append((opened, end))
    return found


def _headers(data: bytes, start: int, end: int, budget: Budget) -> tuple[list[tuple[str, str]], int]:
    """The headers that stand here, and where the body begins."""
    found: list[tuple[str, str]] = []
    value: list[bytes] = []
    name, size, at = "", 0, start

    def close() -> None:
        if name:
            found.append((name, b" ".join(value)[:LONGEST_HEADER].decode("latin-1").strip()))

    while at < end:
        budget.lines -= 1
        line = LINE.match(data, at, end)
        if line is None or budget.lines < 0:
            budget.cut = True
            break
        text = line[1]
        inside = name or found or value  # some header came before
        if not text or (not text.strip() and not _goes_on(data, line.end(), end)):
            close()
            return found, line.end()
        if text[0] in b" \t" and inside:
            if name and size < LONGEST_HEADER:
                value.append(text.strip())
                size += len(text)
        elif NAME.match(text):
            close()
            name, _colon, first = text[: LONGEST_HEADER + 300].decode("latin-1").partition(":")
            name, value, size = name.lower(), [first.strip().encode("latin-1")], len(first)
        elif at == start and text.startswith((b"From ", b">From ")):
            name = ""
        elif _goes_on(data, line.end(), end) or (inside and re.match(rb"[!-9;-~]{1,200}[ \t]{1,9}:|>?From ", text)):
            close()
            name = ""  # no header, but headers come behind it
        else:
            break  # nobody ended the headers: this is the text
        at = line.end()
    close()
    return found, at


def _goes_on(data: bytes, at: int, end: int) -> bool:
    """Whether headers that everybody knows come before the next blank line."""
    for _line in range(LOOK_AHEAD):
        if at >= end or not (line := LINE.match(data, at, end)) or not line[1]:
            return False
        if USUAL.match(line[1]):
            return True
        at = line.end()
    return False
