"""Who owns domains, the domains, and what belongs to them."""

from typing import ClassVar

from django.db import models

from sandbox.models.base import Identified, Language


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
    domain_quota = models.PositiveIntegerField(null=True)  # null: as many domains as they like

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
    purge_date = models.DateTimeField(null=True, db_index=True)

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


class DkimKey(models.Model):
    """The key pair that signs a domain's mail. The public half follows from the private one."""

    domain = models.OneToOneField(Domain, models.CASCADE, primary_key=True, related_name="dkim")
    selector = models.CharField(max_length=63)
    private_key = models.TextField()  # PEM
    public_key = models.TextField()  # as DNS has it: the DER in Base64

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


class Health(models.Model):
    """EntityHealth: the last diagnostic of a domain or of a relay."""

    domain = models.OneToOneField(Domain, models.CASCADE, null=True, related_name="health")
    platform = models.OneToOneField(Platform, models.CASCADE, null=True, related_name="health")
    performed_at = models.DateTimeField()
    ok = models.BooleanField()
    entries = models.JSONField()

    def __str__(self) -> str:
        return f"health of {self.domain or self.platform}"
