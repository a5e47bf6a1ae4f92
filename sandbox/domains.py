"""Domains (openapi.yaml, tag Domains; their options and accesses have rooms of their own)."""

from datetime import timedelta
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from sandbox import answers, dns
from sandbox.aliases import checked, refuse_taken
from sandbox.answers import Id, LanguageName, Name, Refusal, Shape, Text, given, maybe_millis, millis
from sandbox.auth import Caller, domain_for, domain_for_sysadmin, sysadmin_only
from sandbox.models import Broker, Customer, Domain, DomainAlias, OutgoingProvider, Platform, Policy, User
from sandbox.platforms import PlatformBody, platform_json, write_platforms
from sandbox.policies import PROPS, new_policy, policy_json, set_service

KEPT = timedelta(days=30)  # how long a deleted domain can be had back
STOPPED = (Domain.Status.DELETED, Domain.Status.DISABLED)
Status = Literal["ENABLED", "DISABLED", "DELETED", "PENDING"]
Priority = Literal["DOMAIN", "USER"]
Reference = Annotated[str, Meta(max_length=200)]  # one that is taken away is ""
Subnets = Annotated[list[str], Meta(max_length=1000)]
Ids = Annotated[list[Id], Meta(max_length=1000)]
Platforms = Annotated[list[PlatformBody], Meta(max_length=100)]
# The columns that a body sets as they are.
OWN = {"description", "status", "wblist_priority", "auto_provisioning_on", "sender_verify_on", "external_id", "outgoing_subnets"}


class DomainAdd(Shape):
    name: Name
    status: Status
    quarantine: bool
    retention: bool
    archive: bool
    default_language: LanguageName
    description: Text | UnsetType | None = UNSET
    wblist_priority: Priority | UnsetType = UNSET
    incoming: bool | UnsetType = UNSET
    outgoing: bool | UnsetType = UNSET
    auto_provisioning_on: bool | UnsetType = UNSET
    sender_verify_on: bool | UnsetType = UNSET
    customer_id: Id | UnsetType = UNSET
    external_id: Reference | UnsetType | None = UNSET
    outgoing_subnets: Subnets | UnsetType = UNSET
    outgoing_providers_ids: Ids | UnsetType = UNSET
    platforms: Platforms | UnsetType = UNSET


class DomainUpdate(Shape):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    wblist_priority: Priority | UnsetType = UNSET
    quarantine: bool | UnsetType = UNSET
    retention: bool | UnsetType = UNSET
    archive: bool | UnsetType = UNSET
    default_language: LanguageName | UnsetType = UNSET
    auto_provisioning_on: bool | UnsetType = UNSET
    sender_verify_on: bool | UnsetType = UNSET
    customer_id: Id | UnsetType = UNSET
    policy_id: Id | UnsetType = UNSET
    external_id: Reference | UnsetType | None = UNSET
    outgoing_subnets: Subnets | UnsetType = UNSET
    outgoing_providers_ids: Ids | UnsetType = UNSET
    platforms: Platforms | UnsetType = UNSET


SORT = {
    "id": "pk", "name": "name", "description": "description", "status": "status", "externalId": "external_id",
    "defaultLanguage": "default_language", "creationDate": "creation_date", "deletionDate": "deletion_date",
}
FILTERS = {
    "name": answers.text("name", lower_case=True),
    "status": answers.text("status"),
    "customerId": lambda uid: Q(customer=Customer.key(uid)),
    "externalId": answers.text("external_id"),
    "platformId": lambda uid: Q(pk__in=Platform.objects.filter(pk=Platform.key(uid)).values("domain")),
    "platformName": lambda name: Q(pk__in=Platform.objects.filter(answers.text("name")(name)).values("domain")),
}


