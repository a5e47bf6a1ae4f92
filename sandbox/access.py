"""Administrators, and who may do what (openapi.yaml, tag AccessControls, and the accesses of the tag Domains)."""

from typing import Annotated, Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, Meta, UnsetType

from sandbox import answers
from sandbox.answers import Id, LanguageName, Name, Refusal, Shape, given, maybe_millis, millis
from sandbox.auth import MODELS, PERMISSIONS, Caller, domain_for
from sandbox.models import Account, Customer, Domain, Grant

# What the owner of a mailbox can be allowed to do with it.
FOR_USERS = ("USER_EDIT", "MAIL_VIEW", "MAIL_RELEASE", "RULE_VIEW", "RULE_EDIT")
SORT = {"login": "login"}

Names = Annotated[list[str], Meta(max_length=100)]
Password = Annotated[str, Meta(min_length=8, max_length=200)]


class AdminUpdate(Shape):
    email: Name | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    password: Password | UnsetType = UNSET  # nobody signs in to the sandbox with a password, so none is kept
    enabled: bool | UnsetType = UNSET
    totp: bool | UnsetType = UNSET
    language: LanguageName | UnsetType = UNSET


class AdminAdd(Shape):
    permissions: Names
    id: Id | UnsetType = UNSET
    login: Name | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    email: Name | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    language: LanguageName | UnsetType = UNSET


def list_permissions(request: HttpRequest, caller: Caller) -> HttpResponse:
    """listPermissions: what the caller holds on an object. `editable` are those it may pass on."""
    query = answers.parameters(request, "scope", "id")
    missing = [name for name in ("scope", "id") if name not in query]
    if missing:
        raise Refusal(400, f"{missing[0]} is required.", dict.fromkeys(missing, "required"))
    scope = query["scope"].lower()
    if scope not in MODELS:
        raise Refusal(400, f"Unknown scope: {query['scope']}.", {"scope": f"one of {', '.join(MODELS)}"})
    held = caller.on_object(scope, query["id"])
    return answers.json([{"name": name, "editable": "GRANT" in held} for name in PERMISSIONS if name in held])


def list_admins(request: HttpRequest, caller: Caller) -> HttpResponse:
    """listAdmins: those of the objects where the caller holds GRANT."""
    return listed(request, caller, managed(caller))


