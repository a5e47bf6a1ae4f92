"""Folders, the mail in them, and files that wait to be sent."""

from typing import ClassVar

from django.db import models

from sandbox.models.people import Account, User


class Folder(models.Model):
    """A mailbox folder. Its path, which slashes divide, is its id in the API."""

    user = models.ForeignKey(User, models.CASCADE, related_name="folders")
    path = models.CharField(max_length=500)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "path"], name="one_folder_of_a_path")]

    def __str__(self) -> str:
        return self.path


class Mail(models.Model):
    """A stored message as listings show it: everything here was read from its source when it came in (sandbox/mail.py).

    Several recipients stand one a line, so that a search is one plain comparison.
    """

    folder = models.ForeignKey(Folder, models.CASCADE, related_name="mails")
    fuglu_id = models.CharField(max_length=200)
    message_id = models.TextField()  # without its angle brackets
    received_date = models.DateTimeField()
    sent_date = models.DateTimeField()
    subject = models.TextField()
    sender = models.TextField()
    to = models.TextField()
    cc = models.TextField()
    bcc = models.TextField()
    headers = models.JSONField()
    attachments = models.JSONField()
    # What a search compares: the same texts with case folded, and both ids.
    find_from = models.TextField(default="")
    find_to = models.TextField(default="")
    find_cc = models.TextField(default="")
    find_subject = models.TextField(default="")
    find_id = models.TextField(default="")
    size = models.PositiveBigIntegerField()
    infected = models.BooleanField()
    important = models.BooleanField()
    seen = models.BooleanField(default=False)
    answered = models.BooleanField(default=False)
    recent = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["folder", "sent_date"], name="mail_by_date"),
            models.Index(fields=["folder", "fuglu_id"], name="mail_by_fuglu_id"),
            models.Index(fields=["folder", "message_id"], name="mail_by_message_id"),
            # All that a search wants to know, side by side: it reads no row but those that it shows.
            models.Index(
                fields=[
                    "folder", "sent_date", "received_date", "find_from", "find_to", "find_cc", "find_subject", "find_id",
                ],
                name="mail_by_search",
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class MailSource(models.Model):
    """The message itself, and the text to show and to search, kept apart: megabytes that no listing may load."""

    mail = models.OneToOneField(Mail, models.CASCADE, primary_key=True, related_name="source")
    raw = models.BinaryField()
    content = models.TextField()
    find_body = models.TextField(default="")  # the content with case folded

    def __str__(self) -> str:
        return f"source of {self.mail_id}"


class Upload(models.Model):
    """AttachmentFile: a file that waits for the mail it belongs to."""

    uid = models.CharField(max_length=32, primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    data = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
