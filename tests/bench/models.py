"""The model that Django's admin lists: a user of the gateway, as a table of one's own."""

from django.db import models


class User(models.Model):
    """The eight columns of the list, and nothing else."""

    email = models.CharField(max_length=200)
    firstname = models.CharField(max_length=200)
    lastname = models.CharField(max_length=200)
    status = models.CharField(max_length=20, choices=[("ENABLED", "Enabled"), ("DISABLED", "Disabled")])
    language = models.CharField(max_length=5)
    policy = models.CharField(max_length=200)
    created = models.DateTimeField()
    seen = models.DateTimeField(null=True)

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.email
