"""Long work in rows: the second of the two things the portal stores itself. One person's, run with that person's session."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.stored import Text


class State(models.TextChoices):
    """Of a batch and of a row. UNKNOWN: the worker died, or no answer came; nobody knows whether it happened."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    UNKNOWN = "unknown", _("unknown, check")
    STOPPED = "stopped", _("stopped")


class Batch(models.Model):
    """One piece of long work: WAITING for a worker, RUNNING, STOPPED by the person or for want of a session, DONE."""

    created = models.DateTimeField(auto_now_add=True)
    owner = Text(max_length=64, db_index=True)  # a keyed hash of who the person is
    who = Text(max_length=255)
    session_key = Text(max_length=64)  # whose session it runs with; the token stays there, sealed
    operation = Text(max_length=64)  # openapi operationId
    ids = models.JSONField()  # the ids all rows share: {"userIdOrEmail": …, "folderPath": …}, {} for diagnostics
    mailbox = Text(max_length=320, blank=True)  # of releases: the user's address, known once the worker has asked
    user = Text(max_length=1000, blank=True, db_default="")  # of releases: the user's own id, known likewise
    url = Text(max_length=2000)  # the page it was started from
    form = Text(max_length=64, blank=True, db_default="")  # the one-time key of the form it was started with
    # That key and what was asked for with it: a second click finds the first one's batch.
    once = Text(max_length=64, null=True, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING, db_index=True)
    why = Text(max_length=300, blank=True)  # why it stopped by itself: a message to translate when it is shown
    # The worker that runs it renews this; once it has passed, another worker takes over.
    lease = models.DateTimeField(null=True)
    holder = Text(max_length=32, blank=True)  # which worker's lease it is

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.operation} {self.pk} ({self.state})"


class Row(models.Model):
    """One write of a batch."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="rows")
    target = Text(max_length=1000)  # the id that differs from row to row
    label = Text(max_length=300, blank=True)  # the target in words, known once it was looked at
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    message = Text(max_length=300, blank=True)  # how it ended: a message to translate when it is shown
    reason = Text(max_length=500, blank=True)  # the gateway's own words
    finished = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("batch", "target"), name="one_row_per_target"),)

    def __str__(self) -> str:
        return f"{self.label or self.target} ({self.state})"
