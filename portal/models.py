"""What is stored of people who sign in: their tries, the secrets that their sessions keep, and how they like it."""

from django.db import models

from portal.stored import LongText, Text


class SignInAttempt(models.Model):
    """A try to sign in, for the rate limits: keyed hashes only, of the address and of the token."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    address = Text(max_length=64, db_index=True)
    token = Text(max_length=64, db_index=True)

    class Meta:
        db_table = "audit_signinattempt"  # where it has always been

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Kept(models.Model):
    """A secret that a session keeps, sealed: it goes with the session's row, or at its end (portal/vault.py).

    No constraint of the database: a store of sessions that is a cache has no rows.
    """

    session = models.ForeignKey("sessions.Session", models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    name = Text(max_length=64)  # a keyed hash
    sealed = LongText()
    ends = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "audit_kept"
        constraints = (models.UniqueConstraint(fields=("session", "name"), name="one_secret_a_name"),)

    def __str__(self) -> str:
        return f"until {self.ends:%Y-%m-%d %H:%M}"


class Preference(models.Model):
    """How an owner likes something (portal/preferences.py)."""

    owner = Text(max_length=64)
    name = Text(max_length=32)
    value = Text(max_length=600)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="one_preference_a_name"),)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