def list_domains(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """listDomains: without those that the caller may not see."""
    rows = complete(Domain.objects.filter(caller.reach("DOMAIN_VIEW")))
    return answers.listing(request, rows, domain_json, sort=SORT, default="name", filters=FILTERS)


def get_domain(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """getDomain"""
    domain = domain_for(caller, domain_id, "DOMAIN_VIEW")
    return answers.json(domain_json(complete(Domain.objects.filter(pk=domain.pk)).get()))


@transaction.atomic(using="sandbox")
def create_domain(request: HttpRequest, caller: Caller) -> HttpResponse:
    """createDomain: with its default policy, made from the service flags."""
    sysadmin_only(caller)
    body = answers.sent(request, DomainAdd)
    name = checked(body.name)
    refuse_taken(name)
    customer = customer_of(body.customer_id)
    if customer.domain_quota is not None and customer.domains.count() >= customer.domain_quota:
        raise Refusal(403, f"The customer has used up its quota of {customer.domain_quota} domains.")
    if body.status == Domain.Status.DELETED:
        raise Refusal(422, "A domain cannot start as deleted.", {"status": "not for a new domain"})
    now = timezone.now()
    domain = Domain(customer=customer, name=name, creation_date=now)
    write(domain, given(body))
    domain.save()
    write_relations(domain, given(body))
    policy = new_policy(domain)
    policy.name = f"Policy-{name}"
    policy.incoming = body.incoming if isinstance(body.incoming, bool) else True
    policy.outgoing = body.outgoing is True
    for service in PROPS:
        set_service(policy, service, getattr(body, service))
    policy.save()
    domain.policy = policy
    domain.save()
    made = complete(Domain.objects.filter(pk=domain.pk)).get()
    return answers.json(domain_json(made), status=201, headers={"Location": f"/domains/{domain.uid}"})


def edit_domain(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """editDomain: what is sent, and nothing else. A status undoes a deletion, before the domain is purged."""
    domain = domain_for(caller, domain_id, "DOMAIN_EDIT")
    body = answers.sent(request, DomainUpdate)
    changes = given(body)
    status = changes.get("status", domain.status)
    deleted = Domain.Status.DELETED
    if changes.keys() & {"customer_id", *PROPS} or (status != domain.status and deleted in (status, domain.status)):
        sysadmin_only(caller)  # as for the operations that do just this
    if status != domain.status and status in STOPPED:
        refuse_live_mx(request, domain)
    with transaction.atomic(using="sandbox"):
        domain = Domain.objects.select_for_update().select_related("policy").get(pk=domain.pk)
        if "name" in changes:
            rename(domain, checked(changes["name"]))
        if "customer_id" in changes:
            domain.customer = customer_of(changes["customer_id"])
            domain.users.update(customer=domain.customer, broker=domain.customer.broker_id)
        if "policy_id" in changes:
            domain.policy = policy_of(domain, changes["policy_id"])
        if domain.policy:
            for service in changes.keys() & PROPS.keys():
                set_service(domain.policy, service, changes[service])
            domain.policy.save()
        if status == deleted and domain.status != deleted:
            domain.deletion_date = timezone.now()
            domain.purge_date = domain.deletion_date + KEPT
        elif status != deleted:
            domain.deletion_date = domain.purge_date = None
        write(domain, changes)
        domain.save()
        write_relations(domain, changes)
    return answers.no_content()


def delete_domain(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """deleteDomain: it is marked, its services stop, and it vanishes when its purge date comes."""
    domain = domain_for_sysadmin(caller, domain_id)
    if domain.status != Domain.Status.DELETED:
        refuse_live_mx(request, domain)
        now = timezone.now()
        Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.DELETED, deletion_date=now, purge_date=now + KEPT)
    return answers.no_content()


def purge() -> None:
    """Remove the domains whose time has come. Done before each answer, so that nobody sees one of them again."""
    due = Domain.objects.filter(purge_date__lte=timezone.now())
    if due.exists():
        due.delete()


def refuse_live_mx(request: HttpRequest, domain: Domain) -> None:
    """422 where mail for a domain still comes here, and would be lost. What DNS does not tell, nobody is held up for."""
    if "X-Ignore-MX" not in request.headers and dns.points_here(domain.name):
        raise Refusal(422, "The domain's MX records still point to this gateway.", {"status": "mail still comes here"})


def rename(domain: Domain, name: str) -> None:
    """Give a domain another name. Addresses are made of it, so only a domain without any can change it."""
    if name == domain.name:
        return
    if Domain.objects.filter(name=name).exists() or DomainAlias.objects.filter(name=name).exists():
        raise Refusal(422, "An alias or a domain may already exist with the given name.", {"name": "already there"})
    if domain.users.exists() or domain.groups.exists():
        raise Refusal(422, "A domain with users or groups keeps its name.", {"name": "in use in addresses"})
    domain.name = name


def write(domain: Domain, changes: dict[str, Any]) -> None:
    """The columns that are a domain's own."""
    for name in OWN & changes.keys():
        setattr(domain, name, changes[name])
    if "default_language" in changes:
        domain.default_language = changes["default_language"].upper()
    for subnet in changes.get("outgoing_subnets", ()):
        try:
            IPv4Network(subnet if "/" in subnet else "no prefix", strict=False)  # "required format: a.b.c.d/y" (r:6026)
        except ValueError:
            raise Refusal(400, f"Not a network: {subnet[:50]}.", {"outgoingSubnets": "not a.b.c.d/y"}) from None


def write_relations(domain: Domain, changes: dict[str, Any]) -> None:
    """Outgoing providers and relays, which need a domain that is stored."""
    if "outgoing_providers_ids" in changes:
        wanted = {OutgoingProvider.key(str(uid)) for uid in changes["outgoing_providers_ids"]}
        found = OutgoingProvider.objects.filter(pk__in=wanted)
        if len(found) < len(wanted):
            raise Refusal(422, "There is no such outgoing provider.", {"outgoingProvidersIds": "no such provider"})
        domain.outgoing_providers.set(found)
    if "platforms" in changes:
        write_platforms(domain, changes["platforms"])


def customer_of(uid: Any) -> Customer:
    """The customer of this id; the only one where none is named."""
    found = Customer.objects.all()[:2] if uid is UNSET else Customer.objects.filter(pk=Customer.key(str(uid)))
    if len(found) != 1:
        raise Refusal(422, "The customer may not exist.", {"customerId": "no such customer"})
    return found[0]


def policy_of(domain: Domain, uid: Any) -> Policy:
    """A policy of the domain; 422 for any other."""
    found = domain.policies.filter(pk=Policy.key(str(uid))).first()
    if found is None:
        raise Refusal(422, "The domain has no such policy.", {"policyId": "no policy of this domain"})
    return found


def complete(rows: QuerySet[Domain]) -> QuerySet[Domain]:
    """Domains with everything their JSON shows, in a fixed number of queries."""
    # A count of its own for each row shown: a join would count the users of every domain before the page is cut out.
    active = User.objects.filter(domain=OuterRef("pk"), status=User.Status.ENABLED).order_by().values("domain")
    count = Subquery(active.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
    rows = rows.annotate(active_users=Coalesce(count, 0)).select_related("customer", "policy")
    return rows.prefetch_related("policies", "aliases", "platforms", "outgoing_providers")


def domain_json(domain: Domain) -> dict[str, Any]:
    """Domain"""
    policies = domain.policies.all()
    customer = domain.customer
    return {
        "id": domain.uid,
        "name": domain.name,
        "description": domain.description,
        "status": domain.status,
        "wblistPriority": domain.wblist_priority,
        "defaultLanguage": domain.default_language,
        "autoProvisioningOn": domain.auto_provisioning_on,
        "senderVerifyOn": domain.sender_verify_on,
        "externalId": domain.external_id,
        "policy": policy_json(domain.policy) if domain.policy else None,
        "domainAliases": [{"id": alias.uid, "name": alias.name} for alias in domain.aliases.all()],
        "activeUsersCount": domain.active_users,  # type: ignore[attr-defined]
        "policiesCount": len(policies),
        "quarantine": any(policy.quarantine for policy in policies),
        "retention": any(policy.retention for policy in policies),
        "archive": any(policy.archive for policy in policies),
        "incoming": any(policy.incoming for policy in policies),
        "outgoingSubnets": domain.outgoing_subnets,
        "creationDate": millis(domain.creation_date),
        "deletionDate": maybe_millis(domain.deletion_date),
        "purgeDate": maybe_millis(domain.purge_date),
        "outgoingProviders": [
            {"id": one.uid, "name": one.name, "spfProvider": one.spf_provider, "active": one.active}
            for one in domain.outgoing_providers.all()
        ],
        "customer": {
            "id": customer.uid,
            "brokerId": Broker.uid_of(customer.broker_id),
            "name": customer.name,
            "description": customer.description,
            "externalId": customer.external_id,
            "createdAt": millis(customer.created_at),
        },
        "platforms": [platform_json(platform) for platform in domain.platforms.all()],
    }
