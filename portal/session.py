"""Who is signed in. The only module that touches the token, and the only one that touches the session.

The token lives sealed in a server-side session; the browser holds the session's key. A session ends at the earliest of
the idle limit, the absolute limit and the token's own end.

A request's own copy of the session is as old as the request is slow. So it is never saved again after the sign-in: what
changes later is changed in the store, at once and alone (`_change`; docs/decisions/0010).
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.views.decorators.debug import sensitive_variables

from portal import preferences, throttle, vault
from portal.api import domains, users
from portal.api.client import Client
from portal.api.errors import ApiError, NotAllowed, SignedOut
from portal.api.rights import Needs

SESSION_LIMIT = settings.SESSION_COOKIE_AGE  # seconds from the sign-in, however busy the person is
LONGEST_TOKEN = 8192


@dataclass(frozen=True)
class Person:
    """Who is signed in. `who` is shown; `owner`, a keyed hash, is what this person's entries and batches are found by."""

    who: str
    owner: str
    mailbox: str | int | None  # an end user's own; "" until it is known, None of everybody else
    sysadmin: bool | None = None  # a system administrator? None where an opaque token does not tell
    preferences: Mapping[str, str] = field(default_factory=dict)  # what is wished for (portal/preferences.py)
    by_token: bool = False  # nobody tells who it is: `owner` is of the token, and another token is another owner

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
def sign_in(request: HttpRequest, token: str) -> list[str]:
    """Check the token with a cheap call or two and start a session. Raises SignedOut, TooFast, or another ApiError.

    Gives the person's owner, and behind it what that was before (`portal.owner.hand_over`).
    """
    token = token.strip()
    if not token or len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        throttle.count(request, token)
        raise SignedOut("listUsers")
    throttle.count(request, token)
    claims = _claims(token)
    try:
        mailbox, names = _identify(_client(token), claims)
    except SignedOut:
        raise
    except ApiError:  # the gateway's trouble is not the person's guess
        throttle.forgive(token)
        raise
    now = int(time.time())
    ends = claims.get("exp")
    ends = int(min(now + SESSION_LIMIT, ends)) if isinstance(ends, int | float) else now + SESSION_LIMIT
    if ends <= now:
        raise SignedOut("listUsers")
    owners = _owners(names, token)
    owner = owners[0]
    who = str(claims.get("sub") or "")[:200].encode("utf-8", "replace").decode() or _made_up(owner)
    throttle.forgive(token)
    vault.prune()
    sign_out(request)
    rotate_token(request)
    request.session.update(
        {
            "token": vault.seal(token),
            "who": who,
            "owner": owner,
            "mailbox": mailbox,
            "sysadmin": _sysadmin(claims),
            "by_token": not names,
            "preferences": preferences.of(owners),
            "since": now,
            "seen": now,
            "ends": ends,
        }
    )
    request.session.set_expiry(SESSION_LIMIT)
    return owners


def _identify(api: Client, claims: dict[str, Any]) -> tuple[str | int | None, list[str]]:
    """An end user's own mailbox, and who it is that the gateway has let in, the best name first.

    An end user sees no domain and exactly one user: a list leaves out what is under "a missing security role" (r:1505, r:4630),
    or is refused. Where no user is listed the mailbox is the token's subject, if an address, else "".
    """
    subject = claims.get("sub")
    subject = subject if isinstance(subject, str) else ""
    by_subject = [f"jwt:{subject}"] if subject else []
    user = None
    accepted = False  # a refusal of everything proves no token: some gateways refuse strangers with a 403
    try:
        seen = api.page(users.LIST, users.User, size=2)
        accepted = True
        if seen.total != 1 or len(seen.rows) != 1:
            return None, by_subject  # the second call is for those alone who may be end users
        user = seen.rows[0]
    except NotAllowed:  # a valid token of an account that may not list users
        pass
    try:
        if api.page(domains.LIST, domains.Domain, size=1).rows:
            return None, by_subject
        accepted = True
    except NotAllowed:
        pass
    if user is None or user.id is None:
        return subject if is_address(subject) else "", by_subject if accepted else []
    # Somebody else's subject is a person of their own, who sees this one mailbox.
    its_own = not subject or subject.casefold() in (str(user.id).casefold(), (user.email or "").casefold())
    return user.id, [f"user:{user.id}"] * its_own + by_subject


@sensitive_variables()
def _owners(names: list[str], token: str) -> list[str]:
    """What finds the rows of a person: a keyed hash of the gateway and of who it is there, or of the token where nobody tells.

    The first one is it. The others are what it may have been: by older keys, before the gateway told, and in older versions.
    """
    upstream: Any = import_module(settings.UPSTREAM)
    whose = [json.dumps([upstream.BASE_URL, name]) for name in (*names, f"token:{token}")]
    return [vault.keyed("person", one, key) for one in whose for key in settings.OWNER_KEYS] + [vault.keyed("owner", token)]


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
        vault.forget_all(key)  # behind it: what another tab keeps in this moment goes too


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
    by_token = session.get("by_token", True)  # a session of an older version knows no other owner
    wishes = session.get("preferences", {})
    return Person(session["who"], session["owner"], session["mailbox"], session.get("sysadmin"), wishes, by_token)


def client(request: HttpRequest) -> Client:
    """The signed-in person's client. Raises SignedOut where the token cannot be unsealed (its key is gone)."""
    return _client(_token(request.session))


def client_of(session_key: str) -> Client:
    """The client of a session, for work that goes on without a request. Raises SignedOut when the session is over."""
    session = _store(session_key)
    now = time.time()
    if "token" not in session or now >= session.get("ends", 0) or now - session["seen"] > settings.SESSION_IDLE_SECONDS:
        raise SignedOut("")
    return _client(_token(session))


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


def prefer(request: HttpRequest, wishes: Mapping[str, str]) -> None:
    """Keep how the person likes it, for this session and those to come."""
    owner = request.session["owner"]
    preferences.store(owner, wishes)
    _change(request, lambda stored: stored.update({"preferences": preferences.of([owner])}))


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
    key, ends = session_key(request), datetime.fromtimestamp(ends_at(request), UTC)
    with transaction.atomic():
        if not _locked(key):
            raise SignedOut("")
        vault.keep(key, name, text, ends, replace=replace)


@sensitive_variables()
def kept_secret(request: HttpRequest, name: str) -> str:
    """What was kept under this name; "" where nothing is, or where the key of its seal is gone."""
    return vault.kept(session_key(request), name)


def forget_secret(request: HttpRequest, name: str) -> None:
    vault.forget(session_key(request), name)


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


def take_back_messages(request: HttpRequest) -> None:
    """What this request has told so far is not told."""
    store: Any = messages.get_messages(request)
    store._queued_messages.clear()


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


@sensitive_variables()
def _client(token: str) -> Client:
    # Imported here: the project decides what the portal talks to (cleanmail_admin/upstream.py), not the other way round.
    upstream: Any = import_module(settings.UPSTREAM)
    return Client(upstream.transport(), upstream.BASE_URL, token)


@sensitive_variables()
def _token(session: Any) -> str:
    """The token of a session. Raises SignedOut where there is none, or the key of its seal is gone."""
    token = vault.unseal(session.get("token", ""))
    if token is None:
        raise SignedOut("")
    return token


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
