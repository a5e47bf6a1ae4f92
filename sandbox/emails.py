"""Mailbox folders and the mail in them (openapi.yaml, tag Emails)."""

from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZipFile

from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

from sandbox import answers, mail
from sandbox.answers import Refusal, millis
from sandbox.auth import Caller, user_for
from sandbox.delivery import Undeliverable, deliver
from sandbox.models import Domain, Folder, Mail, MailSource, User

QUARANTINE = "Quarantine"
INBOX = "INBOX"
FIELDS = {"HEADERS", "CONTENT", "SOURCE"}  # what getEmail can be asked for; the contract names the first one only

# The search of a folder: these may be combined. The columns hold what the mail says, with case folded.
TEXTS = {"from": "find_from", "to": "find_to", "cc": "find_cc", "subject": "find_subject", "body": "source__find_body"}
DATES = {"receivedAfter": "gte", "receivedBefore": "lte"}
LAST_MOMENT = 253_370_764_800_000  # the year 9999, the last that Python's dates know


def get_folders(request: HttpRequest, caller: Caller, user: str) -> HttpResponse:
    """getFolders: the top of the tree."""
    owner = user_for(caller, user, "MAIL_VIEW", or_email=True)
    return answers.json(tree(request, owner, ""))


def get_subfolders(request: HttpRequest, caller: Caller, user: str, folder: str) -> HttpResponse:
    """getSubfolders"""
    owner = user_for(caller, user, "MAIL_VIEW", or_email=True)
    return answers.json(tree(request, owner, folder_of(owner, folder).path + "/"))


def tree(request: HttpRequest, owner: User, above: str) -> list[dict[str, Any]]:
    """The folders right below a path. Only the STATS field group counts messages."""
    rows = owner.folders.filter(path__startswith=above).order_by("path")
    stats = "STATS" in ",".join(request.GET.getlist("fields")).upper().split(",")
    if stats:
        rows = rows.annotate(count=Count("mails"), unread=Count("mails", filter=Q(mails__seen=False)))
    found = []
    for folder in rows:
        name = folder.path.removeprefix(above)
        if "/" in name:
            continue
        path = quote(folder.path, safe="")
        line = {
            "name": name,
            "path": folder.path,
            "messagesUri": f"/users/{owner.uid}/emails/{path}",
            "childrenUri": f"/users/{owner.uid}/emails/folders/{path}",
        }
        if stats:
            line |= {"unreadMessageCount": folder.unread, "messageCount": folder.count}  # type: ignore[attr-defined]
        found.append(line)
    return found


def get_folder_content(request: HttpRequest, caller: Caller, user: str, folder: str) -> HttpResponse:
    """getFolderContent: a listing or a search. Only the owner may search the text, since others may not read it."""
    query = answers.parameters(request, "offset", "pageSize", "sort", "operator", "id", *TEXTS, *DATES)
    owner = user_for(caller, user, "MAIL_VIEW", or_email=True)
    if "body" in query and not caller.owns(owner):
        raise Refusal(403, "Only the owner of the mailbox may search the text of its mail.")
    rows = folder_of(owner, folder).mails.filter(search(query))
    sort = {"sentDate": "sent_date"}
    return answers.page(query, rows, lambda row: line_json(row, owner, folder), sort=sort, default="-sentDate")


def search(query: dict[str, str]) -> Q:
    """The criteria among the parameters, joined: AND wants all of them, OR one, NOT none."""
    operator = query.get("operator", "AND").upper()
    if operator not in ("AND", "OR", "NOT"):
        raise Refusal(400, f"Unknown operator: {query['operator']}.", {"operator": "one of AND, OR, NOT"})
    # Contained in any case, as IMAP searches. LIKE knows the case of ASCII letters only, hence the folded columns.
    criteria = [Q(**{f"{column}__contains": query[name].casefold()}) for name, column in TEXTS.items() if name in query]
    for name, lookup in DATES.items():
        if name in query:
            moment = mail.EPOCH + timedelta(milliseconds=answers.number(query, name, 0, most=LAST_MOMENT))
            criteria.append(Q(**{f"received_date__{lookup}": moment}))
    if "id" in query:
        criteria.append(Q(find_id__contains=mail.bare(query["id"]).casefold()))
    found = Q()
    for criterion in criteria:
        found = found & criterion if operator == "AND" else found | criterion
    return ~found if operator == "NOT" else found


def get_email(request: HttpRequest, caller: Caller, user: str, folder: str, mail_id: str) -> HttpResponse:
    """getEmail: `fields` is HEADERS where it is not sent. Content and source are for the owner alone, who thereby has read it."""
    owner = user_for(caller, user, "MAIL_VIEW", or_email=True)
    row = mail_of(owner, folder, mail_id)
    wanted = set((",".join(request.GET.getlist("fields")) or "HEADERS").upper().split(","))
    if unknown := wanted - FIELDS:
        raise Refusal(400, "Unknown fields.", {"fields": f"not {', '.join(sorted(unknown))[:100]}"})
    texts = wanted & {"CONTENT", "SOURCE"} if caller.owns(owner) else set()
    if texts and not row.seen:
        row.seen = True
        if request.method == "GET":  # HEAD reads nothing
            Mail.objects.filter(pk=row.pk).update(seen=True)
    found = line_json(row, owner, folder)
    if "HEADERS" not in wanted:
        del found["headers"]
    if "CONTENT" in texts:
        found["content"] = row.source.content
    if "SOURCE" in texts:
        found["source"] = mail.source(bytes(row.source.raw))
    return answers.json(found)


