"""Options of domains and of users, inherited platform > url > customer > domain > user (openapi.yaml, tags Domains and Users)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from msgspec import Meta

from sandbox import answers
from sandbox.answers import Name, Refusal, Shape
from sandbox.auth import Caller, domain_for, sysadmin_only, user_for
from sandbox.models import Domain, OptionValue, User
from sandbox.names import HOST, address_of

Scope = OptionValue.Scope
Owner = Domain | User


@dataclass(frozen=True)
class OptionDef:
    """OptionDef, with the value that the platform starts with."""

    type: str
    default: str
    scopes: tuple[Scope, ...]
    restricted: bool = False
    values: tuple[str, ...] | None = None
    group: str | None = None
    description: str | None = None


# GET /options, where the contract says that the options are listed, is not in the contract: these are the sandbox's own.
EVERYWHERE = tuple(Scope)
CATALOGUE = {
    "APP_URL": OptionDef("HOST", "", (Scope.PLATFORM, Scope.CUSTOMER, Scope.DOMAIN), restricted=True, group="application",
                         description="Host name in the links of messages"),
    "DOMAIN_ADMIN": OptionDef("EMAIL", "noreply@gateway.example", (Scope.PLATFORM, Scope.DOMAIN), group="mail",
                              description="Sender of the messages to users"),
    "APP_COLOR": OptionDef("COLOR", "#1f5f8b", (Scope.PLATFORM, Scope.URL, Scope.CUSTOMER, Scope.DOMAIN), group="application",
                           description="Colour of the application"),
    "APP_HELP": OptionDef("URL", "https://help.gateway.example/", EVERYWHERE[:4], group="application",
                          description="Where the help leads"),
    "REPORT_ON": OptionDef("BOOL", "true", EVERYWHERE, group="report", description="Send a report on held mail"),
    "REPORT_FREQUENCY": OptionDef("LIST", "DAILY", EVERYWHERE, values=("NEVER", "DAILY", "WEEKLY"), group="report",
                                  description="How often the report is sent"),
    "TIME_ZONE": OptionDef("TIMEZONE", "Europe/Zurich", EVERYWHERE, group="report",
                            description="Time zone of the dates in messages"),
    "REPORT_FOOTER": OptionDef("TEXT", "", (Scope.PLATFORM, Scope.CUSTOMER, Scope.DOMAIN), group="report",
                               description="Text at the end of the report"),
    "USER_GREETING": OptionDef("STRING", "", (Scope.PLATFORM, Scope.USER), group="report",
                               description="How messages address the user"),
}


class OptionAdd(Shape):
    name: Name
    value: Annotated[str, Meta(max_length=10_000)]


def list_domain_options(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """listDomainOptions"""
    return listed(request, domain_for(caller, domain_id, "DOMAIN_VIEW"))


def list_user_options(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """listUserOptions"""
    return listed(request, user_for(caller, user_id, "USER_VIEW"))


@transaction.atomic(using="sandbox")
def set_domain_option(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """setDomainOption"""
    return set_option(request, caller, domain_for(caller, domain_id, "DOMAIN_EDIT"))


@transaction.atomic(using="sandbox")
def set_user_option(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """setUserOption"""
    return set_option(request, caller, user_for(caller, user_id, "USER_EDIT"))


@transaction.atomic(using="sandbox")
def delete_domain_option(request: HttpRequest, caller: Caller, domain_id: str, option: str) -> HttpResponse:
    """deleteDomainOption"""
    return delete_option(caller, domain_for(caller, domain_id, "DOMAIN_EDIT"), option)


@transaction.atomic(using="sandbox")
def delete_user_option(request: HttpRequest, caller: Caller, user_id: str, option: str) -> HttpResponse:
    """deleteUserOption"""
    return delete_option(caller, user_for(caller, user_id, "USER_EDIT"), option)


def listed(request: HttpRequest, owner: Owner) -> HttpResponse:
    """The options that may be set here. Counted, and yet in one piece."""
    answers.parameters(request)
    found = [option_json(name, owner) for name, known in CATALOGUE.items() if scope_of(owner) in known.scopes]
    headers = {"X-Total-Count": str(len(found)), "Access-Control-Expose-Headers": "X-Total-Count"}
    return answers.json(found, headers=headers)


def set_option(request: HttpRequest, caller: Caller, owner: Owner) -> HttpResponse:
    body = answers.sent(request, OptionAdd)
    known = CATALOGUE.get(body.name)
    if known is None or scope_of(owner) not in known.scopes:
        raise Refusal(400, f"No option that can be set here: {body.name}.", {"name": "no option of this scope"})
    if known.restricted:
        sysadmin_only(caller)
    if not valid(known, body.value):
        raise Refusal(400, f"Not a value for an option of type {known.type}.", {"value": f"not of type {known.type}"})
    OptionValue.objects.update_or_create(
        scope=scope_of(owner), key=str(owner.pk), name=body.name, defaults={"value": body.value},
    )
    return answers.json(option_json(body.name, owner), status=201)


def delete_option(caller: Caller, owner: Owner, name: str) -> HttpResponse:
    known = CATALOGUE.get(name)
    if known is None or scope_of(owner) not in known.scopes:
        raise Refusal(404, "The option may not exist.")
    if known.restricted:
        sysadmin_only(caller)
    OptionValue.objects.filter(scope=scope_of(owner), key=str(owner.pk), name=name).delete()
    return answers.no_content()


def scope_of(owner: Owner) -> Scope:
    return Scope.USER if isinstance(owner, User) else Scope.DOMAIN


def above(owner: Owner) -> Iterator[tuple[Scope, str]]:
    """The scopes from the owner's own to the widest. The URL is the host of the application that serves the domain."""
    domain = owner.domain if isinstance(owner, User) else owner
    if isinstance(owner, User):
        yield Scope.USER, str(owner.pk)
    near = [(Scope.DOMAIN, str(domain.pk)), (Scope.CUSTOMER, str(domain.customer_id))]
    platform = Scope.PLATFORM, ""
    yield from near
    yield Scope.URL, nearest("APP_URL", [*near, platform])
    yield platform


