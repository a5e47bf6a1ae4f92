"""What of a message a person reads: all of its texts in their order, what kind of message it is, and what is attached.

`portal/meaning/parts.py` has taken it apart; what is found here is text and raw HTML, which `portal/meaning/body.py` makes safe.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portal.meaning import charsets, parts
from portal.meaning.invitations import Invitation, invitation
from portal.meaning.parts import Part

LARGEST_HTML = 512 * 1024  # characters; the sanitiser does 3 MB a second, and a tag of attributes alone costs 3 s at this size
LARGEST_PART = 2 * LARGEST_HTML  # bytes of one text that are decoded
LARGEST_ALL = 8 * LARGEST_HTML  # bytes of all of them
MOST_INVITATIONS = 5
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")

LOOKS_LIKE_HTML = re.compile(r"<(html|body|div|p|br|table|a|span)\b", re.IGNORECASE)
# Reports that a mail server writes: not for people, and all that there is to read.
REPORTS = re.compile(
    r"message/(?:global-)?(?:delivery-status|disposition-notification|headers|feedback-report|partial|external-body)"
    r"|message/feedback-report|text/rfc822-headers"
)
FOR_MACHINES = ("text/x-amp-html", "text/watch-html", "text/rtf")
# Where in a signed or encrypted file (CMS) its kind is named.
SIGNED, ENVELOPED = (
    bytes.fromhex("2a864886f70d010702"),
    (bytes.fromhex("2a864886f70d010703"), bytes.fromhex("2a864886f70d0109100117")),
)
UU_FILE = re.compile(r"^begin [0-7]{3,4} ([^\r\n]{1,300})\r?\n(?=[!-M][!-`])", re.MULTILINE)
UU_END = re.compile(r"^end[ \t]*\r?$", re.MULTILINE)


@dataclass
class Piece:
    """One text of a message: as plain text, and as the HTML that was received for it, "" where there is none."""

    text: str = ""
    html: str = ""


@dataclass(frozen=True)
class Attached:
    """A message in a message. `number` opens it: its place among those of its message, below that of the message around it."""

    number: str
    subject: str
    sender: str


@dataclass
class Reading:
    """A message read."""

    root: Part
    content: str  # the gateway's own text of the main part, "" where it gives none
    decoded: bool  # the source came as text that somebody else decoded
    room: int  # bytes for pictures
    number: str = ""
    pieces: list[Piece] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    left: int = LARGEST_ALL
    likely: str = ""  # the charset of this message, where a part names none
    cut: bool = False

    def said(self, header: str) -> str:
        return self.root.said(header, self.likely)


def as_bytes(source: str) -> tuple[bytes, bool]:
    """The bytes of a source, and whether they may be others than the message had.

    A gateway may give a character for each byte (ISO-8859-1), and then these are the bytes. One that has decoded the message
    gives characters that stand for no byte.
    """
    try:
        return source.encode("latin-1"), False
    except UnicodeEncodeError:
        return source.encode("utf-8", "replace"), True


def read(source: str, content: str, room: int, number: str = "") -> Reading | None:
    """The message of this source, or the one that is attached to it under `number` ("2", "2.1"); None where there is none."""
    data, decoded = as_bytes(source)
    budget = parts.Budget()
    root = parts.message(data, budget=budget)
    for step in filter(None, number.split(".")):
        inner = [part for part in root.walk() if part.message]
        if not step.isdecimal() or len(step) > 3 or not 1 <= int(step) <= len(inner) or number.count(".") >= parts.MOST_LEVELS:
            return None
        root = parts.attached(inner[int(step) - 1], budget)
    found = Reading(root, "" if number else content, decoded, room, number, cut=budget.cut)
    found.likely = next((part.charset for part in root.walk() if charsets.codec(part.charset)), "")
    try:
        _show(found, root)
    except Exception:  # a mail made to break this: what was read until then is shown
        found.cut = True
    return found


def _show(found: Reading, part: Part) -> None:
    _kind(found, part)
    if part.message:
        place = f"{found.number}.{len(found.attached) + 1}".lstrip(".")
        inner = parts.message(part.data, part.start, min(part.end, part.start + 200_000), parts.Budget(parts=1))
        if part.encoding:
            inner = parts.attached(part, parts.Budget(parts=1))
        found.attached.append(Attached(place, inner.said("subject")[:300], inner.said("from")[:300]))
    elif part.kind == "multipart/alternative" and part.parts:
        _best(found, part)
    elif part.multipart:
        for one in part.parts:
            _show(found, one)
        if not part.parts and not found.cut:
            _text(found, part)  # of parts that nobody finds, it is one
    elif part.kind in ("text/calendar", "application/ics"):
        _calendar(found, part)
    elif part.kind == "text/html" and part.disposition != "attachment":
        if html := _decoded(found, part, LOOKS_LIKE_HTML.search(found.content[:LARGEST_HTML]) is not None):
            found.pieces.append(Piece(html=html))
    elif REPORTS.fullmatch(part.kind) or (_is_text(part) and part.disposition != "attachment"):
        _text(found, part)
    else:
        _file(found, part)


def _is_text(part: Part) -> bool:
    """Text to read where it stands: a table or a programme with a name is a file, a text with one may be the message itself."""
    return part.kind.startswith("text/") and part.kind not in FOR_MACHINES and (part.kind == "text/plain" or not part.name)


def _best(found: Reading, part: Part) -> None:
    """Of several forms of the same, the last that can be shown, with the plain one beside it."""
    forms = []
    for one in part.parts:
        before = len(found.pieces)
        _show(found, one)
        forms.append([piece for piece in found.pieces[before:] if piece.text.strip() or piece.html.strip()])
        del found.pieces[before:]
    forms = [form for form in forms if form]
    designed = [form for form in forms if any(piece.html for piece in form)]
    plain = [form for form in forms if not any(piece.html for piece in form)]
    if designed and plain:
        next(piece for piece in designed[-1] if piece.html).text = "\n\n".join(piece.text.strip("\r\n") for piece in plain[0])
    found.pieces += (designed or plain or [[]])[-1]


def _text(found: Reading, part: Part) -> None:
    text = _decoded(found, part, bool(found.content) and not LOOKS_LIKE_HTML.search(found.content[:LARGEST_HTML]))
    text = re.sub(r"\r\n?", "\n", text)
    if part.parameters.get("format", "").lower() == "flowed":
        text = flowed(text, part.parameters.get("delsp", "").lower() == "yes")
    text = _without_files(found, text)
    if re.search(r"^-----BEGIN PGP MESSAGE-----", text, re.MULTILINE):
        _note(found, _("The text, or part of it, is encrypted (PGP): only the recipient can read it."))
    elif re.search(r"^-----BEGIN PGP SIGNED MESSAGE-----", text, re.MULTILINE):
        _note(found, _("The text is signed (PGP). The signature is not checked here."))
    if text.strip():
        found.pieces.append(Piece(text=text))


def _decoded(found: Reading, part: Part, is_content: bool) -> str:
    """The text of a part. Where its charset leaves a doubt, the gateway's own text of the message settles the letters."""
    data = part.content(min(LARGEST_PART, found.left))
    found.cut |= len(data) >= min(LARGEST_PART, found.left)
    found.left -= len(data)
    as_text = found.decoded and not part.encoding
    label = part.charset
    if part.kind == "text/html" and not charsets.codec(label):
        label = charsets.of_markup(data) or label
    text = data.decode("utf-8", "replace") if as_text else charsets.decode(data, label, found.likely)
    content = found.content
    if not is_content or text.isascii() or len(content) > LARGEST_PART:
        return text
    found.content = ""  # it is about one part
    if content.count("\ufffd") > text.count("\ufffd"):
        return text
    if as_text:
        return content if "\ufffd" in text else text
    if charsets.sure(data, label) or _skeleton(content) != _skeleton(text):
        return text
    # Letters of several bytes that a gateway took for one each are more.
    return content if len(re.findall(r"[^\x00-\x7f]", content)) <= len(re.findall(r"[^\x00-\x7f]", text)) else text


