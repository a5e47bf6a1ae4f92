"""Who calls, and what they may do. A permission is held on an object, and so on everything below it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from sandbox.answers import Refusal
from sandbox.models import Account, Broker, Customer, Domain, Grant, Token, User

PERMISSIONS = (
    "DOMAIN_VIEW", "DOMAIN_EDIT", "USER_VIEW", "USER_EDIT", "MAIL_VIEW", "MAIL_RELEASE", "RULE_VIEW", "RULE_EDIT",
    "GRANT", "IMPERSONATE",
)
USE_KNOWN_TO = timedelta(hours=1)  # a read that writes down each time that it was made would wait for every writer
READ_ONLY = tuple(name for name in PERMISSIONS if name.endswith("_VIEW"))

# How a domain and a user lead to the object of a grant.
OF_DOMAINS = {"BROKER": "customer__broker", "CUSTOMER": "customer", "DOMAIN": "pk"}
OF_USERS = {"BROKER": "broker", "CUSTOMER": "customer", "DOMAIN": "domain"}
MODELS: dict[str, type[Broker] | type[Customer] | type[Domain]] = {"broker": Broker, "customer": Customer, "domain": Domain}


@dataclass(frozen=True)
class Caller:
    """The account behind a request, with its grants."""

    account: Account
    grants: tuple[Grant, ...]

    def owns(self, user: User) -> bool:
        return self.account.user_id == user.pk

    def reach(self, permission: str, paths: Mapping[str, str] = OF_DOMAINS) -> Q:
        """Where the caller holds a permission, as a condition on the domains, or on what `paths` says of the users."""
        if self.account.sysadmin:
            return Q()
        found = Q(pk__in=())
        for grant in self.grants:
            if permission not in grant.permissions:
                continue
            if grant.scope_type == Grant.Scope.PLATFORM:
                return Q()
            found |= Q(**{paths[grant.scope_type]: grant.scope_id})
        return found

    def on(self, domain: Domain) -> set[str]:
        """The permissions held on a domain."""
        ids = {
            "PLATFORM": 0, "BROKER": domain.customer.broker_id, "CUSTOMER": domain.customer_id, "DOMAIN": domain.pk,
        }
        return self._granted(ids)

    def on_mailbox(self, user: User) -> set[str]:
        """The permissions held on a mailbox; its owner has those that the domain gives to its users, and sees itself."""
        own = {"USER_VIEW", *user.domain.users_access} if self.owns(user) else set()
        return own | self.on(user.domain)

    def on_object(self, scope: str, uid: str) -> set[str]:
        """The permissions held on a domain, a customer or a broker; none on what is unknown, or not to be seen."""
        return self.held(scope.upper(), MODELS[scope].key(uid))

    def held(self, scope: str, key: int) -> set[str]:
        """The permissions held on the object of a grant; none where there is no such object."""
        if scope == Grant.Scope.PLATFORM:
            return self._granted({"PLATFORM": 0})
        found = MODELS[scope.lower()].objects.filter(pk=key).first()
        match found:
            case Domain():
                return self.on(found)
            case Customer():
                return self._granted({"PLATFORM": 0, "BROKER": found.broker_id, "CUSTOMER": found.pk})
            case Broker():
                return self._granted({"PLATFORM": 0, "BROKER": found.pk})
        return set()

    def covers(self, account: Account) -> bool:
        """Does the caller hold all that this account holds? Else a way into it would be a way to more."""
        if self.account.sysadmin or account.pk == self.account.pk:
            return True
        if account.sysadmin:
            return False
        return all(set(grant.permissions) <= self.held(grant.scope_type, grant.scope_id) for grant in account.grants.all())

    def manages(self, account: Account) -> bool:
        """Does the caller hold GRANT on anything that this account has rights on?"""
        return any("GRANT" in self.held(grant.scope_type, grant.scope_id) for grant in account.grants.all())

    def _granted(self, ids: dict[str, int]) -> set[str]:
        if self.account.sysadmin:
            return set(PERMISSIONS)
        return {name for grant in self.grants if ids.get(grant.scope_type) == grant.scope_id for name in grant.permissions}


def digest(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def caller_of(request: HttpRequest) -> Caller:
    """Whoever the bearer token belongs to; 401 where it is missing, unknown, over, or its account is switched off."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    refusal = Refusal(401, "The token is missing or not valid.", headers={"WWW-Authenticate": "Bearer"})
    if scheme.lower() != "bearer" or not secret.strip():
        raise refusal
    token = Token.objects.select_related("account__user__domain").filter(digest=digest(secret.strip())).first()
    if token is None or over(token.expiration):
        raise refusal
    account = token.account
    grants = tuple(account.grants.all())
    if not account.enabled or (account.user and stopped(account.user, administers=account.sysadmin or bool(grants))):
        raise refusal
    now = timezone.now()
    if token.last_use is None or token.last_use < now - USE_KNOWN_TO:
        Token.objects.filter(pk=token.pk).update(last_use=now)
    return Caller(account, grants)


def stopped(user: User, *, administers: bool) -> bool:
    """Is this mailbox account switched off? With a deleted domain its end users are, and not who administers from there."""
    return user.status == User.Status.DISABLED or (user.domain.status == Domain.Status.DELETED and not administers)


def over(end: datetime | None) -> bool:
    return end is not None and end <= timezone.now()


def require(held: Iterable[str], permission: str) -> None:
    """403 for one who may see an object and not do this with it."""
    if permission not in held:
        raise Refusal(403, f"You do not have permission to execute this request. ({permission} required)")


def sysadmin_only(caller: Caller) -> None:
    if not caller.account.sysadmin:
        raise Refusal(403, "Only users with sysadmin role can execute this request.")


def domain_for(caller: Caller, uid: str, permission: str) -> Domain:
    """The domain, for somebody who holds the permission on it. What the caller may not see looks as if it did not exist."""
    domain = Domain.objects.select_related("customer", "policy").filter(pk=Domain.key(uid)).first()
    at_home = domain is not None and caller.account.user is not None and caller.account.user.domain_id == domain.pk
    if domain is None or not (caller.on(domain) or at_home):
        raise Refusal(404, "Domain may not exist.")
    require(caller.on(domain), permission)
    return domain


def domain_for_sysadmin(caller: Caller, uid: str) -> Domain:
    """The domain, for a system administrator; 404 for those who may not even see it."""
    domain = domain_for(caller, uid, "DOMAIN_VIEW")
    sysadmin_only(caller)
    return domain


def user_for(caller: Caller, uid: str, permission: str, *, or_email: bool = False) -> User:
    """The mailbox account, for somebody who holds the permission on it. `or_email`: the address may stand for the id."""
    who = Q(email=uid.lower()) if or_email and "@" in uid else Q(pk=User.key(uid))
    user = User.objects.select_related("domain__customer", "domain__policy", "policy", "platform").filter(who).first()
    if user is None or not caller.on_mailbox(user):
        raise Refusal(404, "User may not exist.")
    require(caller.on_mailbox(user), permission)
    return user
