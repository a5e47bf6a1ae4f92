"""A mailbox as the gateway keeps it: which of its folders hold mail back, and how one message is found, read and released."""

import logging
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from django.conf import settings
from django.http import HttpRequest

from portal import session
from portal.api import mail, users
from portal.api.client import Client
from portal.api.errors import ApiError, NotAllowed, NotFound, Refused, SignedOut
from portal.api.operation import Operation, Segments
from portal.audit.log import Written, act
from portal.meaning import verdict
from portal.session import Person

T = TypeVar("T")
log = logging.getLogger("portal.ui")

MOST_STEPS = 20  # that are walked down to a folder: each is a call

# What the mailbox's owner wrote: nobody delivers it to them once more. Programs name these folders in their user's language,
# and some gateways show the names as IMAP writes them ("Entw&APw-rfe", RFC 3501, 5.1.3).
WRITTEN_HERE = re.compile(
    r"""(?<![a-z])(?:
        (?: sent | drafts? | outbox
        | gesendete?[rsn]? | entwurfe? | postausgang
        | envoyee?s? | envoi | brouillons?
        | enviad[ao]s? | borrador(?:es)? | salida | rascunhos?
        | sendte? | kladder? | udbakke | utkast | utboks
        | inviat[ai] | bozz[ae] | verzonden | concepten
        )(?![a-z]) | entw& | envoy&
    )""",
    re.VERBOSE,
)


def holds(request: HttpRequest, folder: str) -> bool:
    """Is its mail held? It is in the folder that we take for the quarantine, in those of HELD_FOLDERS, and below each of them."""
    known = (session.held_folder(request), *settings.HELD_FOLDERS)
    # What divides the steps of a path is a slash or a dot (RFC 3501, 5.1); the contract does not say.
    return any(folder == one or folder.startswith((f"{one}/", f"{one}.")) for one in known)


def delivers(folder: str) -> bool:
    """Can a message of this folder be delivered to its mailbox again? All that was received can: a deleted message, too."""
    plain = unicodedata.normalize("NFKD", folder.casefold())
    return not WRITTEN_HERE.search("".join(char for char in plain if not unicodedata.combining(char)))


def owner(request: Any, user_id: str, answer: Any) -> users.User:
    """The user that was read. An end user who may not read that still has the own mailbox: mail goes by the address, too."""
    if isinstance(answer, NotFound | NotAllowed) and str(request.person.mailbox) == user_id:
        return users.User(email=user_id if "@" in user_id else None)
    if isinstance(answer, ApiError):
        raise answer
    return answer  # type: ignore[no-any-return]


def account(api: Client, user: str) -> str:
    """The id of a mailbox that is known by its address: its files (r:2081) and its sender rules (r:2787) go by the id alone.

    The gateway's own addresses of its folders have it. Where they do not tell, what we know is tried.
    """
    if "@" not in user:
        return user
    try:
        rows = api.call(mail.FOLDERS, list[mail.Folder], ids={"userIdOrEmail": user})
    except SignedOut:
        raise
    except ApiError:
        return user
    own = next(filter(None, (api.segments(row.messagesUri, users.READ) for row in rows)), None)
    return unquote(own.partition("/")[0]) if own else user


def in_folder(api: Client, user: str, folder: str, op: Operation, call: Callable[[str], T]) -> T:
    """`call(folder)`; where it is refused, and the path has what proxies refuse, under the gateway's own address of the folder.

    `op` is LIST or SUBFOLDERS, the operation whose last id the folder is.
    """
    try:
        return call(folder)
    except (NotFound, Refused):
        own = _own_address(api, user, folder, op) if re.search(r"[/\\%;]", folder) else None
        if own is None or own == quote(folder, safe=""):
            raise
        return call(own)


def _own_address(api: Client, user: str, folder: str, op: Operation) -> Segments | None:
    """How the gateway itself addresses a folder: found by walking down from the top, one list of folders for each step."""
    with suppress(NotFound, Refused):
        rows = api.call(mail.FOLDERS, list[mail.Folder], ids={"userIdOrEmail": user})
        for _step in range(MOST_STEPS):
            above = next((row for row in rows if row.path and f"{folder}/".startswith(f"{row.path}/")), None)
            above = above or next((row for row in rows if row.path and folder.startswith(f"{row.path}.")), None)
            if above is None:
                return None
            if above.path == folder:
                return api.segments(above.messagesUri if op is mail.LIST else above.childrenUri, op)
            inner = api.segments(above.childrenUri, mail.SUBFOLDERS) or str(above.path)
            below = api.call(mail.SUBFOLDERS, list[mail.Folder], ids={"userIdOrEmail": user, "path": inner})
            rows = [row for row in below if row.path and len(row.path) > len(str(above.path))]  # else it would go in circles
    return None


