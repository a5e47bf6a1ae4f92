"""Internet messages (RFC 5322, MIME), read the way a mail store must: whatever the bytes are, something comes out.

The compat32 policy of the standard library keeps headers as they came. Its modern policy parses them at once, and raises
on some that are broken, which held mail is full of.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONE_SURROGATES = re.compile("[\ud800-\udfff]")
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
SPECIALS = re.compile(r'[\\()<>\[\]:;@,."]')  # a display name with one of these needs quotes (RFC 5322, 3.2.3)
ONE_OF_LIST = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,])+')  # commas divide a list, but not in quotes or brackets
NO_FILE_NAME = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*]')
MESSAGE_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,200}")  # one that may stand in a header of ours
HEADER_END = re.compile(rb"\r?\n\r?\n")
GATEWAY_TAGS = re.compile(rb"^(?:X-Spam-Flag|X-Quarantine-Reason):.*\n(?:[ \t].*\n)*", re.IGNORECASE | re.MULTILINE)


def columns(raw: bytes, received: datetime) -> dict[str, Any]:
    """What is kept of a message for listings: the columns of sandbox.models.Mail, by name."""
    message = message_from_bytes(raw)
    headers: dict[str, str | list[str]] = {}
    names: dict[str, str] = {}  # a header keeps the spelling it came with first
    for name, value in message.raw_items():
        name = names.setdefault(name.lower(), name)
        text = decoded(value)
        known = headers.get(name)
        headers[name] = text if known is None else [*known, text] if isinstance(known, list) else [known, text]

    def first(name: str) -> str:
        value = headers.get(names.get(name, ""), "")
        return value if isinstance(value, str) else value[0]

    found: dict[str, Any] = {
        "fuglu_id": first("x-fuglu-id"),
        "message_id": bare(first("message-id")),
        "received_date": received,
        "sent_date": sent_date(first("date")) or received,
        "subject": first("subject"),
        "sender": ", ".join(mailboxes(message, "from")),
        "to": "\n".join(mailboxes(message, "to")),
        "cc": "\n".join(mailboxes(message, "cc")),
        "bcc": "\n".join(mailboxes(message, "bcc")),
        "headers": headers,
        "attachments": [
            {"id": part_id, "name": file_name(part, part_id), "type": media_type(part), "size": len(data(part))}
            for part_id, part in files(message)
        ],
        "size": len(raw),
        "infected": first("x-virus-status").lower().startswith("infected"),
        "important": first("importance").lower() == "high" or first("x-priority")[:1] in ("1", "2"),
    }
    return found | searchable(**found)


def searchable(*, sender: str, to: str, cc: str, subject: str, fuglu_id: str, message_id: str, **_: Any) -> dict[str, str]:
    """The columns that a search compares, from those that a listing shows."""
    return {
        "find_from": sender.casefold(), "find_to": to.casefold(), "find_cc": cc.casefold(), "find_subject": subject.casefold(),
        "find_id": f"{fuglu_id}\n{message_id}".casefold(),
    }


def source_columns(raw: bytes) -> dict[str, Any]:
    """The columns of sandbox.models.MailSource, by name."""
    shown = content(raw)
    return {"raw": raw, "content": shown, "find_body": shown.casefold()}


def content(raw: bytes) -> str:
    """The text to show: HTML where there is some, else plain text."""
    texts = [part for _, part in leaves(message_from_bytes(raw)) if is_body(part)]
    texts.sort(key=lambda part: part.get_content_type() != "text/html")
    return decode(data(texts[0]), texts[0].get_content_charset()) if texts else ""


def source(raw: bytes) -> str:
    """The message as text."""
    return decode(raw, None)


def file(raw: bytes, part_id: str) -> tuple[str, str, bytes] | None:
    """Name, media type and content of one file of a message; None where it has no such part."""
    for known, part in files(message_from_bytes(raw)):
        if known == part_id:
            return file_name(part, part_id), media_type(part), data(part)
    return None


def all_files(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file, with names that unpack side by side: no path in them, none twice."""
    taken = set()
    for part_id, part in files(message_from_bytes(raw)):
        name = safe_name(file_name(part, part_id))
        if name.casefold() in taken:
            name = f"{part_id} {name}"
        taken.add(name.casefold())
        yield name, data(part)


