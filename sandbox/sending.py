"""Writing mail: files that wait for it, and sending it (openapi.yaml, tag Emails)."""

import secrets
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from html.parser import HTMLParser
from typing import Annotated, Any
from urllib.parse import quote

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from sandbox import answers, mail
from sandbox.answers import Refusal, Shape
from sandbox.auth import Caller, user_for
from sandbox.delivery import Undeliverable, deliver
from sandbox.emails import file_answer
from sandbox.models import Folder, Mail, MailSource, Upload, User
from sandbox.names import address_of

LARGEST_FILE = 25_000_000  # bytes
FORM_AROUND = 10_000  # bytes of the form that a file comes in; more is not even read
MOST_WAITING = 50  # files of one account that wait for a mail
SENT, DRAFTS = "Sent", "Drafts"

Recipients = Annotated[list[str], Meta(max_length=500)]
Body = Annotated[str, Meta(max_length=2_000_000)]
Line = Annotated[str, Meta(max_length=900, pattern=r"^[^\x00-\x1f\x7f]*$")]


class SmtpMessageAttachment(Shape):
    name: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
    uid: str


class SmtpMessage(Shape):
    to: Recipients = []
    cc: Recipients = []
    bcc: Recipients = []
    body: Body = ""
    subject: Line = ""
    attachments: Annotated[list[SmtpMessageAttachment], Meta(max_length=MOST_WAITING)] = []
    draft_id: str | UnsetType | None = UNSET
    origin_id: str | UnsetType | None = UNSET
    ack: bool = False
    important: bool = False


