"""Policies: which services a domain or a mailbox has, and their settings (openapi.yaml, tag DomainPolicies)."""

from typing import Annotated, Any

from django.db import transaction
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from msgspec import UNSET, Meta, UnsetType

from sandbox import answers
from sandbox.answers import Count, Id, Name, Refusal, Shape, given
from sandbox.auth import Caller, domain_for, domain_for_sysadmin, require, sysadmin_only
from sandbox.models import Domain, Policy, User

Score = Annotated[float, Meta(ge=0, le=1000)]
Tag = Annotated[str, Meta(max_length=100)]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Flag = bool | UnsetType


class RelayProps(Shape):
    relay_spam: Flag = UNSET
    relay_advert: Flag = UNSET
    advert_prefix: Tag | UnsetType | None = UNSET
    prefix_spam: Tag | UnsetType | None = UNSET
    relay_bad_headers: Flag = UNSET
    relay_bad_attachments: Flag = UNSET
    spam_score_limit: Score | UnsetType = UNSET


class QuarantineProps(Shape):
    duration: Days | UnsetType = UNSET
    store_spam: Flag = UNSET
    store_virus: Flag = UNSET
    store_advert: Flag = UNSET
    store_blacklisted: Flag = UNSET
    store_sender_verify: Flag = UNSET
    store_bad_headers: Flag = UNSET
    store_bad_encoding: Flag = UNSET
    store_bad_attachments: Flag = UNSET


class RetentionProps(Shape):
    duration: Days | UnsetType = UNSET
    store_mail_out: Flag = UNSET
    store_clean_mail_in: Flag = UNSET


class ArchiveProps(Shape):
    duration: Days | UnsetType = UNSET
    archive_by_copy: Flag = UNSET
    store_mail_out: Flag = UNSET
    store_clean_mail_in: Flag = UNSET
    store_spam: Flag = UNSET
    store_bad_headers: Flag = UNSET
    store_bad_encoding: Flag = UNSET
    store_bad_attachments: Flag = UNSET
    store_advert: Flag = UNSET
    store_blacklisted: Flag = UNSET
    store_sender_verify: Flag = UNSET


class PolicyPatch(Shape):
    """What a policy takes. `id` is the gateway's to give, and `domain_id` that of the path."""

    id: Id | UnsetType | None = UNSET
    name: Name | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    quarantine: Flag = UNSET
    retention: Flag = UNSET
    archive: Flag = UNSET
    incoming: Flag = UNSET
    outgoing: Flag = UNSET
    mail_size_limit: Count | UnsetType = UNSET
    spam_score: Score | UnsetType = UNSET
    relay_props: RelayProps | UnsetType | None = UNSET
    quarantine_props: QuarantineProps | UnsetType | None = UNSET
    retention_props: RetentionProps | UnsetType | None = UNSET
    archive_props: ArchiveProps | UnsetType | None = UNSET


# What a policy starts with, as the gateway's examples show it.
RELAY = {
    "relaySpam": False, "relayAdvert": True, "advertPrefix": "", "prefixSpam": None, "relayBadHeaders": False,
    "relayBadAttachments": False, "spamScoreLimit": 5.0,
}
PROPS: dict[str, dict[str, Any]] = {
    "quarantine": {
        "duration": 31, "storeSpam": True, "storeVirus": False, "storeAdvert": False, "storeBlacklisted": False,
        "storeSenderVerify": False, "storeBadHeaders": True, "storeBadEncoding": True, "storeBadAttachments": True,
    },
    "retention": {"duration": 5, "storeMailOut": True, "storeCleanMailIn": True},
    "archive": {
        "duration": 48, "archiveByCopy": False, "storeMailOut": True, "storeCleanMailIn": True, "storeSpam": True,
        "storeBadHeaders": True, "storeBadEncoding": True, "storeBadAttachments": True, "storeAdvert": False,
        "storeBlacklisted": False, "storeSenderVerify": False,
    },
}
PLAIN = ("name", "incoming", "outgoing", "mail_size_limit", "spam_score")


