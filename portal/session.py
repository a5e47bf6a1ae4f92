"""Who is signed in. The only module that touches the token, and the only one that touches the session.

The token lives sealed in a server-side session; the browser holds the session's key. A session ends at the earliest of
the idle limit, the absolute limit and the token's own end.

A request's own copy of the session is as old as the request is slow. So it is never saved again after the sign-in: what
changes later is changed in the store, at once and alone (`_change`; docs/decisions/0010).
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from portal.api import domains, users
from portal.api.client import Client
from portal.api.errors import ApiError, NotAllowed, SignedOut, TooFast
from portal.api.rights import Needs
from portal.audit.models import Kept, SignInAttempt

SESSION_LIMIT = settings.SESSION_COOKIE_AGE  # seconds from the sign-in, however busy the person is
TRIES, WINDOW = {"address": 20, "token": 5}, timedelta(minutes=5)
LONGEST_TOKEN = 8192
# IPv6 networks whose addresses end in an IPv4 one: mapped, compatible, translated (SIIT and NAT64).
WITH_IPV4 = [ip_network(f"{start}/96") for start in ("::ffff:0:0", "::", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::")]
MOST_KEPT = 50  # secrets of a session


@dataclass(frozen=True)
class Person:
    """Who is signed in. `owner` is a keyed hash of the token: what this person's entries and batches are found by."""

    who: str
    owner: str
    mailbox: str | int | None  # an end user's own; "" until it is known, None of everybody else
    sysadmin: bool | None = None  # a system administrator? None where an opaque token does not tell

    @property
    def end_user(self) -> bool:
        """Sees the menu of a mailbox, and not that of an administrator. No page is refused by it: the gateway decides."""
        return self.mailbox is not None

    @property
    def login(self) -> str:
        """The sign-in name of the account; "" where an opaque token does not tell it, and `who` is a name of our making."""
        return "" if self.who == _made_up(self.owner) else self.who

    @property
    def may_sysadmin(self) -> bool:
        """False only for those whom the gateway would surely refuse: what is for system administrators is not shown to them."""
        return self.sysadmin is not False


@sensitive_variables()
def sign_in(request: HttpRequest, token: str) -> None:
    """Check the token with a cheap call or two and start a session. Raises SignedOut, TooFast, or another ApiError."""
    token = token.strip()
    if not token or len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        _count_try(request, token)
        raise SignedOut("listUsers")
    _count_try(request, token)
    claims = _claims(token)
    try:
        mailbox = _mailbox(_client(token), claims)
    except SignedOut:
        raise
    except ApiError:  # the gateway's trouble is not the person's guess
        SignInAttempt.objects.filter(token=_keyed("try", token)).delete()
        raise
    now = int(time.time())
    ends = claims.get("exp")
    ends = int(min(now + SESSION_LIMIT, ends)) if isinstance(ends, int | float) else now + SESSION_LIMIT
    if ends <= now:
        raise SignedOut("listUsers")
    owner = _keyed("owner", token)
    who = str(claims.get("sub") or "")[:200].encode("utf-8", "replace").decode() or _made_up(owner)
    SignInAttempt.objects.filter(token=_keyed("try", token)).delete()
    _prune()
    sign_out(request)
    rotate_token(request)
    request.session.update(
        {
            "token": _seal().encrypt(token.encode()).decode(),
            "who": who,
            "owner": owner,
            "mailbox": mailbox,
            "sysadmin": _sysadmin(claims),
            "since": now,
            "seen": now,
            "ends": ends,
        }
    )
    request.session.set_expiry(SESSION_LIMIT)


def _mailbox(api: Client, claims: dict[str, Any]) -> str | int | None:
    """An end user's own mailbox. An end user sees no domain and exactly one user: a list leaves out what is under "a missing
    security role" (r:1505, r:4630), or is refused. Where no user is listed it is the token's subject, if an address, else ""."""
    own: str | int | None = None
    try:
        seen = api.page(users.LIST, users.User, size=2)
        if seen.total != 1 or len(seen.rows) != 1:
            return None  # the second call is for those alone who may be end users
        own = seen.rows[0].id
    except NotAllowed:  # a valid token of an account that may not list users
        pass
    try:
        if api.page(domains.LIST, domains.Domain, size=1).rows:
            return None
    except NotAllowed:
        pass
    subject = str(claims.get("sub") or "")
    return own if own is not None else subject if is_address(subject) else ""


def is_address(text: str) -> bool:
    """Can this be the address of a mailbox?"""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def remember_mailbox(request: HttpRequest, address: str) -> None:
    """An end user has told which mailbox is theirs, where neither a list nor the token did."""
    _change(request, lambda stored: stored.update({"mailbox": address}))


def sign_out(request: HttpRequest) -> None:
    """End the session, here and in the database, with all that it keeps."""
    drop(request)
    request.session.flush()


