"""What nobody may read: sealed, or only its keyed hash. And the secrets that a session keeps, which end with it."""

import base64
import hashlib
import hmac
from datetime import datetime
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from portal.models import Kept

MOST_KEPT = 50  # secrets of a session


@sensitive_variables()
def seal(text: str) -> str:
    return _seal().encrypt(text.encode()).decode()


@sensitive_variables()
def unseal(sealed: str) -> str | None:
    """None where the key of the seal is gone, or somebody has changed what was sealed."""
    try:
        return _seal().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


@sensitive_variables()
def keyed(purpose: str, text: str, key: str = "") -> str:
    """A hash that nobody makes without the key, the project's own unless another one is given."""
    return hmac.new((key or settings.SECRET_KEY).encode(), f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


@sensitive_variables()
def keep(session_key: str, name: str, text: str, ends: datetime, *, replace: bool) -> None:
    """Keep something for a session, whose row is locked meanwhile. The oldest of too many goes. See `session.keep_secret`."""
    mine, place = Kept.objects.filter(session_id=session_key), keyed("kept", name)
    if not replace and mine.filter(name=place).exists():
        return
    mine.filter(name=place).delete()
    Kept.objects.create(session_id=session_key, name=place, sealed=seal(text), ends=ends)
    mine.exclude(pk__in=mine.order_by("-pk").values("pk")[:MOST_KEPT]).delete()


@sensitive_variables()
def kept(session_key: str, name: str) -> str:
    """What was kept under this name; "" where nothing is, or where the key of its seal is gone."""
    row = Kept.objects.filter(session_id=session_key, name=keyed("kept", name)).first()
    return (unseal(row.sealed) or "") if row else ""


def forget(session_key: str, name: str) -> None:
    Kept.objects.filter(session_id=session_key, name=keyed("kept", name)).delete()


def forget_all(session_key: str) -> None:
    Kept.objects.filter(session_id=session_key).delete()


def prune() -> None:
    """What was kept by sessions that ended without a word. (`clearsessions` takes it along with a session's row.)"""
    Kept.objects.filter(ends__lt=timezone.now()).delete()


@cache
def _seal() -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in settings.TOKEN_KEYS])


def _derive(key: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=b"cleanmail-admin session token").derive(key.encode()))
