"""Signatures under the mail that users write (openapi.yaml, tag UsersSigns). Stored as HTML, shown in Base64."""

import base64
import binascii

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from sandbox import answers
from sandbox.answers import Refusal, Shape, Text
from sandbox.auth import Caller, user_for
from sandbox.models import User
from sandbox.tokens import require_service


class Sign(Shape):
    sign: Text


def get_sign(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """getSign"""
    user = owner(caller, user_id, "USER_VIEW")
    if not user.signature:
        raise Refusal(404, "The user has no signature.")
    return answers.json({"sign": base64.b64encode(user.signature.encode()).decode()})


@transaction.atomic(using="sandbox")
def set_sign(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """setSign: the documented 200 has no body."""
    user = owner(caller, user_id, "USER_EDIT")
    html = decoded(answers.sent(request, Sign).sign)
    if html is None:
        raise Refusal(400, "The signature is not Base64.", {"sign": "not Base64 of UTF-8 text"})
    User.objects.filter(pk=user.pk).update(signature=html)
    return HttpResponse(headers={"Content-Type": "text/plain"})


@transaction.atomic(using="sandbox")
def delete_sign(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """deleteSign"""
    user = owner(caller, user_id, "USER_EDIT")
    User.objects.filter(pk=user.pk).update(signature="")
    return answers.no_content()


def owner(caller: Caller, uid: str, permission: str) -> User:
    """The account, for somebody with the permission, and for its owner in any case."""
    own = caller.account.user_id == User.key(uid)
    user = user_for(caller, uid, "USER_VIEW" if own else permission)
    require_service(user)
    return user


def decoded(text: str) -> str | None:
    """The text behind Base64; None where it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
