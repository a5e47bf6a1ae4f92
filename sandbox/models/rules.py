"""Rules of domains and mailboxes, and the values that options have."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from sandbox.models.base import Identified
from sandbox.models.domains import Domain
from sandbox.models.people import User


class SenderRule(Identified):
    """FilterSender: a rule of one domain or of one mailbox on a sender. `value` is in lower case."""

    class Type(models.TextChoices):
        ALLOW = "ALLOW"
        BLOCK = "BLOCK"
        PROTECTED = "PROTECTED"

    domain = models.ForeignKey(Domain, models.CASCADE, null=True, related_name="sender_rules")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sender_rules")
    value = models.CharField(max_length=320)
    type = models.CharField(max_length=9, choices=Type.choices)
    created_date = models.DateTimeField()
    expire_at = models.DateTimeField(null=True)
    description = models.TextField(null=True)  # noqa: DJ001
    spf_on = models.BooleanField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(domain__isnull=True, user__isnull=False) | Q(domain__isnull=False, user__isnull=True),
                name="a_rule_has_one_owner",
            ),
            models.UniqueConstraint(fields=["domain", "value", "type"], name="one_rule_of_a_kind_per_domain"),
            models.UniqueConstraint(fields=["user", "value", "type"], name="one_rule_of_a_kind_per_user"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["domain", "value"], name="rule_by_value"),
            models.Index(fields=["domain", "type"], name="rule_by_type"),
            models.Index(fields=["domain", "created_date"], name="rule_by_creation"),
            models.Index(fields=["domain", "expire_at"], name="rule_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.value}"


class ContentRule(Identified):
    """What a rule on files and a rule on links have in common. `priority` is the rank in the domain, the first is 1."""

    action = models.CharField(max_length=20)
    filter = models.CharField(max_length=1000)
    priority = models.PositiveIntegerField()
    description = models.TextField(null=True)  # noqa: DJ001
    created_date = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.action} {self.filter}"


class AttachmentRule(ContentRule):
    """FilterAttachment: a rule of a domain on files."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="attachment_rules")
    check_type = models.CharField(max_length=20)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "action", "check_type", "filter"], name="one_attachment_rule_of_a_kind"),
        ]


class UriRule(ContentRule):
    """FilterUriBl: a rule of a domain on links."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="uri_rules")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "action", "filter"], name="one_uri_rule_of_a_kind"),
        ]


class OptionValue(models.Model):
    """What one scope sets an option to. The options themselves are in sandbox/options.py."""

    class Scope(models.TextChoices):
        PLATFORM = "PLATFORM"  # its key is empty
        URL = "URL"  # the host name of an application's address
        CUSTOMER = "CUSTOMER"
        DOMAIN = "DOMAIN"
        USER = "USER"

    scope = models.CharField(max_length=8, choices=Scope.choices)
    key = models.CharField(max_length=253, blank=True)  # the primary key of the object, or the host name
    name = models.CharField(max_length=100)
    value = models.TextField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key", "name"], name="one_value_of_an_option")]

    def __str__(self) -> str:
        return f"{self.name} of {self.scope} {self.key}"
