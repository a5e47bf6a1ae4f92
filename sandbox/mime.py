"""Messages taken apart (RFC 5322, MIME), the way a mail store must: whatever the bytes are, something comes out.

The parser of the standard library ends the headers at the first line that is none, and takes all below it for text. Held mail
is full of such lines; here they are left out, and the rest is read. Parts are slices of the source, so that an attached
message is the same bytes again.
"""

import base64
import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from itertools import islice

import webencodings  # type: ignore[import-untyped]

# What one message can cost: mail is made to burst a parser, too.
LONGEST_HEAD = 1_000_000  # bytes of all headers
LONGEST_HEADER = 100_000  # of one; mail servers cut longer ones as well
LONGEST_PARAMETERS = 10_000  # the standard library takes the square of their number
MOST_PARTS, DEEPEST = 1000, 20

LONE_SURROGATES = re.compile("[\ud800-\udfff]")
BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
FIELD = re.compile(rb"([!-9;-~]+):[ \t]*")
# Behind a line that is no header, these tell headers that go on from text that began without a blank line.
KNOWN_FIELD = re.compile(
    rb"(?:from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references|received|return-path|mime-version"
    rb"|content-[a-z-]+|x-[a-z0-9-]+|list-[a-z-]+|dkim-signature|authentication-results)[ \t]*:",
    re.IGNORECASE,
)
QUOTED_OR_GAP = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![ \t])[ \t]++(?=[\w*-]+=)')
META_CHARSET = re.compile(rb"<meta\b[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
NO_BASE64 = re.compile(rb"^(?![ \t]*+[A-Za-z0-9+/]*+={0,2}[ \t]*+\r?$).+", re.MULTILINE)
BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Codecs that are none for texts of people; some of them take minutes.
NO_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
NO_ASCII = re.compile("[^\x00-\x7f\ufffd]")
ANY_BYTES = {"", "ascii", "us-ascii", "ansi_x3.4-1968"}  # labels that say nothing of bytes above 127


class AsItCame(Compat32):
    """Gives header values with their raw bytes, as surrogates; the standard library replaces them."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        if name.lower() not in ("content-type", "content-disposition"):
            return value
        # `multipart/mixed boundary=x` means `multipart/mixed; boundary=x`.
        return QUOTED_OR_GAP.sub(lambda found: found[0] if found[0][0] == '"' else "; ", value[:LONGEST_PARAMETERS])


@dataclass(frozen=True)
class Part:
    """Something in a message that has no parts itself: its IMAP number ("2", "1.2"), headers, and content as it came."""

    number: str
    head: Message
    body: bytes


def opened(raw: bytes) -> tuple[Message, bytes]:
    """Headers and body of a message or of a part."""
    blank = BLANK_LINE.search(raw, 0, LONGEST_HEAD)
    block = raw[: blank.start() + 1] if blank else raw[:LONGEST_HEAD]
    lines = block.splitlines(keepends=True)
    last = max((number for number, line in enumerate(lines) if KNOWN_FIELD.match(line)), default=-1)
    fields: list[tuple[bytes, list[bytes]]] = []
    skipped, at = False, 0
    for number, line in enumerate(lines):
        if found := FIELD.match(line):
            fields.append((found[1], [line[found.end() :].rstrip(b"\r\n")]))
            skipped = False
        elif line[:1] in (b" ", b"\t") and number:
            if fields and not skipped:  # what goes on below a broken line is part of it
                fields[-1][1].append(line.strip())
        elif number < last:
            skipped = True
        elif line.strip():  # the text, without a blank line above it
            return headers(fields), raw[at:]
        at += len(line)
    return headers(fields), raw[blank.end() :] if blank else raw[at:]


def headers(fields: list[tuple[bytes, list[bytes]]]) -> Message:
    message = Message(policy=AsItCame())
    for name, lines in fields:
        value = b" ".join(lines)[:LONGEST_HEADER].decode("ascii", "surrogateescape")
        message[name.decode("ascii")] = value
    return message


def leaves(raw: bytes) -> Iterator[Part]:
    """The parts that hold something, in their order. An attached message is one part."""
    return islice(below(raw, "", "text/plain", DEEPEST), MOST_PARTS)


def below(raw: bytes, number: str, default: str, depth: int) -> Iterator[Part]:
    head, body = opened(raw)
    head.set_default_type(default)
    boundary = head.get_param("boundary") if head.get_content_maintype() == "multipart" else None
    place = 0
    if isinstance(boundary, str) and boundary.strip() and depth:
        inner = "message/rfc822" if head.get_content_type() == "multipart/digest" else "text/plain"
        line = b"--" + boundary.rstrip().encode("utf-8", "surrogateescape")
        for place, piece in enumerate(divided(body if line in body else plain(head, body), line), start=1):
            yield from below(piece, f"{number}.{place}" if number else str(place), inner, depth - 1)
    if not place:
        yield Part(number or "1", head, body)


def divided(body: bytes, line: bytes) -> Iterator[bytes]:
    """What stands between the lines of a multipart; the last piece may lack the line below it."""
    start = None
    for found in re.finditer(rb"^" + re.escape(line) + rb"(--)?[ \t]*(?:\r?\n|\r?\Z)", body, re.MULTILINE):
        if start is not None:
            end = found.start()
            end -= 2 if body.endswith(b"\r\n", start, end) else int(body.endswith(b"\n", start, end))
            yield body[start:end]
        start = found.end()
        if found[1]:
            return
    if start is not None:
        yield body[start:]


def parameter(part: Message, header: str, name: str) -> str:
    """A parameter of a header (RFC 2231) as text, or ""."""
    try:
        found = part.get_param(name, "", header)
    except (ValueError, TypeError, LookupError):  # the standard library stumbles over odd numbers in it
        return ""
    if isinstance(found, tuple):
        charset, _language, value = found
        return decode(value.encode("latin-1", "surrogateescape"), charset or "")
    return str(found)


def charset(part: Part) -> str:
    """The charset that a text names: in its headers, else in its HTML."""
    found = parameter(part.head, "content-type", "charset").strip(" '\"")
    if not found and part.head.get_content_type() == "text/html" and (meta := META_CHARSET.search(data(part)[:4096])):
        found = meta[1].decode("ascii", "replace")
        found = "utf-8" if found.lower().startswith("utf-16") else found  # what could be read as ASCII is none
    return found


def text(part: Part) -> str:
    """A part as text."""
    return decode(data(part), charset(part))


def data(part: Part) -> bytes:
    """The content of a part, as far as it can be decoded."""
    return plain(part.head, part.body)


def plain(head: Message, body: bytes) -> bytes:
    """A body without its transfer encoding."""
    match re.sub(r"[^a-z0-9]", "", str(head.get("content-transfer-encoding", "")).lower().partition("(")[0]):
        case "base64":
            return from_base64(body, footer=head.get_content_maintype() == "text")
        case "quotedprintable":
            return quopri.decodestring(body)
        case "xuuencode" | "uuencode" | "uue" | "xuue":
            coded = Message()
            coded["Content-Transfer-Encoding"] = "uuencode"
            coded.set_payload(body.decode("ascii", "surrogateescape"))
            found = coded.get_payload(decode=True)
            return found if isinstance(found, bytes) else body
    return body


def from_base64(body: bytes, *, footer: bool) -> bytes:
    """Base64, whatever stands between. Mailing lists append to a text in clear what they have to say: it ends the Base64."""
    clear = b""
    if footer and (foreign := NO_BASE64.search(body)) and body[: foreign.start()].strip():
        body, clear = body[: foreign.start()], b"\n" + body[foreign.start() :]
    # Each end of a Base64 text may have its padding, when several were put together.
    pieces = (re.sub(rb"[^A-Za-z0-9+/]", b"", piece) for piece in re.split(rb"=+", body, maxsplit=1000))
    return b"".join(base64.b64decode(piece[: len(piece) - (len(piece) % 4 == 1)] + b"==") for piece in pieces) + clear


def codec(label: str) -> str:
    """The codec that a charset's label means, "" where it means none: as browsers read it, else as Python does."""
    label = label.partition("*")[0].strip(" '\"").lower()  # what stands behind the star is a language (RFC 2231)
    if not label.isascii():  # no label has such letters, and half a one stops the look-up
        return ""
    known = webencodings.lookup(label)
    if known is not None and known.name not in ("replacement", "x-user-defined"):
        return "gb18030" if known.name == "gbk" else known.codec_info.name
    for name in (label, label.removeprefix("x-")):
        try:
            found = codecs.lookup(name)
        except (LookupError, ValueError):
            continue
        if found._is_text_encoding and found.name.replace("-", "_") not in NO_CHARSETS:
            return found.name
    return ""


def decode(content: bytes, label: str) -> str:
    """Text in its charset, in the likeliest where it names none. A bad byte spoils its own character only."""
    for mark, name in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return printable(content[len(mark) :].decode(name, "replace"))
    name = "" if label.strip().lower() in ANY_BYTES else codec(label)
    try:
        found = content.decode(name or "utf-8", "replace" if name else "strict")
    except ValueError:  # no UTF-8; or a codec that knows no replacing
        found = content.decode("cp1252", "replace")
    if name == "utf-8" and found.count("\ufffd") > 1 and not NO_ASCII.search(found):  # labelled so, and not one letter is
        found = content.decode("cp1252", "replace")
    return printable(found)


def decoded(value: str, label: str = "") -> str:
    """A header's value as one line of text: encoded words decoded, raw bytes read as UTF-8, else in the given charset."""
    raw = value.encode("utf-8", "surrogateescape")
    try:
        line = printable(raw.decode())
    except ValueError:
        line = decode(raw, label)
    try:
        chunks = decode_header(line)
    except (HeaderParseError, ValueError):
        chunks = [(line, None)]
    found = "".join(
        chunk
        if isinstance(chunk, str)  # decode_header gives text when nothing is encoded, else bytes in this odd spelling
        else chunk.decode("raw-unicode-escape", "replace")
        if charset is None
        else decode(chunk, charset)
        for chunk, charset in chunks
    )
    return printable(re.sub(r"[\r\n\t]+", " ", found or line)).strip()


def printable(text: str) -> str:
    """Text that any encoder takes: half a character, left by bytes that were none, becomes the replacement character."""
    return LONE_SURROGATES.sub("\ufffd", text)
