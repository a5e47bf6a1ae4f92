"""Mailbox accounts, the groups that distribute to them, and the accounts that may call the API."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from sandbox.models.base import Identified, Language
from sandbox.models.domains import Broker, Customer, Domain, Platform, Policy


class User(Identified):
    """A mailbox account. Its address is in lower case."""

    class Status(models.TextChoices):
        ENABLED = "ENABLED"
        DISABLED = "DISABLED"
        PENDING = "PENDING"

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="users")
    # The domain's, once more: who may see a broker's or a customer's users is told by one comparison in an index.
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    broker = models.ForeignKey(Broker, models.CASCADE, related_name="+")
    email = models.CharField(max_length=320, unique=True)
    firstname = models.CharField(max_length=200, blank=True)
    lastname = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ENABLED)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.EN)
    policy = models.ForeignKey(Policy, models.SET_NULL, null=True, related_name="users")  # null: the domain's
    platform = models.ForeignKey(Platform, models.SET_NULL, null=True, related_name="users")  # null: the domain's
    sender_verify_on = models.BooleanField(default=True)
    mfa_type = models.CharField(max_length=4, null=True)  # noqa: DJ001
    signature = models.TextField(default="", blank=True)  # HTML
    creation_date = models.DateTimeField()
    last_connection_date = models.DateTimeField(null=True)

    class Meta:
        # One for each key of a list, of all users and of those below one object: in order, so that no skipped row is read.
        # That of all has what tells whose a user is, for those who hold rights on several objects.
        indexes: ClassVar = [
            models.Index(fields=[*scope, column, *whose], name="_".join(("user", *scope, "by", name)))
            for name, column in {
                "email": "email", "first": "firstname", "last": "lastname", "status": "status", "language": "language",
                "creation": "creation_date", "connection": "last_connection_date",
            }.items()
            for scope, whose in (
                ((), ("id", "domain", "customer", "broker")), (("domain",), ()), (("customer",), ()), (("broker",), ()),
            )
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kw: Any) -> None:
        self.customer_id, self.broker_id = self.domain.customer_id, self.domain.customer.broker_id
        super().save(*args, **kw)


class Account(Identified):
    """Somebody who may call the API. With `user` it is the owner of that mailbox."""

    login = models.CharField(max_length=320, unique=True)
    user = models.OneToOneField(User, models.CASCADE, null=True, related_name="account")
    enabled = models.BooleanField(default=True)
    sysadmin = models.BooleanField(default=False)
    display_name = models.CharField(max_length=200, default="", blank=True)
    email = models.CharField(max_length=320, default="", blank=True)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.EN)
    totp = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.login


class Grant(models.Model):
    """Permissions of an account on one object, and so on everything below it."""

    class Scope(models.TextChoices):
        PLATFORM = "PLATFORM"  # the whole gateway; its scope_id is 0
        BROKER = "BROKER"
        CUSTOMER = "CUSTOMER"
        DOMAIN = "DOMAIN"

    account = models.ForeignKey(Account, models.CASCADE, related_name="grants")
    scope_type = models.CharField(max_length=8, choices=Scope.choices)
    scope_id = models.PositiveBigIntegerField(default=0)  # the primary key of the object
    permissions = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "scope_type", "scope_id"], name="one_grant_per_object"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} on {self.scope_type} {self.scope_id}"


class Token(Identified):
    """PersonalToken: a way in. Only the SHA-256 of the secret is kept."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expiration = models.DateTimeField(null=True)
    last_use = models.DateTimeField(null=True)
    temporary = models.BooleanField(default=False)  # made for a link in a mail, and in no list

    def __str__(self) -> str:
        return self.name


class EmailAlias(Identified):
    """EmailAlias, a group: an address that distributes to others. Addresses are in lower case."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="groups")
    email = models.CharField(max_length=320, unique=True)

    def __str__(self) -> str:
        return self.email


class EmailAliasRecipient(Identified):
    """One address of a group. What kind it is, an account, a group or a stranger, follows from who has the address."""

    group = models.ForeignKey(EmailAlias, models.CASCADE, related_name="recipients")
    email = models.CharField(max_length=320, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["group", "email"], name="one_recipient_of_an_address")]

    def __str__(self) -> str:
        return self.email
