"""Messages of one's own, put into a mailbox as if they had come in: for demonstrations and for tests."""

import uuid
from email.utils import format_datetime

from django.db import transaction
from django.utils import timezone

from sandbox import mail
from sandbox.emails import QUARANTINE
from sandbox.models import Folder, Mail, MailSource, User
from sandbox.seedmail import LIMIT

MEGABYTE = 1024 * 1024
LARGEST = 25  # megabytes, where no policy says it


class Unwanted(Exception):
    """The mailbox cannot take this; the text says why."""


def folder_for(address: str, path: str) -> Folder:
    """The folder of a mailbox that mail is to be put into."""
    users = User.objects.select_related("policy", "domain__policy")
    user = users.filter(email=address.strip().lower()).first()
    if user is None:
        raise Unwanted(f"There is no mailbox {address}.")
    folders = {folder.path: folder for folder in user.folders.order_by("path")}
    if path not in folders:
        raise Unwanted(f"{user.email} has no folder {path}. It has: {', '.join(folders) or 'none'}.")
    folder = folders[path]
    folder.user = user
    return folder


def largest(folder: Folder) -> int:
    """The bytes of the largest message that the policy of the mailbox lets in."""
    policy = folder.user.policy or folder.user.domain.policy
    return (policy.mail_size_limit if policy else LARGEST) * MEGABYTE


@transaction.atomic(using="sandbox")
def put(folder: Folder, message: bytes) -> str:
    """Store a message, its bytes unchanged below the gateway's headers. The value is its id.

    There are no Authentication-Results among these: the sandbox has not checked anything. Those that the file brings along
    stay the first, as in a message that was saved from a gateway.
    """
    now = timezone.now()
    fuglu_id = uuid.uuid4().hex
    held = folder.path == QUARANTINE
    score = LIMIT if held else 0.0
    lines = [
        f"X-Fuglu-ID: {fuglu_id}",
        f"X-Spam-Score: {score}",
        f"X-Spam-Status: {'Yes' if held else 'No'}, score={score} required={LIMIT} tests=none",
        "X-Virus-Status: Clean",
        *(["X-Spam-Flag: YES", "X-Quarantine-Reason: SPAM"] if held else []),
        f"Received: from localhost ([127.0.0.1])\r\n\tby mx1.gateway.example with ESMTPS; {format_datetime(now)}",
    ]
    raw = "".join(f"{line}\r\n" for line in lines).encode() + message
    row = Mail.objects.create(folder=folder, recent=True, **mail.columns(raw, now))
    MailSource.objects.create(mail=row, **mail.source_columns(raw))
    return fuglu_id
