"""Domains and their policies (openapi.yaml, tags Domains and DomainPolicies)."""

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse

from sandbox import answers
from sandbox.answers import Refusal, maybe_millis, millis
from sandbox.auth import Caller, domain_for, require
from sandbox.models import Broker, Customer, Domain, Platform, Policy, User

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


def list_domains(request: HttpRequest, caller: Caller) -> HttpResponse:
    """listDomains: without those that the caller may not see."""
    rows = complete(Domain.objects.filter(caller.reach("DOMAIN_VIEW")))
    return answers.listing(request, rows, domain_json, sort=SORT, default="name", filters=FILTERS)


def get_domain(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """getDomain"""
    domain = domain_for(caller, domain_id, "DOMAIN_VIEW")
    return answers.json(domain_json(complete(Domain.objects.filter(pk=domain.pk)).get()))


def list_domain_policies(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """listDomainPolicies"""
    rows = Policy.objects.filter(domain=domain_for(caller, domain_id, "DOMAIN_VIEW"))
    return answers.listing(request, rows, policy_json, sort={"id": "pk", "name": "name"}, default="name")


def get_domain_policy(request: HttpRequest, caller: Caller, policy_id: str) -> HttpResponse:
    """getDomainPolicy: who sees the domain sees its policies."""
    policy = Policy.objects.select_related("domain__customer").filter(pk=Policy.key(policy_id)).first()
    if policy is None or not caller.on(policy.domain):
        raise Refusal(404, "Policy may not exist.")
    require(caller.on(policy.domain), "DOMAIN_VIEW")
    return answers.json(policy_json(policy))


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


def policy_json(policy: Policy) -> dict[str, Any]:
    """Policy"""
    return {
        "id": policy.uid,
        "name": policy.name,
        "domainId": Domain.uid_of(policy.domain_id),
        "quarantine": policy.quarantine,
        "retention": policy.retention,
        "archive": policy.archive,
        "mailSizeLimit": policy.mail_size_limit,
        "spamScore": policy.spam_score,
        "incoming": policy.incoming,
        "relayProps": policy.relay_props,
        "quarantineProps": policy.quarantine_props,
        "retentionProps": policy.retention_props,
        "archiveProps": policy.archive_props,
        "outgoing": policy.outgoing,
    }


def platform_json(platform: Platform) -> dict[str, Any]:
    """PlatformDTO, without the secrets in its settings."""
    return {
        "id": platform.uid,
        "name": platform.name,
        "transportDest": platform.transport_dest,
        "transportType": platform.transport_type,
        "transportPort": platform.transport_port,
        "fallbackTransportDest": platform.fallback_transport_dest,
        "fallbackTransportType": platform.fallback_transport_type,
        "fallbackTransportPort": platform.fallback_transport_port,
        "apiType": platform.api_type,
        "apiData": platform.api_data,
        "authType": platform.auth_type,
        "authData": platform.auth_data,
        "default": platform.default,
    }