def list_domain_policies(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponseBase:
    """listDomainPolicies"""
    rows = Policy.objects.filter(domain=domain_for(caller, domain_id, "DOMAIN_VIEW"))
    rows = rows.annotate(folded=Lower("name"))  # as the example has it: policyB before Politique
    return answers.listing(request, rows, policy_json, sort={"id": "pk", "name": "folded"}, default="name")


def get_domain_policy(request: HttpRequest, caller: Caller, policy_id: str) -> HttpResponse:
    """getDomainPolicy: who sees the domain sees its policies."""
    return answers.json(policy_json(policy_for(caller, policy_id)))


@transaction.atomic(using="sandbox")
def create_policy(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """createPolicy"""
    domain = domain_for_sysadmin(caller, domain_id)
    body = answers.sent(request, PolicyPatch)
    needed = ("name", "quarantine", "retention", "incoming")
    if missing := [name for name in needed if getattr(body, name) is UNSET]:
        raise Refusal(400, f"Required: {', '.join(missing)}.", dict.fromkeys(missing, "required"))
    if domain.policies.filter(name=body.name).exists():
        raise Refusal(409, "A policy may already exist with the given name.", {"name": "already there"})
    policy = new_policy(domain)
    write(policy, body)
    location = {"Location": f"/policies/{policy.uid}"}
    return answers.json(policy_json(policy), status=201, headers=location)


@transaction.atomic(using="sandbox")
def edit_policy(request: HttpRequest, caller: Caller, policy_id: str) -> HttpResponse:
    """editPolicy"""
    policy = policy_for(caller, policy_id)
    sysadmin_only(caller)
    body = answers.sent(request, PolicyPatch)
    if policy.domain.policies.filter(name=body.name).exclude(pk=policy.pk).exists():
        raise Refusal(422, "The domain has another policy of this name.", {"name": "already there"})
    write(policy, body)
    return answers.no_content()


@transaction.atomic(using="sandbox")
def delete_policy(request: HttpRequest, caller: Caller, policy_id: str) -> HttpResponse:
    """deletePolicy: not while it is in use."""
    policy = policy_for(caller, policy_id)
    sysadmin_only(caller)
    if policy.domain.policy_id == policy.pk:
        raise Refusal(400, "The policy is the default of its domain.")
    if users := User.objects.filter(policy=policy).count():
        raise Refusal(400, f"The policy is affected to {users} users.")
    policy.delete()
    return answers.no_content()


def policy_for(caller: Caller, uid: str) -> Policy:
    policy = Policy.objects.select_related("domain__customer").filter(pk=Policy.key(uid)).first()
    if policy is None or not caller.on(policy.domain):
        raise Refusal(404, "Policy may not exist.")
    require(caller.on(policy.domain), "DOMAIN_VIEW")
    return policy


def new_policy(domain: Domain) -> Policy:
    """A policy without a name and without services, not saved yet."""
    flags = dict.fromkeys(("quarantine", "retention", "archive", "incoming", "outgoing"), False)
    return Policy(domain=domain, name="", relay_props=dict(RELAY), **flags)


def write(policy: Policy, body: PolicyPatch) -> None:
    """Change what was sent, and nothing else, also inside the settings of a service. A service that is off has none."""
    if body.domain_id is not UNSET and str(body.domain_id) != policy.domain.uid:
        raise Refusal(422, "A policy stays in its domain.", {"domainId": "another domain"})
    for name in PLAIN:
        if (value := getattr(body, name)) is not UNSET:
            setattr(policy, name, value)
    if isinstance(body.relay_props, Shape):
        policy.relay_props = policy.relay_props | spelled(body.relay_props)
    for service, start in PROPS.items():
        on, props = getattr(body, service), getattr(body, f"{service}_props")
        set_service(policy, service, getattr(policy, service) if on is UNSET else on)
        if isinstance(props, Shape):
            if not getattr(policy, service):
                raise Refusal(422, f"The policy has no {service}.", {f"{service}Props": "the service is off"})
            setattr(policy, f"{service}_props", start | getattr(policy, f"{service}_props") | spelled(props))
    policy.save()


def set_service(policy: Policy, service: str, on: bool) -> None:
    """Switch a service that holds mail; its settings start with the usual ones, and go with it."""
    setattr(policy, service, on)
    kept = getattr(policy, f"{service}_props")
    setattr(policy, f"{service}_props", (kept or dict(PROPS[service])) if on else None)


def spelled(props: Shape) -> dict[str, Any]:
    """Settings as the API spells them, which is how they are stored."""
    names = dict(zip(props.__struct_fields__, props.__struct_encode_fields__, strict=True))
    return {names[name]: value for name, value in given(props).items()}


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