def safe_name(name: str) -> str:
    """A file name that names no place: the last part of any path, printable, not hidden, of a length that disks take."""
    name = NO_FILE_NAME.sub("", PurePosixPath(name.replace("\\", "/")).name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    return (f"{stem[:100]}{dot}{ending[:20]}" if stem else name[:100]) or "file"


def untagged(raw: bytes, tags: tuple[str, ...]) -> bytes:
    """The message without what the gateway wrote on it to hold it: a tag before the subject, and two headers."""
    found = HEADER_END.search(raw)
    end = found.start() + 2 if found else len(raw)
    head = GATEWAY_TAGS.sub(b"", raw[:end])
    for tag in filter(None, tags):
        tagged = rb"^(Subject:[ \t]*)" + re.escape(tag.encode()) + rb"[ \t]*"
        head = re.sub(tagged, rb"\1", head, flags=re.IGNORECASE | re.MULTILINE)
    return head + raw[end:]


def bare(message_id: str) -> str:
    """A Message-ID without the angle brackets around it."""
    message_id = message_id.strip()
    return message_id[1:-1] if message_id.startswith("<") and message_id.endswith(">") else message_id


def leaves(message: Message, number: str = "") -> Iterator[tuple[str, Message]]:
    """The parts that hold something, with their IMAP numbers ("2", "1.2"). An attached message is one part."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for place, part in enumerate(message.get_payload(), start=1):
            yield from leaves(part, f"{number}.{place}" if number else str(place))  # type: ignore[arg-type]
    else:
        yield number or "1", message


def is_body(part: Message) -> bool:
    """Text to read, and no file. A multipart without its parts is text too: there is nothing else to do with it."""
    if part.get_content_maintype() == "multipart":
        return True
    disposition = (part.get_content_disposition() or "").lower()
    return part.get_content_type() in ("text/plain", "text/html") and disposition != "attachment" and not part.get_filename()


def files(message: Message) -> Iterator[tuple[str, Message]]:
    """The parts that are files, pictures inside the text among them."""
    return ((part_id, part) for part_id, part in leaves(message) if not is_body(part))


def file_name(part: Message, part_id: str) -> str:
    """The name as the sender wrote it, hostile or not; one made from the part's number where there is none."""
    name = decoded(part.get_filename() or "")
    return name or f"part-{part_id}" + (".eml" if part.get_content_type() == "message/rfc822" else "")


def media_type(part: Message) -> str:
    """The declared media type; for one that is none, the type of unknown bytes."""
    declared = part.get_content_type()
    return declared if MEDIA_TYPE.fullmatch(declared) else "application/octet-stream"


def data(part: Message) -> bytes:
    """The content of a part, as far as it can be decoded."""
    if part.is_multipart():  # an attached message
        inner = part.get_payload(0)
        return inner.as_bytes() if isinstance(inner, Message) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def decode(text: bytes, charset: str | None) -> str:
    """Text in its declared charset, where that is one that Python knows; else in the two likeliest."""
    for attempt in filter(None, (charset, "utf-8")):
        try:
            return printable(text.decode(attempt))
        except (LookupError, ValueError):  # an unknown charset, a codec that is none for text, or not in that charset
            continue
    return printable(text.decode("cp1252", "replace"))


def decoded(value: Any) -> str:
    """A header's value as one line of text: unfolded, with raw 8-bit bytes and encoded words decoded."""
    line = re.sub(r"\r?\n[ \t]*", " ", decode(str(value).encode("utf-8", "surrogateescape"), None))
    try:
        chunks = decode_header(line)
    except (HeaderParseError, ValueError):
        chunks = [(line, None)]
    text = "".join(
        chunk if isinstance(chunk, str)  # decode_header gives text when nothing is encoded, else bytes in this odd spelling
        else chunk.decode("raw-unicode-escape", "replace") if charset is None
        else decode(chunk, charset)
        for chunk, charset in chunks
    )
    return printable(re.sub(r"[\r\n\t]+", " ", text or line)).strip()


def mailboxes(message: Message, name: str) -> list[str]:
    """The people in an address header, each as `name <address>`, or as the text that stands there.

    Taken apart before it is decoded: an encoded name may hold a comma or an angle bracket, which then means nothing. Only
    the last angle brackets hold the address, whatever address the name pretends to be.
    """
    found = []
    for key, value in message.raw_items():
        for one in ONE_OF_LIST.findall(str(value)) if key.lower() == name else ():
            shown, _, rest = one.rpartition("<")
            if rest.rstrip().endswith(">"):
                found.append(mailbox(unquoted(decoded(shown)), decoded(rest.rstrip()[:-1])))
            else:
                found.append(decoded(one))
    return [text for text in found if text]


def mailbox(name: str, address: str) -> str:
    if not name:
        return address
    if SPECIALS.search(name):
        name = '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"'
    return f"{name} <{address}>"


def unquoted(name: str) -> str:
    """A display name without the quotes around it."""
    if len(name) > 1 and name[0] == name[-1] == '"':
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name


def sent_date(text: str) -> datetime | None:
    """The Date header; None where it is missing, or no date that a calendar has."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError, MessageError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if EPOCH <= moment < datetime(9999, 1, 1, tzinfo=UTC) else None


def printable(text: str) -> str:
    """Text that any encoder takes: half a character, left by bytes that were none, becomes the replacement character."""
    return LONE_SURROGATES.sub("\ufffd", text)