@dataclass(frozen=True)
class Found:
    """A message, and by which folder and id the gateway answered for it."""

    message: mail.MessageContent
    folder: str
    id: str


def find(api: Client, user: str, folder: str, mail_id: str, *, text: bool = True) -> Found:
    """One message, with what EMAIL_FIELDS asks for; without `text`, with its headers alone."""
    return by_any_id(api, user, folder, mail_id, lambda place, id: Found(_read(api, user, place, id, text), place, id))


def _read(api: Client, user: str, folder: str, mail_id: str, text: bool) -> mail.MessageContent:
    ids = {"userIdOrEmail": user, "folderPath": folder, "fugluIdOrMailId": mail_id}
    fields = ",".join(settings.EMAIL_FIELDS) if text else ""
    try:
        return api.call(mail.READ, mail.MessageContent, query={"fields": fields} if fields else None, ids=ids)
    except Refused:
        if not fields:
            raise
        message = api.call(mail.READ, mail.MessageContent, ids=ids)  # HEADERS, which is documented
        log.warning("the gateway refuses EMAIL_FIELDS=%s", fields)
        return message


def by_any_id(api: Client, user: str, folder: str, mail_id: str, call: Callable[[str, str], T]) -> T:
    """`call(folder, id)` with the id as given. Where there is no such message, with what its line in the folder's list tells:
    "Can be the value of header X-Fuglu-Id or Message-ID" (r:2160), and its address, since an id may have a slash in it."""
    try:
        return in_folder(api, user, folder, mail.LIST, lambda place: call(place, mail_id))
    except (NotFound, Refused) as refusal:
        if isinstance(refusal, NotFound) or "/" in mail_id:
            with suppress(ApiError):
                for place, other in _other_names(api, user, folder, mail_id):
                    with suppress(NotFound, Refused):
                        return call(place, other)
        raise


def _other_names(api: Client, user: str, folder: str, mail_id: str) -> Iterator[tuple[str, str]]:
    def lines(place: str) -> tuple[str, list[mail.Message]]:
        asked = {"id": mail_id}
        return place, api.page(
            mail.LIST, mail.Message, size=10, query=asked, ids={"userIdOrEmail": user, "folderPath": place}
        ).rows

    place, rows = in_folder(api, user, folder, mail.LIST, lines)
    line = next((row for row in rows if str(row.id) == mail_id), None)
    if line is None:
        return
    above = (place if isinstance(place, Segments) else quote(place, safe="")) + "/"
    own = api.segments(line.uri, mail.LIST) or ""
    if own.startswith(above) and own != above + quote(mail_id, safe=""):
        yield place, Segments(own.removeprefix(above))
    for other in _other_ids(line, mail_id):
        yield place, other


def _other_ids(message: mail.Message, mail_id: str) -> list[str]:
    values = (verdict.header(message.headers, name) for name in ("X-Fuglu-Id", "Message-ID"))
    return [value for value in dict.fromkeys(values) if value not in ("", mail_id)]


def release(person: Person, api: Client, at: Found, user: str, **how: Any) -> Written:
    """Release a message that was just read, by the id it was read by; where that releases none, by its other ids.

    The sender chose the Message-ID, so that two messages may have one: another id counts only where this message answers to it.
    """
    try:
        return act(person, api, mail.RELEASE, ids={"userIdOrEmail": user, "folderPath": at.folder, "fugluId": at.id}, **how)
    except NotFound:
        for other in _other_ids(at.message, at.id):
            try:
                same = _read(api, user, at.folder, other, text=False).headers == at.message.headers
            except (NotFound, Refused):
                continue
            if same:
                return act(
                    person, api, mail.RELEASE, ids={"userIdOrEmail": user, "folderPath": at.folder, "fugluId": other}, **how
                )
        raise