def list_domain_admins(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """listDomainAdmins"""
    domain = domain_for(caller, domain_id, "GRANT")
    return listed(request, caller, Account.objects.filter(grants__in=on(domain)))


def listed(request: HttpRequest, caller: Caller, rows: QuerySet[Account]) -> HttpResponse:
    query = answers.parameters(request, "offset", "pageSize", "sort", "search")
    if wanted := query.get("search", "").strip("*"):
        rows = rows.filter(Q(login__icontains=wanted) | Q(email__icontains=wanted) | Q(display_name__icontains=wanted))
    return answers.page(query, rows.prefetch_related("grants"), lambda row: admin_json(row, caller), sort=SORT, default="login")


def get_admin(request: HttpRequest, caller: Caller, admin_id: str) -> HttpResponse:
    """getAdmin"""
    return answers.json(admin_json(admin_for(caller, admin_id), caller))


@transaction.atomic(using="sandbox")
def update_admin(request: HttpRequest, caller: Caller, admin_id: str) -> HttpResponse:
    """updateAdmin: by itself, or by somebody who holds all that it holds."""
    account = admin_for(caller, admin_id)
    require_cover(caller, account)
    body = answers.sent(request, AdminUpdate)
    if body.totp is True:
        raise Refusal(400, "One-time codes can only be switched off here.", {"totp": "only false"})
    write(account, given(body))
    return answers.no_content()


@transaction.atomic(using="sandbox")
def delete_admin_account(request: HttpRequest, caller: Caller, admin_id: str) -> HttpResponse:
    """deleteAdminAccount: with all its accesses, but not oneself. Who owns a mailbox keeps that."""
    account = admin_for(caller, admin_id)
    require_cover(caller, account)
    if account.pk == caller.account.pk:
        raise Refusal(403, "Nobody deletes their own account.")
    remove(account)
    return answers.no_content()


def get_domain_admin(request: HttpRequest, caller: Caller, domain_id: str, admin_id: str) -> HttpResponse:
    """getDomainAdmin"""
    return answers.json(admin_json(grant_for(caller, domain_id, admin_id).account, caller))


@transaction.atomic(using="sandbox")
def create_admin_access(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """createAdminAccess: for an account that the caller manages, or for a new one."""
    domain = domain_for(caller, domain_id, "GRANT")
    body = answers.sent(request, AdminAdd)
    require_passable(caller, domain, set(), set(body.permissions))
    account = new_account(body) if body.id is UNSET else admin_for(caller, str(body.id))
    grant = account.grants.filter(scope_type=Grant.Scope.DOMAIN, scope_id=domain.pk).first()
    require_passable(caller, domain, set(grant.permissions) if grant else set(), set(body.permissions))
    account.grants.update_or_create(
        scope_type=Grant.Scope.DOMAIN, scope_id=domain.pk, defaults={"permissions": ordered(body.permissions)},
    )
    return answers.json(admin_json(account, caller), status=201)


@transaction.atomic(using="sandbox")
def define_admin_access(request: HttpRequest, caller: Caller, domain_id: str, admin_id: str) -> HttpResponse:
    """defineAdminAccess"""
    grant = grant_for(caller, domain_id, admin_id)
    names = answers.sent(request, Names)
    require_passable(caller, domain_of(grant), set(grant.permissions), set(names))
    grant.permissions = ordered(names)
    grant.save()
    return answers.no_content()


@transaction.atomic(using="sandbox")
def revoke_admin_access(request: HttpRequest, caller: Caller, domain_id: str, admin_id: str) -> HttpResponse:
    """revokeAdminAccess: an account without any other access goes with it."""
    grant = grant_for(caller, domain_id, admin_id)
    require_passable(caller, domain_of(grant), set(grant.permissions), set())
    grant.delete()
    if not grant.account.sysadmin and not grant.account.grants.exists():
        remove(grant.account)
    return answers.no_content()


def list_users_access(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """listUsersAccess: each permission that end users can have, and whether those of this domain have it."""
    domain = domain_for(caller, domain_id, "DOMAIN_VIEW")
    return answers.json([{"name": name, "enabled": name in domain.users_access} for name in FOR_USERS])


@transaction.atomic(using="sandbox")
def affect_users_access(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """affectUsersAccess: end users of the domain may do this, and nothing else."""
    domain = domain_for(caller, domain_id, "GRANT")
    names = answers.sent(request, Names)
    if unknown := sorted(set(names) - set(FOR_USERS)):
        raise Refusal(400, f"No permissions of end users: {', '.join(unknown)[:200]}.", {"permissions": "unknown"})
    require_passable(caller, domain, set(domain.users_access), set(names))
    Domain.objects.filter(pk=domain.pk).update(users_access=ordered(names))
    return answers.no_content()


def managed(caller: Caller) -> QuerySet[Account]:
    """The administrators with rights on what the caller holds GRANT on; all of them for a system administrator."""
    if caller.account.sysadmin:
        return Account.objects.filter(Q(sysadmin=True) | Q(pk__in=Grant.objects.values("account")))
    if "GRANT" in caller.held(Grant.Scope.PLATFORM, 0):
        return Account.objects.filter(pk__in=Grant.objects.values("account"))
    found = Q(scope_type=Grant.Scope.DOMAIN, scope_id__in=Domain.objects.filter(caller.reach("GRANT")).values("pk"))
    for grant in caller.grants:
        if "GRANT" in grant.permissions:
            found |= Q(scope_type=grant.scope_type, scope_id=grant.scope_id)
            if grant.scope_type == Grant.Scope.BROKER:
                customers = Customer.objects.filter(broker=grant.scope_id)
                found |= Q(scope_type=Grant.Scope.CUSTOMER, scope_id__in=customers.values("pk"))
    return Account.objects.filter(pk__in=Grant.objects.filter(found).values("account"))


def admin_for(caller: Caller, uid: str) -> Account:
    """The account, for itself and for those who manage it."""
    key = Account.key(uid)
    found = (Account.objects.filter(pk=key) if key == caller.account.pk else managed(caller).filter(pk=key)).first()
    if found is None:
        raise Refusal(404, "The administrator may not exist.")
    return found


def grant_for(caller: Caller, domain_id: str, admin_id: str) -> Grant:
    """What an administrator of the domain holds there."""
    domain = domain_for(caller, domain_id, "GRANT")
    found = on(domain).select_related("account").filter(account=Account.key(admin_id)).first()
    if found is None:
        raise Refusal(404, "The domain may not have this administrator.")
    return found


def on(domain: Domain) -> QuerySet[Grant]:
    return Grant.objects.filter(scope_type=Grant.Scope.DOMAIN, scope_id=domain.pk)


def domain_of(grant: Grant) -> Domain:
    return Domain.objects.select_related("customer").get(pk=grant.scope_id)


def require_cover(caller: Caller, account: Account) -> None:
    if not caller.covers(account):
        raise Refusal(403, "This administrator holds more permissions than you do.")


def require_passable(caller: Caller, domain: Domain, old: set[str], new: set[str]) -> None:
    """Nobody gives what they do not hold themselves, and nobody takes it away."""
    if unknown := sorted(new - set(PERMISSIONS)):
        raise Refusal(400, f"Unknown permissions: {', '.join(unknown)[:200]}.", {"permissions": "unknown"})
    if beyond := sorted((old ^ new) - caller.on(domain)):
        raise Refusal(403, f"You do not hold what you would change: {', '.join(beyond)}.")


def new_account(body: AdminAdd) -> Account:
    needed = ("login", "display_name", "email", "password", "enabled", "language")
    if missing := [name for name in needed if getattr(body, name) is UNSET]:
        raise Refusal(400, f"A new administrator needs {', '.join(missing)}.", dict.fromkeys(missing, "required"))
    if Account.objects.filter(login=body.login).exists():
        raise Refusal(400, "An account may already exist with this login.", {"login": "already there"})
    account = Account(login=str(body.login))
    write(account, {name: getattr(body, name) for name in needed[1:]})
    return account


def write(account: Account, changes: dict[str, Any]) -> None:
    for name in ("email", "display_name", "enabled", "totp"):
        if name in changes:
            setattr(account, name, changes[name])
    if "language" in changes:
        account.language = changes["language"].upper()
    account.save()


def remove(account: Account) -> None:
    """The account, or only its rights where it is a mailbox's owner as well."""
    if account.user_id is None:
        account.delete()
    else:
        account.grants.all().delete()


def ordered(names: list[str]) -> list[str]:
    return [name for name in PERMISSIONS if name in names]


def admin_json(account: Account, caller: Caller) -> dict[str, Any]:
    """Admin. Of its rights, those on objects that the caller manages."""
    shown = [
        grant for grant in account.grants.all()
        if account.pk == caller.account.pk or "GRANT" in caller.held(grant.scope_type, grant.scope_id)
    ]
    return {
        "id": account.uid,
        "login": account.login,
        "displayName": account.display_name or account.login,
        "email": account.email or account.login,
        "enabled": account.enabled,
        "language": account.language,
        "totp": account.totp,
        "sysAdmin": account.sysadmin,
        "authorities": [authority_json(grant) for grant in shown],
        "authoritiesCount": len(shown),
        "createdAt": millis(account.created_at),
        **last_connection(account),
    }


def last_connection(account: Account) -> dict[str, int]:
    """The latest use of any of its tokens, where there was one."""
    latest = maybe_millis(account.tokens.order_by("-last_use").values_list("last_use", flat=True).first())
    return {} if latest is None else {"lastConnectionDate": latest}


def authority_json(grant: Grant) -> dict[str, Any]:
    """Authority"""
    found: dict[str, Any] = {"objectType": grant.scope_type, "permissions": grant.permissions}
    if grant.scope_type != Grant.Scope.PLATFORM:
        model = MODELS[grant.scope_type.lower()]
        row = model.objects.filter(pk=grant.scope_id).first()
        found |= {"objectId": model.uid_of(grant.scope_id), "objectName": str(row or "")}
    return found
