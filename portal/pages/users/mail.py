"""The mail of one user: the list of a folder, and one mail read safely."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from portal import session
from portal.api import mail, sender_rules, users
from portal.api.client import Page
from portal.api.errors import ApiError, NotAllowed, NotFound
from portal.api.files import Download
from portal.meaning import body as bodies, charsets, senders, verdict
from portal.meaning.arrival import arrived, believable
from portal.meaning.message import as_bytes
from portal.meaning.times import moment
from portal.ui import mailbox as boxes, selection
from portal.ui.pages import PortalRequest, got, one_time_key, part_of, together, whole_page
from portal.ui.selection import Action
from portal.ui.tables import remote_page

LAST_DAY = date(9998, 1, 1)  # no time zone leads from here out of the calendar
LONGEST_SUBJECT = 1000  # characters: one header line (RFC 5322, 2.1.1)
HELD = re.compile(r"quarant|held|spam|junk", re.IGNORECASE)
ACTIONS = {"release": mail.RELEASE, "mailbox": sender_rules.ADD_TO_USER, "domain": sender_rules.ADD_TO_DOMAIN}


@dataclass(frozen=True)
class Line:
    """One mail of a list, with what its headers tell."""

    mail: mail.Message
    who: senders.Sender
    judged: verdict.Verdict
    when: datetime | None  # it was sent, or came where that cannot be true
    believable: bool = True


class MailSearch(forms.Form):
    """The documented criteria of a folder's list (getFolderContent): those asked for most often, and the others."""

    sender = forms.CharField(label=_("Sender"), required=False, max_length=200)
    subject = forms.CharField(label=_("Subject"), required=False, max_length=200)
    after = forms.DateField(label=_("From date"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    before = forms.DateField(label=_("To date"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    to = forms.CharField(label=_("Recipient"), required=False, max_length=200)
    cc = forms.CharField(label=_("Cc"), required=False, max_length=200)
    body = forms.CharField(label=_("Text"), required=False, max_length=200)
    id = forms.CharField(label=_("Message ID"), required=False, max_length=1000)
    operator = forms.ChoiceField(
        label=_("Match in"),
        required=False,
        choices=[("AND", _("all fields")), ("OR", _("any field")), ("NOT", _("none of the fields"))],
    )
    TEXTS = {"sender": "from", "subject": "subject", "to": "to", "cc": "cc", "body": "body"}
    COMMON, MORE = ("sender", "subject", "after", "before"), ("to", "cc", "body", "id", "operator")

    def clean_id(self) -> str:
        return str(self.cleaned_data["id"]).strip("<> ")  # as a header has it, or as it is copied from one

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if said.get("after") and said.get("before") and said["after"] > said["before"]:
            self.add_error("before", _("“To date” is before “From date”."))
        return said

    def criteria(self) -> dict[str, Any]:
        """The query for the API: days become milliseconds in the reader's time zone, both days included."""
        said = self.cleaned_data
        found: dict[str, Any] = {name: said[field] for field, name in self.TEXTS.items() if said.get(field)}
        if id := said.get("id"):
            found["id"] = id
        if day := said.get("after"):
            found["receivedAfter"] = _milliseconds(min(day, LAST_DAY))
        if day := said.get("before"):
            found["receivedBefore"] = _milliseconds(min(day, LAST_DAY) + timedelta(days=1)) - 1
        if found and said.get("operator") in ("OR", "NOT"):
            found["operator"] = said["operator"]
        return found

    def common(self) -> list[Any]:
        return [self[name] for name in self.COMMON]

    def more(self) -> list[Any]:
        return [self[name] for name in self.MORE]

    def more_used(self) -> bool:
        """Does anything of `more` narrow the list, or is it wrong?"""
        return any(name in self.errors or (self[name].data or "AND") != "AND" for name in self.MORE)

    def said(self) -> list[tuple[Any, Any]]:
        """What was searched for: labels and values as they were typed. Blanks are nothing."""
        return [(field.label, field.data) for field in self if self.cleaned_data.get(field.name) and field.name != "operator"]

    def how(self) -> Any:
        """How the criteria are joined, in words; "" where there is nothing to join."""
        operator = self.cleaned_data.get("operator") or "AND"
        return "" if len(self.said()) < (2 if operator == "AND" else 1) else dict(self.fields["operator"].choices)[operator]  # type: ignore[attr-defined]


VIEW = (*MailSearch.base_fields, "sort", "page")  # what the address of a list may say


@require_safe
def mail_list(request: PortalRequest, user_id: str, folder: str) -> HttpResponse:
    """The hub of a user with the mails of a folder, newest first."""
    listed, user = together(lambda: _list(request, user_id, folder), lambda: _read_user(request, user_id))
    context = {"user": boxes.owner(request, user_id, user), "user_id": user_id, "folder": folder}
    return render(request, "users/hub.html", {**context, **_listed(request, folder, listed, user)})


@require_safe
@part_of("mail-list")
def mail_list_panel(request: PortalRequest, user_id: str, folder: str) -> HttpResponse:
    """The mails of a folder alone. What the hub asks for by itself (`newest`) is not put into the address."""
    # Only a session that was refused a release must know the mailbox's domain, to leave out what selects mail for one.
    reads = [lambda: _read_user(request, user_id)] if session.refused(request, mail.RELEASE.id) else []
    listed, *owner = together(lambda: _list(request, user_id, folder), *reads)
    context = {"user_id": user_id, **_listed(request, folder, got(listed), *owner)}
    response = render(request, "users/_mails.html", context)
    if "newest" not in request.GET:
        response["HX-Push-Url"] = whole_page(request, "mail-list", user_id=user_id, folder=folder)
    return response


@require_safe
def mail_read(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> HttpResponse:
    """One mail in the hub, with the list of its folder."""
    message, user, listed = together(
        lambda: boxes.find(request.api, user_id, folder, mail_id).message,
        lambda: _read_user(request, user_id),
        lambda: _list(request, user_id, folder, open_id=mail_id),
    )
    user = boxes.owner(request, user_id, user)
    context = {"user": user, "user_id": user_id, "folder": folder, "mail_id": mail_id}
    context |= _listed(request, folder, listed, user)
    if isinstance(message, ApiError):
        return render(
            request, "users/hub.html", {**context, "mail_error": message}, status=404 if isinstance(message, NotFound) else 200
        )
    return render(request, "users/hub.html", {**context, **reading(request, message, user_id, folder, mail_id, user)})


@require_safe
@part_of("mail-read")
def mail_reading(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> HttpResponse:
    """The reading pane alone."""
    # Only a session that was refused something must know the mailbox's domain, to leave out the button.
    refused = any(session.refused(request, op.id) for op in ACTIONS.values())
    reads = [lambda: _read_user(request, user_id)] if refused else []
    message, *owner = together(lambda: boxes.find(request.api, user_id, folder, mail_id).message, *reads)
    user = next((answer for answer in owner if isinstance(answer, users.User)), None)
    return render(request, "users/_reading.html", reading(request, got(message), user_id, folder, mail_id, user))


def reading(
    request: PortalRequest,
    message: mail.MessageContent,
    user_id: str,
    folder: str,
    mail_id: str,
    user: users.User | None,
) -> dict[str, Any]:
    """What the reading pane shows of a mail."""
    judged = verdict.verdict(message.headers)
    who, sent, now = verdict.author(message.sender, message.headers), moment(message.sentDate), timezone.now()
    own = str(request.person.mailbox) == user_id
    owner = bool(message.source or message.content) or own
    taken = bodies.take_apart(message.content, message.source) if owner else None
    files = message.files
    domain = str(user.domainId) if user else ""
    limit = user.policy.spamScore if user and user.policy else None
    return {
        "mail": message,
        "subject": readable(message.subject, taken),
        "files": files,
        "inside": [name for name in taken.files if name not in {file.name for file in files}] if taken and not files else [],
        "mail_id": mail_id,
        "user_id": user_id,
        "folder": folder,
        "who": who,
        "judged": judged,
        "why": verdict.explain(judged, limit),
        "warnings": verdict.warnings(who, message.headers),
        "authentic": verdict.authentic(judged.checks, who.domain),
        "return_path": verdict.header(message.headers, "Return-Path"),
        "returns_to": senders.sender(verdict.header(message.headers, "Return-Path")),
        "came": None if believable(sent, message.headers, now) else arrived(message.headers, now),
        "owner": owner,
        "body": taken,
        "html_view": request.GET.get("view") == "html",
        "images": request.GET.get("images") == "1",
        "no_text_came": owner and message.content is None and not message.source,
        "held_here": boxes.holds(request, folder),
        "delivers": boxes.delivers(folder),
        "may": {name: domain not in session.refused(request, op.id) for name, op in ACTIONS.items()},
        "own_mailbox": own,
        "once": one_time_key(),
    }


def readable(subject: str | None, taken: bodies.Body | None) -> str:
    """A subject as a person reads it. Where more than ASCII is in it, the message itself may know better than the gateway."""
    said = (subject or "")[:LONGEST_SUBJECT]
    if taken and (not said or "=?" in said or not said.isascii()):
        own = taken.said("subject")[:LONGEST_SUBJECT]
        return own if own and "\ufffd" not in own else said
    return charsets.words(said) if "=?" in said else said


@require_safe
def mail_attached(request: PortalRequest, user_id: str, folder: str, mail_id: str, number: str) -> HttpResponse:
    """A message that is attached to a mail, opened: a page of its own, since it is not what the mail says."""
    message = boxes.find(request.api, user_id, folder, mail_id).message
    taken = bodies.take_apart(message.content, message.source, number)
    if not message.source or taken is None:
        raise NotFound(mail.READ.id)
    context = {
        "outer": readable(message.subject, None),
        "user_id": user_id,
        "folder": folder,
        "mail_id": mail_id,
        "number": number,
        "body": taken,
        "subject": taken.said("subject")[:LONGEST_SUBJECT],
        "who": senders.sender(taken.said("from")),
        "to": taken.said("to")[:LONGEST_SUBJECT],
        "date": taken.said("date")[:100],
        "html_view": request.GET.get("view") == "html",
        "images": request.GET.get("images") == "1",
    }
    return render(request, "users/attached.html", context)


@require_safe
@xframe_options_sameorigin
def mail_body(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> HttpResponse:
    """The sanitised HTML of a mail, for the sandboxed iframe. A document of its own, under its own policy."""
    message = boxes.find(request.api, user_id, folder, mail_id).message
    taken = bodies.take_apart(message.content, message.source, request.GET.get("of", ""))
    if taken is None:
        raise NotFound(mail.READ.id)
    if taken.busy:
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    images = request.GET.get("images") == "1"
    response = HttpResponse(bodies.document(taken, images))
    response["Content-Security-Policy"] = bodies.csp(images)
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def mail_source(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> StreamingHttpResponse:
    """The raw message as a file, for whom the gateway gives it to."""
    message = boxes.find(request.api, user_id, folder, mail_id).message
    if not message.source:
        raise NotFound(mail.READ.id)
    return _as_file(iter([as_bytes(message.source)[0]]), "mail.eml")


@require_safe
def attachment(request: PortalRequest, user_id: str, folder: str, mail_id: str, part: str) -> StreamingHttpResponse:
    """One file of a mail, passed through in chunks and never opened here."""
    owner = boxes.account(request.api, user_id)

    def file(place: str, id: str) -> Download:
        return request.api.stream(
            mail.PART, ids={"userId": owner, "folderPath": place, "emailId": id, "partId": part}, query={"dl": "true"}
        )

    found = boxes.by_any_id(request.api, user_id, folder, mail_id, file)
    return _as_file(found.chunks, request.GET.get("name", "") or f"part-{part}")


@require_safe
def all_attachments(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> StreamingHttpResponse:
    """All files of a mail as the gateway's one archive."""
    owner = boxes.account(request.api, user_id)

    def archive(place: str, id: str) -> Download:
        return request.api.stream(
            mail.ALL_PARTS, ids={"userId": owner, "folderPath": place, "messageId": id}, query={"dl": "true"}
        )

    found = boxes.by_any_id(request.api, user_id, folder, mail_id, archive)
    return _as_file(found.chunks, "attachments.zip")


def mail_rows(messages: Iterable[mail.Message], base: str, **more: Any) -> dict[str, Any]:
    """The rows of a list of mails, as templates/users/_lines.html takes them; it says what `more` may be.

    The gateway sorts them by the date that each sender wrote. Within the page, one that cannot be true is put where it came.
    """
    now, lines = timezone.now(), []
    for one in messages:
        sent = moment(one.sentDate)
        good = believable(sent, one.headers, now)
        who, judged = verdict.author(one.sender, one.headers), verdict.verdict(one.headers, checks=False)
        lines.append(Line(one, who, judged, sent if good else arrived(one.headers, now), good))
    if not all(line.believable for line in lines):
        oldest_first = more.get("oldest_first", False)
        unknown = datetime.max if oldest_first else datetime.min
        lines.sort(key=lambda line: line.when or unknown.replace(tzinfo=UTC), reverse=not oldest_first)
    first = next((line for line in lines if line.believable), None)  # what is opened unasked
    return {"lines": lines, "first": first, "base": base, "keep": "", "state": "", **more}


def _read_user(request: PortalRequest, user_id: str) -> users.User:
    return request.api.call(users.READ, users.User, ids={"userId": user_id})


def _list(request: PortalRequest, user_id: str, folder: str, *, open_id: str = "", moved: bool = False) -> dict[str, Any]:
    own = str(request.person.mailbox) == user_id  # reading marks the own mail as seen: it is not opened unasked
    newest = ("focus" if own else "open") if "newest" in request.GET and not open_id else ""
    search = MailSearch(request.GET)
    valid = search.is_valid()
    query = search.criteria() if valid else {}
    sort = "sentDate" if request.GET.get("sort") == "sentDate" else ""

    def fetch(offset: int, size: int, _sort: str) -> Any:
        if not valid:  # a search that makes no sense is told, and finds nothing
            return Page([], 0)

        def listed(path: str) -> Any:
            asked: dict[str, Any] = {"offset": offset, "size": size, "sort": sort, "query": query}
            return request.api.page(mail.LIST, mail.Message, ids={"userIdOrEmail": user_id, "folderPath": path}, **asked)

        return boxes.in_folder(request.api, user_id, folder, mail.LIST, listed)

    try:
        page = remote_page(request, fetch)
    except NotAllowed:
        if "body" not in query:
            raise
        valid = False  # the rest may well be allowed
        search.add_error("body", _("You cannot search the text of this mailbox. Leave this empty to search by the rest."))
        page = remote_page(request, fetch)
    except NotFound:
        found = "" if moved else _held_elsewhere(request, user_id, folder)
        if not found:
            raise
        return _list(request, user_id, found, open_id=open_id, moved=True)
    kept = {k: str(v) for k, v in request.GET.items() if v and k in VIEW}
    keep = "?" + urlencode(kept) if kept else ""  # every link of the list leads back to this view of it
    base = reverse("mail-list", args=(user_id, folder))
    lines = mail_rows(page.object_list, base, keep=keep, open_id=open_id, newest=newest, oldest_first=bool(sort))
    searched = valid and bool(query)
    context = {"page": page, "lines": lines, "search": search, "searched": searched, "folder": folder, "sort": sort}
    return {**context, "view": kept}


def _held_elsewhere(request: PortalRequest, user_id: str, folder: str) -> str:
    """Where held mail is when the folder we took for it does not exist: the contract does not name it, so we look once."""
    if folder != session.held_folder(request):
        return ""
    for known in request.api.call(mail.FOLDERS, list[mail.Folder], ids={"userIdOrEmail": user_id}):
        path = known.path or known.name or ""
        if HELD.search(path) and path != folder:
            return path
    return ""


def _listed(request: PortalRequest, folder: str, listed: Any, user: Any = None) -> dict[str, Any]:
    """The list of a folder. Only held mail can be selected, and only by who was not refused a release in this domain.

    Where held mail was found in another folder than the one we took for it, the session keeps that.
    """
    if isinstance(listed, ApiError):
        return {"mails_error": listed}
    if listed["folder"] != folder:
        session.remember_held_folder(request, listed["folder"])
    domain = str(user.domainId) if isinstance(user, users.User) else ""
    selects = boxes.holds(request, listed["folder"]) and domain not in session.refused(request, mail.RELEASE.id)
    listed["lines"]["selects"] = selects
    if not selects:
        return {**listed}
    about = _("They are delivered immediately. This cannot be undone.")
    release = Action(_("Release selected messages"), reverse("batch-release"), about, icon="send")
    return {**listed, "selection": selection.bar(listed["page"], listed["view"], release, narrowed=listed["searched"])}


def _milliseconds(day: Any) -> int:
    return max(1, int(datetime.combine(day, time.min, timezone.get_current_timezone()).timestamp() * 1000))


def _as_file(chunks: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """A download that no browser opens by itself, under a name that is only a name."""
    safe = re.sub(r"[\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069]+", "_", name).strip(". ")[:150] or "file"
    response = StreamingHttpResponse(chunks, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, safe) or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
