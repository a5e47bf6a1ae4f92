"""What the embedded gateway stores. Names are the API's own, in Python's spelling (creationDate -> creation_date)."""

import string
from typing import ClassVar
from zlib import crc32

from django.db import models
from django.db.models import Q

ALPHABET = string.digits + string.ascii_letters
ID_LENGTH = 5
IDS: int = len(ALPHABET) ** ID_LENGTH  # 916 million for each table
SPREAD = 498_274_711  # odd and no multiple of 31, so it has no common factor with 62 ** 5 and no two keys share an id
UNSPREAD: int = pow(SPREAD, -1, IDS)


class Identified(models.Model):
    """A row with an id of the API's kind, "ByE3n": its primary key in disguise, so nothing has to be stored or kept unique.

    Every table has its own disguise. An id sent to the wrong place is then an unknown one, and not some other object.
    """

    class Meta:
        abstract = True

    @property
    def uid(self) -> str:
        """The id that the API shows."""
        return self.uid_of(self.pk)

    @classmethod
    def uid_of(cls, key: int) -> str:
        """The id of the row with this primary key."""
        number = (key * SPREAD + crc32(cls.__name__.encode())) % IDS
        text = ""
        while len(text) < ID_LENGTH:
            number, digit = divmod(number, len(ALPHABET))
            text += ALPHABET[digit]
        return text

    @classmethod
    def key(cls, uid: str) -> int:
        """The primary key behind an id; 0, which no row has, for a text that cannot be one."""
        if len(uid) != ID_LENGTH or not set(uid) <= set(ALPHABET):
            return 0
        number = 0
        for letter in reversed(uid):
            number = number * len(ALPHABET) + ALPHABET.index(letter)
        return (number - crc32(cls.__name__.encode())) * UNSPREAD % IDS


class Language(models.TextChoices):
    FR = "FR"
    EN = "EN"
    DE = "DE"
    ES = "ES"
    DA = "DA"
    NB = "NB"


class Broker(Identified):
    """Who sells the service to customers. The API shows its id only."""

    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class Customer(Identified):
    """CustomerDTO: who owns domains."""

    broker = models.ForeignKey(Broker, models.CASCADE, related_name="customers")
    name = models.CharField(max_length=200)
    description = models.TextField(null=True)  # noqa: DJ001 - the API tells null from empty
    external_id = models.CharField(max_length=200, null=True)  # noqa: DJ001
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class OutgoingProvider(Identified):
    """A service allowed to send for a domain."""

    name = models.CharField(max_length=200)
    spf_provider = models.CharField(max_length=255)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


def users_access() -> list[str]:
    """What the users of a new domain may do with their own mailbox."""
    return ["MAIL_VIEW", "MAIL_RELEASE", "RULE_VIEW", "RULE_EDIT"]


class Domain(Identified):
    """A protected mail domain. Its name is in lower case, and in ASCII (`xn--`) as mail servers speak it."""

    class Status(models.TextChoices):
        ENABLED = "ENABLED"
        DISABLED = "DISABLED"
        DELETED = "DELETED"
        PENDING = "PENDING"

    class Priority(models.TextChoices):
        DOMAIN = "DOMAIN"
        USER = "USER"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="domains")
    name = models.CharField(max_length=253, unique=True)
    description = models.TextField(null=True)  # noqa: DJ001
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ENABLED)
    wblist_priority = models.CharField(max_length=6, choices=Priority.choices, default=Priority.USER)
    default_language = models.CharField(max_length=2, choices=Language.choices, default=Language.EN)
    auto_provisioning_on = models.BooleanField(default=False)
    sender_verify_on = models.BooleanField(default=True)
    external_id = models.CharField(max_length=200, null=True)  # noqa: DJ001
    # Null only between the making of a domain and that of its first policy, which points back at it.
    policy = models.ForeignKey("Policy", models.SET_NULL, null=True, related_name="+")
    outgoing_subnets = models.JSONField(default=list)
    outgoing_providers = models.ManyToManyField(OutgoingProvider, related_name="domains")
    users_access = models.JSONField(default=users_access)
    creation_date = models.DateTimeField()
    deletion_date = models.DateTimeField(null=True)
    purge_date = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class DomainAlias(Identified):
    """Another name of a domain."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=253, unique=True)

    def __str__(self) -> str:
        return self.name


class Policy(Identified):
    """A set of mail services and their settings. The settings are stored as the API spells them."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="policies")
    name = models.CharField(max_length=200)
    quarantine = models.BooleanField()
    retention = models.BooleanField()
    archive = models.BooleanField()
    incoming = models.BooleanField()
    outgoing = models.BooleanField()
    mail_size_limit = models.PositiveIntegerField(default=21)
    spam_score = models.FloatField(default=5.0)
    relay_props = models.JSONField(default=dict)
    quarantine_props = models.JSONField(null=True)
    retention_props = models.JSONField(null=True)
    archive_props = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["domain", "name"], name="one_policy_of_a_name")]

    def __str__(self) -> str:
        return self.name


class Platform(Identified):
    """PlatformDTO: a mail server behind a domain, where clean mail is delivered."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="platforms")
    name = models.CharField(max_length=200)
    transport_dest = models.CharField(max_length=255)
    transport_type = models.CharField(max_length=20, default="SMTP")
    transport_port = models.PositiveIntegerField(default=25)
    fallback_transport_dest = models.CharField(max_length=255, null=True)  # noqa: DJ001
    fallback_transport_type = models.CharField(max_length=20, null=True)  # noqa: DJ001
    fallback_transport_port = models.PositiveIntegerField(null=True)
    api_type = models.CharField(max_length=20, null=True)  # noqa: DJ001
    api_data = models.JSONField(null=True)
    auth_type = models.CharField(max_length=20, default="local")
    auth_data = models.JSONField(null=True)
    default = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class User(Identified):
    """A mailbox account. Its address is in lower case."""

    class Status(models.TextChoices):
        ENABLED = "ENABLED"
        DISABLED = "DISABLED"
        PENDING = "PENDING"

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="users")
    email = models.CharField(max_length=320, unique=True)
    firstname = models.CharField(max_length=200, blank=True)
    lastname = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ENABLED)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.EN)
    policy = models.ForeignKey(Policy, models.SET_NULL, null=True, related_name="users")  # null: the domain's
    platform = models.ForeignKey(Platform, models.SET_NULL, null=True, related_name="users")  # null: the domain's
    sender_verify_on = models.BooleanField(default=True)
    mfa_type = models.CharField(max_length=4, null=True)  # noqa: DJ001
    creation_date = models.DateTimeField()
    last_connection_date = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.email


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

    def __str__(self) -> str:
        return f"{self.type} {self.value}"


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
        ]

    def __str__(self) -> str:
        return self.subject


class MailSource(models.Model):
    """The message itself, and the text to show and search, kept apart: megabytes that no listing may load."""

    mail = models.OneToOneField(Mail, models.CASCADE, primary_key=True, related_name="source")
    raw = models.BinaryField()
    content = models.TextField()

    def __str__(self) -> str:
        return f"source of {self.mail_id}"


class Account(Identified):
    """Somebody who may call the API. With `user` it is the owner of that mailbox."""

    login = models.CharField(max_length=320, unique=True)
    user = models.OneToOneField(User, models.CASCADE, null=True, related_name="account")
    enabled = models.BooleanField(default=True)
    sysadmin = models.BooleanField(default=False)

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

    def __str__(self) -> str:
        return self.name
