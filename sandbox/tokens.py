"""Access tokens, for good (tag AuthenticationTokens) and for a while (tag TemporaryAuthTokens)."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from msgspec import UNSET, UnsetType

from sandbox import answers, options
from sandbox.answers import Name, Refusal, Shape, maybe_millis, millis, moment
from sandbox.auth import Caller, digest, over, require, stopped
from sandbox.models import Account, Token, User

LONGEST = 24 * 365  # hours that a temporary token may last


class PersonalTokenAdd(Shape):
    name: Name
    expiration: int | UnsetType | None = UNSET


def list_user_tokens(request: HttpRequest, caller: Caller, admin_id: str) -> HttpResponse:
    """listUserTokens: without their secrets, which nobody has any more."""
    rows = account_for(caller, admin_id).tokens.filter(temporary=False).order_by("pk")
    return answers.json([token_json(row) for row in rows])


@transaction.atomic(using="sandbox")
def create_token(request: HttpRequest, caller: Caller, admin_id: str) -> HttpResponse:
    """createToken: the one answer with the secret in it."""
    account = account_for(caller, admin_id)
    body = answers.sent(request, PersonalTokenAdd)
    end = None
    if isinstance(body.expiration, int):
        end = moment(body.expiration)
        if end is None or over(end):
            raise Refusal(400, "The end of a token lies in the future.", {"expiration": "not a date in the future"})
    secret, row = make(account, body.name, end)
    return answers.json(token_json(row) | {"value": secret}, status=201)


@transaction.atomic(using="sandbox")
def delete_token(request: HttpRequest, caller: Caller, admin_id: str, token_id: str) -> HttpResponse:
    """deleteToken: it is refused from now on."""
    account = account_for(caller, admin_id)
    if not account.tokens.filter(pk=Token.key(token_id), temporary=False).delete()[0]:
        raise Refusal(404, "The token may not exist.")
    return answers.no_content()


@transaction.atomic(using="sandbox")
def get_temporary_auth_token(request: HttpRequest, caller: Caller) -> HttpResponse:
    """getTemporaryAuthToken: for oneself, or for somebody whom the caller may impersonate."""
    query = answers.parameters(request, "username", "validity")
    hours = answers.number(query, "validity", 4, least=1, most=LONGEST)
    own = caller.account.user.email if caller.account.user else ""
    user = User.objects.select_related("domain__customer", "domain__policy", "policy").filter(
        email=query.get("username", own).lower(),
    ).first()
    if user is None or not caller.on_mailbox(user):
        raise Refusal(404, "Unknown username.")
    may_become(caller, user)
    require_open(user)
    require_service(user)
    secret, end = temporary(user, hours)
    found = answers.json({"token": secret, "expireAt": millis(end), "url": link(user, secret)}, status=202)
    transaction.set_rollback(request.method == "HEAD", using="sandbox")  # nobody gets to see that one
    return found


def may_become(caller: Caller, user: User) -> None:
    """Only the owner, or who may impersonate; and nobody gains more by it than what they hold already."""
    if caller.owns(user):
        return
    require(caller.on_mailbox(user), "IMPERSONATE")
    account = Account.objects.filter(user=user).first()
    if account and not caller.covers(account):
        raise Refusal(403, "This user holds more permissions than you do.")


def require_service(user: User) -> None:
    """400 for an account without any service that keeps mail."""
    policy = user.policy or user.domain.policy
    if policy is None or not (policy.quarantine or policy.retention or policy.archive):
        raise Refusal(400, "The account does not have quarantine or retention or archive service.")


def require_open(user: User) -> None:
    """400 for an account that is switched off, or its domain deleted: no token would let it in."""
    if stopped(user, administers=False) or Account.objects.filter(user=user, enabled=False).exists():
        raise Refusal(400, "The account is switched off.")


def temporary(user: User, hours: int) -> tuple[str, datetime]:
    """A way in for a mailbox's owner, for so many hours; and the end of it."""
    # A login that somebody else has already is no reason to let this user in as them.
    login = f"mailbox {user.pk}" if Account.objects.filter(login=user.email, user=None).exists() else user.email
    account, _ = Account.objects.get_or_create(user=user, defaults={"login": login, "email": user.email})
    end = timezone.now() + timedelta(hours=hours)
    return make(account, "temporary", end, temporary=True)[0], end


def link(user: User, secret: str) -> str:
    """The application's address that signs the user in, once its button is pressed."""
    scheme, _, host = settings.SANDBOX_APP_URL.partition("://")
    return f"{scheme}://{options.effective('APP_URL', user) or host}/sign-in/link/?token={secret}"


def make(account: Account, name: str, end: datetime | None, *, temporary: bool = False) -> tuple[str, Token]:
    """A new token: its secret, which is stored nowhere, and its row."""
    secret = secrets.token_hex(16)
    row = account.tokens.create(
        name=name, digest=digest(secret), created_at=timezone.now(), expiration=end, temporary=temporary,
    )
    return secret, row


def account_for(caller: Caller, uid: str) -> Account:
    """The account, for itself or a system administrator. Others are told that it exists only where they manage it."""
    found = Account.objects.filter(pk=Account.key(uid)).first()
    if found and (caller.account.sysadmin or found.pk == caller.account.pk):
        return found
    if found and caller.manages(found):
        raise Refusal(403, "Only sysadmin or target user can call this endpoint.")
    raise Refusal(404, "Resource does not exist.")


def token_json(token: Token) -> dict[str, Any]:
    """PersonalToken, without what it does not have (conventions.md, gap 12)."""
    found = {
        "id": token.uid, "name": token.name, "expiration": maybe_millis(token.expiration), "createdAt": millis(token.created_at),
        "lastUse": maybe_millis(token.last_use),
    }
    return {name: value for name, value in found.items() if value is not None}
