"""Long work in rows: the second of the two things the portal stores itself. One person's, run with that person's session."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.stored import Text

BY_OPERATION = {"releaseEmail": "release", "runDomainDiagnostic": "check"}  # kinds of batches from before kinds had names


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
    kind = Text(max_length=32, blank=True, db_default="")  # a name in KINDS; "" of the version before (`kind_name`)
    operation = Text(max_length=64)  # openapi operationId of each row's write
    ids = models.JSONField()  # the ids all rows share: {"userIdOrEmail": …, "folderPath": …}, {} for diagnostics
    mailbox = Text(max_length=320, blank=True)  # of releases: the user's address, known once the worker has asked
    user = Text(max_length=1000, blank=True, db_default="")  # of releases: the user's own id, known likewise
    url = Text(max_length=2000)  # the page it was started from
    form = Text(max_length=64, blank=True, db_default="")  # the one-time key of the form it was started with
    # That key and what was asked for with it: a second click finds the first one's batch.
    once = Text(max_length=64, null=True, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING, db_index=True)
    why = Text(max_length=300, blank=True)  # why it stopped by itself: a message to translate when it is shown
    changes = models.PositiveBigIntegerField(db_default=0)  # counted here and in the rows: who watches asks for what is new
    # The worker that runs it renews this, by the database's clock; once it has passed, another worker takes over.
    lease = models.DateTimeField(null=True)
    holder = Text(max_length=32, blank=True)  # which worker's lease it is

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kind_name} {self.pk} ({self.state})"

    @property
    def kind_name(self) -> str:
        return self.kind or BY_OPERATION.get(self.operation, "")


class Row(models.Model):
    """One write of a batch."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(db_default=0)  # its place in the batch
    target = Text(max_length=1000)  # what is written to: an id, or what it is called; several rows may have the same
    payload = models.JSONField(db_default={})  # what is written, where the target alone does not tell
    label = Text(max_length=300, blank=True)  # the target in words, known once it was looked at
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    message = Text(max_length=300, blank=True)  # how it ended: a message to translate when it is shown
    reason = Text(max_length=500, blank=True)  # the gateway's own words
    finished = models.DateTimeField(null=True)
    change = models.PositiveBigIntegerField(db_default=0)  # `changes` of the batch when it last changed
    # Which run has taken it, and until when: a row whose lease has passed was left by a worker that is gone.
    lease = models.DateTimeField(null=True)
    holder = Text(max_length=32, blank=True, db_default="")

    class Meta:
        ordering = ("number", "id")

    def __str__(self) -> str:
        return f"{self.label or self.target} ({self.state})"