def drop(request: HttpRequest) -> None:
    """End the session, and leave the browser's cookie as it is: by now it may be that of a new sign-in."""
    if key := request.session.session_key:
        _store(key).delete(key)
        Kept.objects.filter(session_id=key).delete()  # behind it: what another tab keeps in this moment goes too


def ended_meanwhile(request: HttpRequest) -> bool:
    """True when the session has ended since this request found it: somebody signed out in another tab."""
    key = request.session.session_key
    return key is not None and "token" not in _store(key)


def person(request: HttpRequest, *, polling: bool = False) -> Person | None:
    """Who is signed in, or None. Ends a session that is over; a poll does not count as somebody being there."""
    session = request.session
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or "token" not in session:
        return None
    now = int(time.time())
    if now >= session["ends"] or now - session["seen"] > settings.SESSION_IDLE_SECONDS:
        sign_out(request)
        return None
    if not polling and now - session["seen"] > 60:  # once a minute is exact enough, and spares a write for each page
        _change(request, lambda stored: stored.update({"seen": max(now, stored["seen"])}))
    return Person(session["who"], session["owner"], session["mailbox"], session.get("sysadmin"))


def client(request: HttpRequest) -> Client:
    """The signed-in person's client. Raises SignedOut where the token cannot be unsealed (its key is gone)."""
    return _client(_unseal(request.session.get("token", "")))


def client_of(session_key: str) -> Client:
    """The client of a session, for work that goes on without a request. Raises SignedOut when the session is over."""
    session = _store(session_key)
    now = time.time()
    if "token" not in session or now >= session.get("ends", 0) or now - session["seen"] > settings.SESSION_IDLE_SECONDS:
        raise SignedOut("")
    return _client(_unseal(session["token"]))


def anonymous_client() -> Client:
    """A client without anybody's token, to see whether the gateway answers."""
    return _client("")


def session_key(request: HttpRequest) -> str:
    """The key under which `client_of` finds this session again."""
    return str(request.session.session_key)


def refused(request: HttpRequest, operation: str) -> set[str]:
    """The domains in which the gateway has refused this operation to this session: its button is not shown again there."""
    return set(request.session.get("refused", {}).get(operation, ()))


def remember_refusal(request: HttpRequest, operation: str, domain: str | int) -> None:
    """Keep that the gateway refused `operation` in `domain`."""

    def add(stored: Any) -> None:
        known = stored.get("refused", {})
        stored["refused"] = {**known, operation: sorted({*known.get(operation, ()), str(domain)})[:200]}

    _change(request, add)


def learn_from(request: HttpRequest, error: ApiError) -> None:
    """A refusal of what every system administrator may do tells that this person is none. (Creating a domain has a quota.)"""
    if isinstance(error, NotAllowed) and error.needs == Needs.SYSADMIN and error.operation != domains.CREATE.id:
        _change(request, lambda stored: stored.update({"sysadmin": False}))


@sensitive_variables()
def keep_secret(request: HttpRequest, name: str, text: str, *, replace: bool = True) -> None:
    """Keep something that nobody may read, sealed like the token, until this session ends. The oldest of too many goes.

    Without `replace`, what is there already stays: of two clicks the first one counts. Raises SignedOut where the session
    has ended meanwhile: nothing outlives it.
    """
    key, place = session_key(request), _keyed("kept", name)
    ends = datetime.fromtimestamp(ends_at(request), UTC)
    with transaction.atomic():
        if not _locked(key):
            raise SignedOut("")
        mine = Kept.objects.filter(session_id=key)
        if not replace and mine.filter(name=place).exists():
            return
        mine.filter(name=place).delete()
        Kept.objects.create(session_id=key, name=place, sealed=_seal().encrypt(text.encode()).decode(), ends=ends)
        mine.exclude(pk__in=mine.order_by("-pk").values("pk")[:MOST_KEPT]).delete()


@sensitive_variables()
def kept_secret(request: HttpRequest, name: str) -> str:
    """What was kept under this name; "" where nothing is, or where the key of its seal is gone."""
    found = Kept.objects.filter(session_id=session_key(request), name=_keyed("kept", name)).first()
    try:
        return _seal().decrypt(found.sealed.encode()).decode() if found else ""
    except InvalidToken:
        return ""


def forget_secret(request: HttpRequest, name: str) -> None:
    Kept.objects.filter(session_id=session_key(request), name=_keyed("kept", name)).delete()


def ends_at(request: HttpRequest) -> int:
    """When this session ends at the latest, however busy the person is; in seconds since 1970."""
    return int(request.session["ends"])


def held_folder(request: HttpRequest) -> str:
    """The path of the folder with held mail, as far as this session has learnt it."""
    return str(request.session.get("held", settings.QUARANTINE_FOLDER))


def remember_held_folder(request: HttpRequest, path: str) -> None:
    _change(request, lambda stored: stored.update({"held": path}))