def download_email_attachment_part(
    request: HttpRequest, caller: Caller, user: str, folder: str, mail_id: str, part: str,
) -> HttpResponse:
    """downloadEmailAttachmentPart: one file, as the mail declares it."""
    found = mail.file(bytes(source_for(caller, user, folder, mail_id).raw), part)
    if found is None:
        raise Refusal(404, "The mail has no such part.")
    name, media_type, data = found
    return file_answer(request, mail.safe_name(name), media_type, data)


def get_all_email_attachments(request: HttpRequest, caller: Caller, user: str, folder: str, mail_id: str) -> HttpResponse:
    """getAllEmailAttachments: one archive, or the list for a client that takes nothing but JSON."""
    source = source_for(caller, user, folder, mail_id)
    if request.get_preferred_type(["application/zip", "application/json"]) == "application/json":
        return answers.json(attachments_json(source.mail, source.mail.folder.user, folder))
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for name, data in mail.all_files(bytes(source.raw)):
            zipped.writestr(name, data)
    return file_answer(request, "attachments.zip", "application/zip", archive.getvalue())


def release_email(request: HttpRequest, caller: Caller, user: str, folder: str, mail_id: str) -> HttpResponse:
    """releaseEmail: held mail goes to the inbox, without its spam tag. Other mail is delivered again and stays where it is."""
    owner = user_for(caller, user, "MAIL_RELEASE", or_email=True)
    row = mail_of(owner, folder, mail_id)
    willing = "X-Virus-Lover" in request.headers
    if row.infected and not willing:
        raise Refusal(412, "The email is infected, and the request has no X-Virus-Lover header.")
    if willing and not row.infected:
        raise Refusal(412, "The request has an X-Virus-Lover header, and the email is not infected.")
    if owner.domain.status == Domain.Status.DELETED:
        raise Refusal(400, "The domain is deleted, and its services with it.")
    raw = bytes(row.source.raw)
    if folder == QUARANTINE:
        policy = owner.policy or owner.domain.policy
        props = policy.relay_props if policy else {}
        raw = mail.untagged(raw, (props.get("prefixSpam") or "", props.get("advertPrefix") or ""))
        to_inbox(owner, row, raw)
    try:
        deliver(raw, "", [owner.email])
    except Undeliverable as problem:
        if folder == QUARANTINE:
            Mail.objects.filter(pk=row.pk).update(folder=row.folder)  # still held: nobody has got it
        raise Refusal(400, str(problem)) from None
    return answers.no_content()


@transaction.atomic(using="sandbox")
def to_inbox(owner: User, row: Mail, raw: bytes) -> None:
    """Move a held mail, by a condition on where it is: of two releases at once, the second finds it gone."""
    inbox, _ = Folder.objects.get_or_create(user=owner, path=INBOX)
    if not Mail.objects.filter(pk=row.pk, folder=row.folder).update(folder=inbox, recent=True, seen=False):
        raise Refusal(404, "The mail may not exist.")
    Mail.objects.filter(pk=row.pk).update(**mail.columns(raw, timezone.now()))
    MailSource.objects.filter(mail=row).update(raw=raw)


def folder_of(owner: User, path: str) -> Folder:
    folder = owner.folders.filter(path=path).first()
    if folder is None:
        raise Refusal(404, "The folder may not exist.")
    return folder


def mail_of(owner: User, path: str, mail_id: str) -> Mail:
    """A mail by its X-Fuglu-ID or by its Message-ID, with or without the angle brackets."""
    wanted = Q(fuglu_id=mail_id)
    if message_id := mail.bare(mail_id):
        wanted |= Q(message_id=message_id)
    row = folder_of(owner, path).mails.filter(wanted).order_by("pk").first()
    if row is None:
        raise Refusal(404, "The mail may not exist.")
    return row


def source_for(caller: Caller, user: str, folder: str, mail_id: str) -> MailSource:
    """The source of a mail, whose files are for all who may see it: content and source alone are said to be for the owner."""
    owner = user_for(caller, user, "MAIL_VIEW")
    row = mail_of(owner, folder, mail_id)
    return MailSource.objects.select_related("mail__folder__user").get(mail=row)


def file_answer(request: HttpRequest, name: str, media_type: str, data: bytes) -> HttpResponse:
    """A file, to be saved when `dl` says so."""
    save = request.GET.get("dl", "").lower() not in ("", "false", "0")
    return HttpResponse(data, content_type=media_type, headers={"Content-Disposition": content_disposition_header(save, name)})


def mail_uri(row: Mail, owner: User, folder: str) -> str:
    return f"/users/{owner.uid}/emails/{quote(folder, safe='')}/{quote(row.fuglu_id or row.message_id, safe='')}"


def attachments_json(row: Mail, owner: User, folder: str) -> dict[str, Any]:
    """ImapMessageAttachmentList"""
    uri = mail_uri(row, owner, folder) + "/attachments"
    return {
        "attachments": [
            {**known, "downloadUri": f"{uri}/{known['id']}?dl=true", "displayUri": f"{uri}/{known['id']}"}
            for known in row.attachments
        ],
        "downloadUri": f"{uri}?dl=true",
        "count": len(row.attachments),
    }


def line_json(row: Mail, owner: User, folder: str) -> dict[str, Any]:
    """ImapMessage"""
    return {
        "id": row.fuglu_id or row.message_id,
        "uri": mail_uri(row, owner, folder),
        "headers": row.headers,
        "attachments": attachments_json(row, owner, folder),
        "hasAttachments": bool(row.attachments),
        "seen": row.seen,
        "answered": row.answered,
        "recent": row.recent,
        "deleted": row.deleted,
        "important": row.important,
        "sentDate": millis(row.sent_date),
        "subject": row.subject,
        "from": row.sender,
        "to": row.to.splitlines(),
        "cc": row.cc.splitlines(),
        "bcc": row.bcc.splitlines(),
        "size": row.size,
    }