def upload_attachment(request: HttpRequest, caller: Caller) -> HttpResponse:
    """uploadAttachment"""
    if not (request.content_type or "").startswith("multipart/"):
        raise Refusal(400, "A file is uploaded as multipart/form-data.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_FILE + FORM_AROUND:
        raise Refusal(400, f"A file of more than {LARGEST_FILE} bytes is too large.", {"file": "too large"})
    try:
        request.upload_handlers = [MemoryFileUploadHandler(request), TemporaryFileUploadHandler(request)]
        fields, files = request.POST, request.FILES
    except (MultiPartParserError, RequestDataTooBig, SuspiciousOperation, UnreadablePostError, ValueError):
        raise Refusal(400, "The form cannot be read.") from None
    if unknown := sorted({*fields, *files} - {"file"}):
        raise Refusal(400, f"Unknown fields: {', '.join(unknown)[:200]}.", dict.fromkeys(unknown, "unknown"))
    uploads = files.getlist("file")
    if len(uploads) != 1 or fields:
        raise Refusal(400, "One file is wanted, in the field file.", {"file": "one file is wanted"})
    file = uploads[0]
    if (file.size or 0) > LARGEST_FILE:
        raise Refusal(400, f"A file of more than {LARGEST_FILE} bytes is too large.", {"file": "too large"})
    kind = file.content_type or ""
    with transaction.atomic(using="sandbox"):
        if caller.account.uploads.count() >= MOST_WAITING:
            raise Refusal(400, f"{MOST_WAITING} files wait already to be sent.", {"file": "too many"})
        row = Upload.objects.create(
            uid=secrets.token_hex(16), account=caller.account, name=mail.safe_name(file.name or ""),
            type=kind if mail.MEDIA_TYPE.fullmatch(kind) else "application/octet-stream", data=file.read(),
            created_at=timezone.now(),
        )
    return answers.json(upload_json(row))


def download_attachment(request: HttpRequest, caller: Caller, uid: str, filename: str) -> HttpResponse:
    """downloadAttachment: by who uploaded it."""
    row = upload_of(caller, uid, filename)
    return file_answer(request, row.name, row.type, bytes(row.data))


def delete_attachment(request: HttpRequest, caller: Caller, uid: str, filename: str) -> HttpResponse:
    """deleteAttachment"""
    upload_of(caller, uid, filename).delete()
    return answers.no_content()


def send_email(request: HttpRequest, caller: Caller, user: str) -> HttpResponse:
    """sendEmail: as the owner of the mailbox, and only as that. The files go with it and are removed."""
    owner = user_for(caller, user, "USER_VIEW", or_email=True)
    if not caller.owns(owner):
        raise Refusal(403, "The sender is the signed-in user.")
    body = answers.sent(request, SmtpMessage)
    to, cc, bcc = ([checked(text) for text in texts] for texts in (body.to, body.cc, body.bcc))
    if not (to or cc or bcc):
        raise Refusal(400, "The mail has no recipient.", {"to": "required"})
    wanted = {one.uid: one.name for one in body.attachments}
    files = taken(caller, set(wanted))
    message = written(owner, body, to, cc, [(files[uid], name) for uid, name in wanted.items()])
    raw = message.as_bytes()
    try:
        deliver(raw, owner.email, [*dict.fromkeys([*to, *cc, *bcc])])
    except Undeliverable as problem:
        Upload.objects.bulk_create(files.values())  # there again, to be tried again
        raise Refusal(400, str(problem)) from None
    with transaction.atomic(using="sandbox"):
        store(owner, SENT, raw, "\n".join(bcc), seen=True)
        if body.draft_id:
            Mail.objects.filter(by_id(body.draft_id), folder__user=owner, folder__path=DRAFTS).delete()
        if body.origin_id:
            Mail.objects.filter(by_id(body.origin_id), folder__user=owner).update(answered=True)
    return HttpResponse(headers={"Content-Type": "text/plain"})  # the documented 200 has no body


@transaction.atomic(using="sandbox")
def taken(caller: Caller, uids: set[str]) -> dict[str, Upload]:
    """The uploaded files of a mail, which nobody has any more: of two clicks on a button, one sends."""
    files = caller.account.uploads.in_bulk(list(uids))
    if missing := uids - files.keys():
        raise Refusal(400, "An attachment has not been uploaded.", {"attachments.uid": ", ".join(sorted(missing))[:200]})
    caller.account.uploads.filter(uid__in=files).delete()
    return files


def written(owner: User, body: SmtpMessage, to: list[str], cc: list[str], files: list[tuple[Upload, str]]) -> EmailMessage:
    """The message: HTML with its text beside it, the user's signature below, the files behind."""
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((f"{owner.firstname} {owner.lastname}".strip(), owner.email))
    if to:
        message["To"] = ", ".join(to)
    if cc:
        message["Cc"] = ", ".join(cc)
    message["Subject"] = body.subject
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = make_msgid(domain=owner.email.rpartition("@")[2])
    origin = Mail.objects.filter(by_id(body.origin_id), folder__user=owner).first() if body.origin_id else None
    if origin and mail.MESSAGE_ID.fullmatch(origin.message_id):
        message["In-Reply-To"] = message["References"] = f"<{origin.message_id}>"
    if body.ack:
        message["Disposition-Notification-To"] = owner.email
    if body.important:
        message["Importance"] = "high"
    html = body.body + (f"<br><br>{owner.signature}" if owner.signature else "")
    message.set_content(plain(html))
    message.add_alternative(html, subtype="html")
    for row, name in files:
        main, _, sub = row.type.partition("/")
        if main in ("message", "multipart"):  # these are taken apart by whoever reads them, whatever is in them
            main, sub = "application", "octet-stream"
        message.add_attachment(bytes(row.data), maintype=main, subtype=sub, filename=name)
    return message


def store(owner: User, path: str, raw: bytes, bcc: str = "", **flags: bool) -> Mail:
    """A message in a folder of a mailbox, which is made where it is missing."""
    folder, _ = Folder.objects.get_or_create(user=owner, path=path)
    columns = mail.columns(raw, timezone.now())
    row = Mail.objects.create(folder=folder, **{**columns, "bcc": bcc or columns["bcc"]}, **flags)
    MailSource.objects.create(mail=row, **mail.source_columns(raw))
    return row


def by_id(mail_id: str) -> Q:
    return Q(fuglu_id=mail_id) & ~Q(fuglu_id="") | Q(message_id=mail.bare(mail_id)) & ~Q(message_id="")


def checked(text: str) -> str:
    """A recipient's address, with or without a name before it."""
    shown = text.strip()
    email = address_of(shown[shown.rfind("<") + 1:-1] if shown.endswith(">") else shown)
    if email is None or not email.isascii():
        raise Refusal(400, f"Not an address: {text[:320]}.", {"to": "not an address"})
    return email


class Words(HTMLParser):
    """The text of a page, without what is not shown."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.hidden += tag in ("script", "style", "head")
        if tag in ("br", "p", "div", "li", "tr"):
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in ("script", "style", "head")))

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(data)


def plain(html: str) -> str:
    """The same as text, for those who read that."""
    words = Words()
    words.feed(html)
    words.close()
    return "".join(words.found).strip() + "\n"


def upload_of(caller: Caller, uid: str, filename: str) -> Upload:
    row = caller.account.uploads.filter(uid=uid, name=filename).first()
    if row is None:
        raise Refusal(404, "The file may not exist.")
    return row


def upload_json(row: Upload) -> dict[str, Any]:
    """AttachmentFile"""
    return {
        "uid": row.uid, "name": row.name, "uri": f"/emails/attachments/{row.uid}/{quote(row.name, safe='')}", "type": row.type,
        "size": len(row.data),
    }