class Messages(SessionStorage):
    """What the next page tells. Each request puts in and takes out its own, whatever others tell meanwhile."""

    def update(self, response: Any) -> None:
        base: Any = self  # what Django documents for those who write a store, and its types leave out
        told, new = list(base._loaded_messages) if self.used else [], list(base._queued_messages)
        base._prepare_messages(new)
        if not told and not new:
            return

        def pass_on(stored: Any) -> None:
            waiting = self.deserialize_messages(stored.get(self.session_key)) or []
            for one in told:
                if one in waiting:
                    waiting.remove(one)
            stored[self.session_key] = self.serialize_messages([*waiting, *new])

        _change(self.request, pass_on)


def address_of(request: HttpRequest) -> str:
    """Where the request comes from. Behind the trusted proxy that is the last address it added, never one a client sent.

    Without a port, and of IPv6 the network: one customer has 2^64 addresses in it. An IPv4 address that is written as an IPv6 one
    stays itself: all of IPv4 would be one network.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUST_PROXY and (forwarded := request.META.get("HTTP_X_FORWARDED_FOR", "")):
        text = forwarded.rpartition(",")[2].strip()
    bare = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0] if text.count(":") == 1 else text
    try:
        address = ip_address(bare.partition("%")[0])  # a zone is our own network card
    except ValueError:
        return text
    if address.version == 4 or address.is_link_local or address.is_loopback:  # of link-local addresses all are in one network
        return str(address)
    inside = (
        address.teredo[1]
        if address.teredo
        else address.sixtofour
        or next((IPv4Address(int(address) & 0xFFFFFFFF) for network in WITH_IPV4 if address in network), None)
    )
    return str(inside or ip_network((address, 64), strict=False))


def _change(request: HttpRequest, change: Callable[[Any], None]) -> None:
    """Change the session as it is in the store by now. One that has ended meanwhile stays ended.

    The request goes on with what came of it, unmodified in Django's sense: nothing is saved when it ends.
    """
    key = getattr(request.session, "session_key", None)
    if key is None:
        return
    with transaction.atomic():
        stored = _store(key)
        if not _locked(key) or "token" not in stored:
            return
        change(stored)
        try:
            stored.save()
        except UpdateError:  # ended just now, in a store that knows no locks
            return
    stored.modified = False
    request.session = stored


def _store(key: str) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def _locked(key: str) -> bool:
    """Hold the session's row until the transaction ends; False when it is not there any more.

    Only a store in the database has a row. In one that is nothing but a cache, two changes in the same millisecond can
    still lose one.
    """
    store = _store(key)
    if not hasattr(store, "get_model_class"):
        return bool(store.exists(key))
    return store.get_model_class().objects.select_for_update().filter(session_key=key).first() is not None


def _prune() -> None:
    """What was kept by sessions that ended without a word. (`clearsessions` takes it along with a session's row.)"""
    Kept.objects.filter(ends__lt=timezone.now()).delete()


@sensitive_variables()
def _count_try(request: HttpRequest, token: str) -> None:
    """Write the try down before it is made, so that a burst of parallel tries is counted too."""
    since = timezone.now() - WINDOW
    SignInAttempt.objects.filter(at__lt=since).delete()
    hashed = {"address": _keyed("try", address_of(request)), "token": _keyed("try", token)}
    SignInAttempt.objects.create(**hashed)
    for field, value in hashed.items():
        tries = SignInAttempt.objects.filter(at__gte=since, **{field: value}).order_by("at")
        if tries.count() > TRIES[field]:
            error = TooFast("")
            first = tries.first()
            error.retry_after = max(1, int((first.at + WINDOW - timezone.now()).total_seconds())) if first else 60
            raise error


@sensitive_variables()
def _client(token: str) -> Client:
    # Imported here: the project decides what the portal talks to (cleanmail_admin/upstream.py), not the other way round.
    upstream: Any = import_module(settings.UPSTREAM)
    return Client(upstream.transport(), upstream.BASE_URL, token)


@cache
def _seal() -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in settings.TOKEN_KEYS])


def _derive(key: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=b"cleanmail-admin session token").derive(key.encode()))


@sensitive_variables()
def _unseal(sealed: str) -> str:
    try:
        return _seal().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SignedOut("") from None


@sensitive_variables()
def _keyed(purpose: str, text: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def _made_up(owner: str) -> str:
    """What the holder of an opaque token is called."""
    return f"token {owner[:6]}"


def _sysadmin(claims: dict[str, Any]) -> bool | None:
    """What a token says of its authorities; None where it says nothing."""
    held = claims.get("authorities")
    return "SYSADMIN" in held if isinstance(held, list) else None


@sensitive_variables()
def _claims(token: str) -> dict[str, Any]:
    """What a JWT says of itself, for display and for its end; {} for an opaque token. The gateway is who checks it."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(claims, dict):
        return {}
    end = claims.pop("exp", None)
    if (
        isinstance(end, int | float) and not isinstance(end, bool) and end == end
    ):  # NaN is no time, and what lies beyond all time is
        claims["exp"] = max(0, min(end, 2**53))
    return claims
