"""Mailbox folders, messages, their files, release and sending (Emails, 5.7)."""

from typing import Any

import msgspec

from portal.api.operation import Operation
from portal.api.rights import Needs

FOLDERS = Operation("getFolders", "GET", "/users/{userIdOrEmail}/emails/folders", query=("fields",))
SUBFOLDERS = Operation("getSubfolders", "GET", "/users/{userIdOrEmail}/emails/folders/{path}", query=("fields",))

# The one list that takes several filters in a request, joined by `operator` (AND, OR, NOT). Newest first unless told.
LIST = Operation(
    "getFolderContent",
    "GET",
    "/users/{userIdOrEmail}/emails/{folderPath}",
    sort=("sentDate",),
    filters=("receivedAfter", "receivedBefore", "from", "to", "cc", "subject", "body", "id"),
    query=("operator",),
)

# `fields` is HEADERS where nobody asks for more: "List of attended datas", default HEADERS (r:2169 of the vendor's document). No
# other name is documented. Content and source are filled for the owner of the mailbox only.
READ = Operation(
    "getEmail",
    "GET",
    "/users/{userIdOrEmail}/emails/{folderPath}/{fugluIdOrMailId}",
    needs=Needs.OWNER_TO_READ,
    query=("fields",),
)
RELEASE = Operation(
    "releaseEmail",
    "POST",
    "/users/{userIdOrEmail}/emails/{folderPath}/{fugluId}/release",
    headers=("X-Virus-Lover",),
    breaks=(400,),  # "An internal problem occured." (r:2407)
)
# That files are for the owner only is the contract's assumption; the document says it of content and source alone.
PART = Operation(
    "downloadEmailAttachmentPart",
    "GET",
    "/users/{userId}/emails/{folderPath}/{emailId}/attachments/{partId}",
    needs=Needs.OWNER,
    query=("dl",),
)
ALL_PARTS = Operation(
    "getAllEmailAttachments",
    "GET",
    "/users/{userId}/emails/{folderPath}/{messageId}/attachments",
    needs=Needs.OWNER,
    query=("dl",),
)

SEND = Operation("sendEmail", "POST", "/users/{userIdOrEmail}/emails/send", needs=Needs.SIGNED_IN_USER)
# Files parked on the gateway until the message that quotes them is sent.
UPLOAD = Operation("uploadAttachment", "POST", "/emails/attachments", file="file")
READ_UPLOAD = Operation("downloadAttachment", "GET", "/emails/attachments/{uid}/{filename}")
DELETE_UPLOAD = Operation("deleteAttachment", "DELETE", "/emails/attachments/{uid}/{filename}")


def lock(user_id: str | int, folder: str, mail_id: str | int) -> tuple[str, str, str]:
    """What stands for a mail: the ids of its user and its own, as the gateway tells them. An address may say either otherwise."""
    return str(user_id), folder, str(mail_id)


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """ImapFolder; the two counters come only when `fields=STATS` was asked for."""

    name: str | None = None
    path: str | None = None
    unreadMessageCount: int | None = None
    messageCount: int | None = None
    messagesUri: str | None = None
    childrenUri: str | None = None


# The source lost the field names of all records below: the contract guesses them, so their types are taken leniently.


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """ImapMessageAttachment: one file of a message."""

    id: str | int | None = None
    name: str | None = None
    type: str | None = None
    size: int | None = None


class AttachmentList(msgspec.Struct, frozen=True, kw_only=True):
    """ImapMessageAttachmentList: the files of a message."""

    attachments: list[Attachment] | None = None
    count: int | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """ImapMessage: a line of a folder."""

    id: str | int | None = None
    uri: str | None = None
    sentDate: int | str | None = None
    sender: str | list[str] | None = msgspec.field(name="from", default=None)
    to: str | list[str] | None = None
    cc: str | list[str] | None = None
    bcc: str | list[str] | None = None
    subject: str | None = None
    size: int | None = None
    headers: dict[str, Any] | None = None
    attachments: AttachmentList | list[Attachment] | None = None  # "List of email attachments" (6.34), of no documented type
    hasAttachments: bool | None = None
    important: bool | None = None
    seen: bool | None = None
    answered: bool | None = None
    recent: bool | None = None
    deleted: bool | None = None

    @property
    def files(self) -> list[Attachment]:
        """The files of the message, whichever way they are listed."""
        listed = self.attachments
        return listed if isinstance(listed, list) else (listed and listed.attachments) or []


class MessageContent(Message, frozen=True, kw_only=True):
    """ImapMessageContent: one message in full, for the owner of the mailbox; for others the last two are empty."""

    content: str | None = None
    source: str | None = None
