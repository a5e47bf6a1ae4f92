"""Mailbox accounts (openapi.yaml, tag Users)."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from sandbox import answers
from sandbox.answers import maybe_millis, millis
from sandbox.auth import Caller, domain_for, user_for
from sandbox.domains import platform_json, policy_json
from sandbox.models import Platform, Policy, User

SORT = {
    "id": "pk", "email": "email", "firstname": "firstname", "lastname": "lastname", "status": "status", "language": "language",
    "creationDate": "creation_date", "lastConnectionDate": "last_connection_date",
}
FILTERS = {
    "email": answers.text("email", lower_case=True),
    "platformName": lambda name: on_platform(answers.text("name")(name)),
    "name": lambda _: Q(),  # deprecated: the contract's own examples send it, and get everything back
}


def list_users(request: HttpRequest, caller: Caller) -> HttpResponse:
    """listUsers: without those that the caller may not see; an end user sees itself."""
    seen = caller.reach("USER_VIEW", "domain__")
    if seen and caller.account.user_id:
        seen |= Q(pk=caller.account.user_id)
    return answers.listing(request, complete(User.objects.filter(seen)), line_json, sort=SORT, default="email", filters=FILTERS)


def list_domain_users(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """listDomainUsers"""
    rows = complete(User.objects.filter(domain=domain_for(caller, domain_id, "USER_VIEW")))
    return answers.listing(request, rows, line_json, sort=SORT, default="email", filters=FILTERS)


def get_user(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """getUser"""
    user = user_for(caller, user_id, "USER_VIEW")
    return answers.json(user_json(complete(User.objects.filter(pk=user.pk)).get()))


def complete(rows: QuerySet[User]) -> QuerySet[User]:
    """Users with everything their JSON shows, in a fixed number of queries."""
    return rows.select_related("policy", "platform", "domain__policy").prefetch_related("domain__platforms")


def on_platform(named: Q) -> Q:
    """The users of platforms: their own, or the default of their domain where they have none."""
    platforms = Platform.objects.filter(named)
    return Q(platform__in=platforms) | Q(platform=None, domain__in=platforms.filter(default=True).values("domain"))


def user_json(user: User) -> dict[str, Any]:
    """User, with the policy and the platform that are in force."""
    policy = user.policy or user.domain.policy
    default = next((platform for platform in user.domain.platforms.all() if platform.default), None)
    platform = user.platform or default
    found: dict[str, Any] = {
        "id": user.uid,
        "email": user.email,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "status": user.status,
        "language": user.language,
        "creationDate": millis(user.creation_date),
        "domainId": user.domain.uid,
        "senderVerifyOn": user.sender_verify_on,
        "domainStatus": user.domain.status,
        "mfaType": user.mfa_type,
        "lastConnectionDate": maybe_millis(user.last_connection_date),
    }
    # What a half-made domain does not have yet is left out: the contract does not allow null there.
    if policy:
        found["policy"] = policy_json(policy)
    if user.domain.policy_id:
        found["domainPolicyId"] = Policy.uid_of(user.domain.policy_id)
    if default:
        found["domainPlatformId"] = default.uid
    if platform:
        found["platform"] = platform_json(platform)
    return found


def line_json(user: User) -> dict[str, Any]:
    """User in a list, where two fields are left out when a single read would show null (conventions.md, gap 12)."""
    found = user_json(user)
    return {name: value for name, value in found.items() if value is not None or name not in ("mfaType", "lastConnectionDate")}
