"""Who did what."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.stored import Text


class Result(models.TextChoices):
    """How a write ended. UNKNOWN: it was sent and no answer came, so nobody knows whether it happened."""

    RUNNING = "", _("running")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    UNKNOWN = "unknown", _("unknown")


class Entry(models.Model):
    """One write that a person asked for. Never a token, never a mail's content."""

    at = models.DateTimeField(auto_now_add=True)
    owner = Text(max_length=64)  # a keyed hash of who the person is (portal/session.py): whose entry it is
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
