"""What a mail store reads from the bytes of a message: its listing, its text and its files (sandbox/mime.py takes it apart)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Any

from sandbox import mime
from sandbox.mime import Part, decoded

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
SPECIALS = re.compile(r'[\\()<>\[\]:;@,."]')  # a display name with one of these needs quotes (RFC 5322, 3.2.3)
LIST_TOKEN = re.compile(r'\\.|["<>(),]')
NO_FILE_NAME = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*]')
MESSAGE_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,200}")  # one that may stand in a header of ours
HEADER_END = re.compile(rb"\r?\n\r?\n")
GATEWAY_TAGS = re.compile(rb"^(?:X-Spam-Flag|X-Quarantine-Reason):.*\n(?:[ \t].*\n)*", re.IGNORECASE | re.MULTILINE)


def columns(raw: bytes, received: datetime) -> dict[str, Any]:
    """What is kept of a message for listings: the columns of sandbox.models.Mail, by name."""
    message, _ = mime.opened(raw)
    parts = list(mime.leaves(raw))
    charset = next((mime.charset(part) for part in parts if is_body(part)), "")  # raw bytes in headers are in it, too
    headers: dict[str, list[str]] = {}
    names: dict[str, str] = {}  # a header keeps the spelling it came with first
    for name, value in message.raw_items():
        name = names.setdefault(name.lower(), name)
        text = decoded(value, charset)
        headers.setdefault(name, []).append(text)

    def first(name: str) -> str:
        return headers.get(names.get(name, ""), [""])[0]

    found: dict[str, Any] = {
        "fuglu_id": first("x-fuglu-id"),
        "message_id": bare(first("message-id")),
        "received_date": received,
        "sent_date": sent_date(first("date")) or received,
        "subject": first("subject"),
        "sender": ", ".join(mailboxes(message, "from", charset)),
        "to": "\n".join(mailboxes(message, "to", charset)),
        "cc": "\n".join(mailboxes(message, "cc", charset)),
        "bcc": "\n".join(mailboxes(message, "bcc", charset)),
        "headers": {name: texts if len(texts) > 1 else texts[0] for name, texts in headers.items()},
        "attachments": [
            {"id": part.number, "name": file_name(part, charset), "type": media_type(part), "size": len(mime.data(part))}
            for part in parts
            if not is_body(part)
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
    texts = [part for part in mime.leaves(raw) if is_body(part)]
    texts.sort(key=lambda part: part.head.get_content_type() != "text/html")
    return mime.text(texts[0]) if texts else ""


def source(raw: bytes) -> str:
    """The message as text, one character a byte (ISO-8859-1): whoever wants the bytes has them."""
    return raw.decode("latin-1")


def file(raw: bytes, part_id: str) -> tuple[str, str, bytes] | None:
    """Name, media type and content of one file of a message; None where it has no such part."""
    for part in files(raw):
        if part.number == part_id:
            return file_name(part), media_type(part), mime.data(part)
    return None


def all_files(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file, with names that unpack side by side: no path in them, none twice."""
    taken = set()
    for part in files(raw):
        name = safe_name(file_name(part))
        if name.casefold() in taken:
            name = f"{part.number} {name}"
        taken.add(name.casefold())
        yield name, mime.data(part)


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


def is_body(part: Part) -> bool:
    """Text to read, and no file. A multipart without its parts is text too: there is nothing else to do with it."""
    head = part.head
    if head.get_content_maintype() == "multipart":
        return True
    named = mime.parameter(head, "content-disposition", "filename") or mime.parameter(head, "content-type", "name")
    return head.get_content_type() in ("text/plain", "text/html") and head.get_content_disposition() != "attachment" and not named


def files(raw: bytes) -> Iterator[Part]:
    """The parts that are files, pictures inside the text among them."""
    return (part for part in mime.leaves(raw) if not is_body(part))


def file_name(part: Part, charset: str = "") -> str:
    """The name as the sender wrote it, hostile or not; one made from the part's number where there is none."""
    named = mime.parameter(part.head, "content-disposition", "filename") or mime.parameter(part.head, "content-type", "name")
    name = decoded(named, charset)
    return name or f"part-{part.number}" + (".eml" if part.head.get_content_type() == "message/rfc822" else "")


def media_type(part: Part) -> str:
    """The declared media type; for one that is none, the type of unknown bytes."""
    declared = part.head.get_content_type()
    return declared if MEDIA_TYPE.fullmatch(declared) else "application/octet-stream"


def mailboxes(message: Message, name: str, charset: str) -> list[str]:
    """The people in an address header, each as `name <address>`, or as the text that stands there.

    Taken apart before it is decoded: an encoded name may hold a comma or an angle bracket, which then means nothing. Only
    the last angle brackets hold the address, whatever address the name pretends to be.
    """
    found = []
    for key, value in message.raw_items():
        for one in listed(value) if key.lower() == name else ():
            shown, _, rest = one.rpartition("<")
            if rest.rstrip().endswith(">"):
                found.append(mailbox(unquoted(decoded(shown, charset)), decoded(rest.rstrip()[:-1], charset)))
            else:
                found.append(decoded(one, charset))
    return [text for text in found if text]


def listed(value: str) -> Iterator[str]:
    """The members of an address list: commas divide it, but not in quotes, in brackets and in comments."""
    begin, depth, within = 0, 0, ""
    for token in LIST_TOKEN.finditer(value):
        match token[0], within:
            case '"' | "<" | "(", "":
                within, depth = token[0], 1
            case "(", "(":
                depth += 1
            case ('"', '"') | (">", "<") | (")", "("):
                depth -= 1
                within = within if depth else ""
            case ",", "":
                yield value[begin : token.start()]
                begin = token.end()
    yield value[begin:]


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