def nearest(name: str, scopes: list[tuple[Scope, str]]) -> str:
    """The value that the first of these scopes to have one sets; else what the platform starts with."""
    wanted = Q()
    for scope, key in scopes:
        wanted |= Q(scope=scope, key=key)
    found = {(row.scope, row.key): row.value for row in OptionValue.objects.filter(wanted, name=name)} if scopes else {}
    return next((found[scope] for scope in scopes if scope in found), CATALOGUE[name].default if name in CATALOGUE else "")


def effective(name: str, owner: Owner) -> str:
    """What an option is for somebody, wherever that was set."""
    return nearest(name, list(above(owner)))


def valid(known: OptionDef, value: str) -> bool:
    """Is this text a value of the option's type?"""
    match known.type:
        case "LIST":
            return value in (known.values or ())
        case "BOOL":
            return value in ("true", "false", "1", "0")
        case "COLOR":
            return bool(re.fullmatch("#[0-9a-fA-F]{6}", value))
        case "EMAIL":
            return address_of(value) is not None
        case "HOST":
            return bool(HOST.fullmatch(value))
        case "URL":
            return is_url(value)
        case "TIMEZONE":
            return value in available_timezones()
        case "STRING":
            return "\n" not in value and "\r" not in value
    return True


def is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def option_json(name: str, owner: Owner) -> dict[str, Any]:
    """Option, as it is for the owner of the scope."""
    known = CATALOGUE[name]
    own, *rest = above(owner)
    value = OptionValue.objects.filter(scope=own[0], key=own[1], name=name).values_list("value", flat=True).first()
    return {
        "value": value,
        "parentValue": nearest(name, rest),
        "option": {
            "ptfScope": Scope.PLATFORM in known.scopes,
            "urlScope": Scope.URL in known.scopes,
            "customerScope": Scope.CUSTOMER in known.scopes,
            "domainScope": Scope.DOMAIN in known.scopes,
            "userScope": Scope.USER in known.scopes,
            "restricted": known.restricted,
            "group": known.group,
            "name": name,
            "type": known.type,
            "values": list(known.values) if known.values else None,
            "description": known.description,
        },
    }
