"""Where mail goes that leaves the sandbox: to the configured relay, or into a Maildir on disk."""

import smtplib
from collections.abc import Sequence
from mailbox import Maildir

from django.conf import settings

from sandbox.dns import host_and_port


class Undeliverable(Exception):
    """The mail could not be handed over; nobody has got it."""


def deliver(raw: bytes, sender: str, recipients: Sequence[str]) -> None:
    """Hand a message over to all of its recipients, or raise Undeliverable."""
    try:
        if settings.SANDBOX_SMTP:
            host, port = host_and_port(settings.SANDBOX_SMTP, 25)
            with smtplib.SMTP(host, port, local_hostname="gateway.example", timeout=settings.SANDBOX_TIMEOUT) as relay:
                refused = relay.sendmail(sender, list(recipients), raw)
            if refused:
                raise Undeliverable(f"The relay refused {', '.join(refused)}.")
        else:
            folder = Maildir(settings.SANDBOX_MAIL_DIR)
            for recipient in recipients:
                # The envelope on top, as a mail server writes it that puts mail into a folder.
                folder.add(f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode() + raw)
    except (OSError, smtplib.SMTPException, UnicodeError) as problem:
        raise Undeliverable(f"The mail could not be handed over: {type(problem).__name__}.") from problem
