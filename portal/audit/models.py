"""Who did what, who tried to sign in, and what a session keeps: the first of the two things the portal stores itself."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.stored import LongText, Text


class Result(models.TextChoices):
    """How a write ended. UNKNOWN: it was sent and no answer came, so nobody knows whether it happened."""

    RUNNING = "", _("running")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    UNKNOWN = "unknown", _("unknown")


class Entry(models.Model):
    """One write that a person asked for. Never a token, never a mail's content."""

    at = models.DateTimeField(auto_now_add=True)
    owner = Text(max_length=64)  # keyed hash of the token: whose entry it is
    who = Text(max_length=255)  # the name to show
    operation = Text(max_length=64)  # openapi operationId
    target = Text(max_length=500)  # what it was done to, in words
    url = Text(max_length=2000, blank=True)  # the page of the target
    result = models.CharField(max_length=8, choices=Result.choices, default=Result.RUNNING, blank=True)
    reason = Text(max_length=500, blank=True)  # the gateway's words for a refusal
    request_id = Text(max_length=32, blank=True)
    # One-time key of the form: a second click finds the first one's entry.
    once = Text(max_length=64, null=True, unique=True)
    # What the write acts on: two people must not release one mail at the same moment.
    lock = Text(max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("owner", "-id"), name="entry_owner"),
            models.Index(fields=("lock", "at"), name="entry_lock", condition=~models.Q(lock="")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("lock",),
                condition=models.Q(result="") & ~models.Q(lock=""),
                name="one_write_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.who} {self.operation} {self.result}"


class SignInAttempt(models.Model):
    """A try to sign in, for the rate limits: keyed hashes only, of the address and of the token."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    address = Text(max_length=64, db_index=True)
    token = Text(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Kept(models.Model):
    """A secret that a session keeps, sealed: it goes with the session's row, or at its end (portal/session.py).

    No constraint of the database: a store of sessions that is a cache has no rows.
    """

    session = models.ForeignKey("sessions.Session", models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    name = Text(max_length=64)  # a keyed hash
    sealed = LongText()
    ends = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("session", "name"), name="one_secret_a_name"),)

    def __str__(self) -> str:
        return f"until {self.ends:%Y-%m-%d %H:%M}"