def _skeleton(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", "", text)


def flowed(text: str, joined: bool) -> str:
    """Text whose lines were broken for the way only (RFC 3676)."""
    found: list[str] = []
    depth, open_line = 0, False
    for line in text.split("\n"):
        quotes = len(line) - len(line.lstrip(">"))
        line = line[quotes:].removeprefix(" ")
        goes_on = line.endswith(" ") and line != "-- "
        line = line[:-1] if goes_on and joined else line
        if open_line and quotes == depth and line != "-- ":
            found.append(line)
        else:
            found.append(("\n" if found else "") + ">" * quotes + (" " if quotes else "") + line)
        depth, open_line = quotes, goes_on
    return "".join(found)


def _without_files(found: Reading, text: str) -> str:
    """Text with the names of the files that stand in it letter by letter (uuencode)."""
    kept, at = [], 0
    while begin := UU_FILE.search(text, at):
        end = UU_END.search(text, begin.end())
        try:
            binascii.a2b_uu(text[begin.end() : begin.end() + 200].split("\n", 1)[0].encode("latin-1", "replace").rstrip())
        except binascii.Error:
            end = None
        if end is None:
            break
        name = charsets.words(begin[1].rstrip())
        found.files.append(name)
        kept.append(text[at : begin.start()] + _("[File in the text: %(name)s]") % {"name": name} + "\n")
        at = min(end.end() + 1, len(text))
    return "".join([*kept, text[at:]])


def _calendar(found: Reading, part: Part) -> None:
    event = invitation(charsets.decode(part.content(LARGEST_PART), part.charset, "utf-8"), part.parameters.get("method", ""))
    if event and len(found.invitations) < MOST_INVITATIONS and event.uid not in [one.uid for one in found.invitations if one.uid]:
        found.invitations.append(event)
    if event is None or part.name:
        _file(found, part)


def _file(found: Reading, part: Part) -> None:
    found.files.append(part.name or part.kind)
    if part.kind in IMAGE_TYPES and (cid := part.header("content-id").strip().strip("<>")) and cid not in found.images:
        data = part.content(found.room + 1)
        if len(data) <= found.room:
            found.room -= len(data)
            found.images[cid] = f"data:{part.kind};base64,{base64.b64encode(data).decode()}"


def _kind(found: Reading, part: Part) -> None:
    """What this part makes of the message, for people who wonder where the text is."""
    protocol = part.parameters.get("protocol", "").lower()
    name = part.name.lower()
    if part.kind == "multipart/signed":
        scheme = "PGP" if "pgp" in protocol else "S/MIME"
        _note(found, _("This message is signed (%(scheme)s). The signature is not checked here.") % {"scheme": scheme})
    elif part.kind == "multipart/encrypted" or (part.kind == "application/pgp-encrypted"):
        _note(found, _("This message is encrypted (%(scheme)s): only the recipient can read it.") % {"scheme": "PGP"})
    elif re.fullmatch(r"application/(x-)?pkcs7-mime", part.kind) or name.endswith(".p7m"):
        said, head = part.parameters.get("smime-type", "").lower(), part.content(100)
        if said.startswith("signed") or (not said and SIGNED in head):
            _note(found, _("This message is signed (S/MIME), and its text is inside the signed file. It cannot be shown here."))
        elif said.startswith(("enveloped", "authenveloped")) or any(oid in head for oid in ENVELOPED) or not said:
            _note(found, _("This message is encrypted (%(scheme)s): only the recipient can read it.") % {"scheme": "S/MIME"})
    elif part.kind in ("application/ms-tnef", "application/vnd.ms-tnef") or name == "winmail.dat":
        _note(
            found, _("This message contains a winmail.dat file: Outlook packed text or files into it that cannot be shown here.")
        )
    elif part.kind == "multipart/report":
        kinds = {
            "delivery-status": _("This is a delivery report from a mail server."),
            "disposition-notification": _("This is a read receipt."),
            "feedback-report": _("This is a report about an unwanted message."),
        }
        if kind := kinds.get(part.parameters.get("report-type", "").lower()):
            _note(found, kind)


def _note(found: Reading, text: str) -> None:
    if text not in found.notes:
        found.notes.append(text)
