"""Mails that the gateway writes on command (openapi.yaml, tag Tasks). 202 says that a task is valid, not that it is done."""

import logging
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Any, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from sandbox import answers, options
from sandbox.answers import Refusal, Shape
from sandbox.auth import Caller, require
from sandbox.delivery import Undeliverable, deliver
from sandbox.emails import INBOX, QUARANTINE
from sandbox.models import Folder, Mail, User
from sandbox.sending import by_id
from sandbox.tokens import LONGEST, link, require_open, require_service, temporary

log = logging.getLogger(__name__)
HOURS = 24  # that a link is good for, where the task does not say
ANALYSTS = "analysis@gateway.example"  # who gets mail that was judged wrongly
Command = Literal[
    "send_welcome_mail", "send_token_mail", "send_password_reset_mail", "send_spamfight_spam_mail", "send_spamfight_clean_mail",
    "remediate_message",
]
# The parameters of each. Of the last three the contract says nothing: these are the sandbox's own.
PARAMS = {
    "send_welcome_mail": {"recipient"},
    "send_token_mail": {"recipient", "validity"},
    "send_password_reset_mail": {"recipient", "validity"},
    "send_spamfight_spam_mail": {"recipient", "id"},
    "send_spamfight_clean_mail": {"recipient", "id"},
    "remediate_message": {"recipient", "id"},
}


class Task(Shape):
    command: Command
    params: dict[str, Any]


def execute_task(request: HttpRequest, caller: Caller) -> HttpResponse:
    """executeTask"""
    task = answers.sent(request, Task)
    if unknown := sorted(task.params.keys() - PARAMS[task.command]):
        raise Refusal(400, f"Unknown parameters: {', '.join(unknown)[:200]}.", dict.fromkeys(unknown, "unknown"))
    email, hours = task.params.get("recipient"), task.params.get("validity", HOURS)
    if not isinstance(email, str):
        raise Refusal(400, "recipient is required, as an address.", {"recipient": "required"})
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= LONGEST:
        raise Refusal(400, f"validity is a number of hours from 1 to {LONGEST}.", {"validity": "not a number in range"})
    user = User.objects.select_related("domain__customer", "domain__policy", "policy").filter(email=email.lower()).first()
    if user is None or not caller.on_mailbox(user):
        raise Refusal(422, "There may be no such user.", {"recipient": "no such user"})
    match task.command:
        case "send_welcome_mail":
            require_link(caller, user)
            welcome(user)
        case "send_token_mail":
            require_link(caller, user, require_service)
            send_link(user, "Your link to sign in", "With this link you sign in without a password", hours)
        case "send_password_reset_mail":
            require_link(caller, user)
            send_link(user, "Choose a new password", "With this link you sign in and choose a new password", hours)
        case "remediate_message":
            take_back(caller, user, task.params.get("id"))
        case _:
            report(caller, user, task.params.get("id"), task.command.split("_")[2])
    return HttpResponse(status=202)


def require_link(caller: Caller, user: User, *conditions: Callable[[User], None]) -> None:
    """Asked for by the user itself, or by who may change it: in any case the link goes to the user only. And it must work.

    422 where `GET /token` answers 400: a condition is not met, the parameters are good.
    """
    if not caller.owns(user):
        require(caller.on_mailbox(user), "USER_EDIT")
    try:
        for condition in (require_open, *conditions):
            condition(user)
    except Refusal as refusal:
        raise Refusal(422, refusal.message, {"recipient": "a link would not let in"}) from None


def welcome(user: User) -> None:
    """Tell a new user of the service, with a link to choose a password with."""
    send_link(user, "Welcome", "Your mail is protected from now on. With this link you sign in and choose a password", HOURS * 7)


def send_link(user: User, subject: str, text: str, hours: int) -> None:
    """A mail with a way in."""
    with transaction.atomic(using="sandbox"):
        secret, _ = temporary(user, hours)
    name = f"{user.firstname} {user.lastname}".strip() or user.email
    send(user, user.email, subject, f"Hello {name}\n\n{text}. It is good for {hours} hours.\n\n{link(user, secret)}\n")


def send(user: User, to: str, subject: str, text: str, file: bytes = b"") -> None:
    """Hand a mail over, on behalf of the gateway. That it failed is for the log: the task was valid."""
    message = EmailMessage(policy=SMTP)
    message["From"] = options.effective("DOMAIN_ADMIN", user)
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = make_msgid(domain="gateway.example")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    if file:
        message.add_attachment(file, maintype="application", subtype="octet-stream", filename="message.eml")
    try:
        deliver(message.as_bytes(), options.effective("DOMAIN_ADMIN", user), [to])
    except Undeliverable as problem:
        log.warning("A task's mail was not delivered: %s", problem)


def report(caller: Caller, user: User, mail_id: Any, kind: str) -> None:
    """Send a mail to those who look at wrong verdicts: it is spam, or clean, after all."""
    row = mail_for(caller, user, mail_id)
    send(user, ANALYSTS, f"Reported as {kind}", f"{user.email} reports this mail as {kind}.\n", bytes(row.source.raw))


@transaction.atomic(using="sandbox")
def take_back(caller: Caller, user: User, mail_id: Any) -> None:
    """Take a mail out of the inbox again, into the quarantine."""
    row = mail_for(caller, user, mail_id)
    folder, _ = Folder.objects.get_or_create(user=user, path=QUARANTINE)
    Mail.objects.filter(pk=row.pk, folder__path=INBOX).update(folder=folder)


def mail_for(caller: Caller, user: User, mail_id: Any) -> Mail:
    require(caller.on_mailbox(user), "MAIL_RELEASE")
    row = Mail.objects.filter(by_id(mail_id), folder__user=user).order_by("pk").first() if isinstance(mail_id, str) else None
    if row is None:
        raise Refusal(422, "There may be no such mail.", {"id": "no such mail"})
    return row
