"""Mailbox accounts (openapi.yaml, tag Users)."""

from typing import Annotated, Any, Literal, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from sandbox import answers
from sandbox.answers import Id, LanguageName, Name, Refusal, Shape, Text, given, maybe_millis, millis
from sandbox.auth import OF_USERS, Caller, domain_for, user_for
from sandbox.groups import forget, own_address, taken
from sandbox.models import Account, Domain, EmailAliasRecipient, OptionValue, Platform, Policy, User
from sandbox.platforms import platform_json
from sandbox.policies import policy_json
from sandbox.signatures import decoded
from sandbox.tasks import welcome

Row = TypeVar("Row", Policy, Platform)
Part = Annotated[str, Meta(max_length=200)]
Status = Literal["ENABLED", "DISABLED", "PENDING"]
Password = Annotated[str, Meta(min_length=8, max_length=200)]  # nobody signs in to the sandbox with one, so none is kept


class UserFields(Shape):
    """What both bodies have."""

    firstname: Part | UnsetType = UNSET
    lastname: Part | UnsetType = UNSET
    language: LanguageName | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    policy_id: Id | UnsetType | None = UNSET
    platform_id: Id | UnsetType | None = UNSET
    auth_id: Id | UnsetType | None = UNSET
    sender_verify_on: bool | UnsetType = UNSET
    send_notification: bool | UnsetType = UNSET
    sign: Text | UnsetType = UNSET


class NewUser(UserFields, kw_only=True):
    email: Name
    status: Status
    domain_id: Id


class UpdateUser(UserFields):
    email: Name | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    mfa_type: Literal["NONE", "TOTP"] | UnsetType = UNSET


SORT = {
    "id": "pk", "email": "email", "firstname": "firstname", "lastname": "lastname", "status": "status", "language": "language",
    "creationDate": "creation_date", "lastConnectionDate": "last_connection_date",
}
COLUMNS = (  # of a workbook
    "id", "email", "firstname", "lastname", "status", "language", "creationDate", "domainId", "senderVerifyOn", "domainStatus",
    "mfaType", "lastConnectionDate", "policy", "domainPolicyId", "domainPlatformId", "platform",
)
FILTERS = {
    "email": answers.text("email", lower_case=True),
    "platformName": lambda name: on_platform(answers.text("name")(name)),
    "name": lambda _: Q(),  # deprecated: the contract's own examples send it, and get everything back
}


def list_users(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """listUsers: without those that the caller may not see; an end user sees itself."""
    seen = caller.reach("USER_VIEW", OF_USERS)
    if seen and caller.account.user_id:
        seen |= Q(pk=caller.account.user_id)
    return answers.listing(request, complete(User.objects.filter(seen)), line_json, sort=SORT, default="email", filters=FILTERS)


def list_domain_users(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponseBase:
    """listDomainUsers"""
    rows = complete(User.objects.filter(domain=domain_for(caller, domain_id, "USER_VIEW")))
    return answers.listing(
        request, rows, line_json, sort=SORT, default="email", filters=FILTERS, sheet="users", columns=COLUMNS,
    )


def get_user(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """getUser"""
    user = user_for(caller, user_id, "USER_VIEW")
    return answers.json(user_json(complete(User.objects.filter(pk=user.pk)).get()))


def create_user(request: HttpRequest, caller: Caller) -> HttpResponse:
    """createUser: the address and the domain must agree (openapi.yaml, x-assumption)."""
    body = answers.sent(request, NewUser)
    with transaction.atomic(using="sandbox"):
        domain = domain_named(caller, body.domain_id)
        email = own_address(domain, body.email)
        if taken(email):
            raise Refusal(409, "A user may already exist with the given address.", {"email": "already there"})
        if domain.status == Domain.Status.DELETED:
            raise Refusal(422, "The domain is deleted.", {"domainId": "the domain is deleted"})
        user = User(domain=domain, email=email, language=domain.default_language, creation_date=timezone.now())
        write(user, given(body), 422)
    if body.send_notification is True:
        welcome(user)
    made = complete(User.objects.filter(pk=user.pk)).get()
    return answers.json(user_json(made), status=201, headers={"Location": f"/users/{user.uid}"})


@transaction.atomic(using="sandbox")
def edit_user(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """editUser: what is sent, and nothing else. Another domain needs an address there, and the right to make it."""
    user = user_for(caller, user_id, "USER_EDIT")
    body = answers.sent(request, UpdateUser)
    changes = given(body)
    if changes.get("mfa_type", "NONE") == "TOTP":
        raise Refusal(400, "The second factor can only be switched off here.", {"mfaType": "only NONE"})
    if "domain_id" in changes and str(body.domain_id) != user.domain.uid:
        user.domain = domain_named(caller, body.domain_id)
        user.policy = user.platform = None  # those of the old domain
        own_address(user.domain, changes.get("email", user.email))
    if "email" in changes:
        email = own_address(user.domain, changes["email"])
        if email != user.email and taken(email):
            raise Refusal(400, "A user may already exist with the given address.", {"email": "already there"})
        EmailAliasRecipient.objects.filter(group__domain=user.domain, email=user.email).update(email=email)
        user.email = email
    write(user, changes, 400)
    return answers.no_content()


@transaction.atomic(using="sandbox")
def delete_user(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """deleteUser: with mailbox, rules and tokens; groups of the domain forget it. Who administers keeps the account for that."""
    user = user_for(caller, user_id, "USER_EDIT")
    Account.objects.filter(user=user).filter(Q(sysadmin=True) | Q(grants__isnull=False)).update(user=None)
    OptionValue.objects.filter(scope=OptionValue.Scope.USER, key=str(user.pk)).delete()
    forget(user.domain, user.email)
    user.delete()
    return answers.no_content()


def domain_named(caller: Caller, uid: Any) -> Domain:
    """The domain of a body; 400 for one that the caller does not see, as for one that does not exist."""
    try:
        return domain_for(caller, str(uid), "USER_EDIT")
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        raise Refusal(400, "The domain was not found.", {"domainId": "no such domain"}) from None


def write(user: User, changes: dict[str, Any], status: int) -> None:
    """The columns that a body sets; `status` is what the operation answers where an id leads nowhere."""
    for name in ("firstname", "lastname", "status", "sender_verify_on"):
        if name in changes:
            setattr(user, name, changes[name])
    if "language" in changes:
        user.language = changes["language"].upper()
    if "sign" in changes:
        user.signature = decoded(changes["sign"]) or changes["sign"]  # whether it is in Base64 is not said (gap 30)
    if changes.get("mfa_type") == "NONE":
        user.mfa_type = "NONE"
    if "policy_id" in changes:
        user.policy = one_of(user.domain.policies.all(), Policy, changes["policy_id"], "policyId", status)
    if "platform_id" in changes:
        user.platform = one_of(user.domain.platforms.all(), Platform, changes["platform_id"], "platformId", status)
    if changes.get("auth_id") is not None:
        raise Refusal(status, "There is no such sign-in provider.", {"authId": "no such provider"})
    user.save()


def one_of(rows: QuerySet[Row], model: type[Row], uid: Any, name: str, status: int) -> Row | None:
    """The row of the user's domain with this id; null stands for what the domain has."""
    if uid is None:
        return None
    row = rows.filter(pk=model.key(str(uid))).first()
    if row is None:
        raise Refusal(status, f"The domain has nothing with this {name}.", {name: "not of the user's domain"})
    return row


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
