"""Relays, the mail servers behind a domain (PlatformDTO). They are written with their domain only."""

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from sandbox.answers import Id, Name, Port, Refusal, Shape, given
from sandbox.models import Domain, Platform
from sandbox.names import HOST

SECRETS = ("bind_password", "bindPassword", "password", "clientSecret")
WHERE = ("host", "port", "issuerUri", "tenantId")
# What the settings may hold, in both spellings (conventions.md, gap 16).
AUTH = {
    "host", "port", "bind_user", "bind_password", "use_ssl", "base_dn", "mail_attribute", "cert_pem", "username_format",
    "bindUser", "bindPassword", "useSsl", "baseDn", "mailAttribute", "certPem", "usernameFormat",
    "issuerUri", "clientId", "clientSecret", "nameAttr", "scope", "tenantId",
}
API = {"host", "login", "password", "testAccount", "port", "useSsl", "clientId", "tenantId", "clientSecret"}
AuthType = Literal["local", "imap", "ldap", "oidc", "entra", "LOCAL", "IMAP", "LDAP", "OIDC", "ENTRA"]
ApiType = Literal["IMAP", "EXCHANGE", "O365", "imap", "exchange", "o365"]
Transport = Literal["SMTP", "SMTPS_ENCRYPT", "SMTPS_MAY"]


class PlatformBody(Shape):
    name: Name
    transport_dest: Name
    transport_type: Transport
    transport_port: Port
    id: Id | UnsetType | None = UNSET
    fallback_transport_dest: str | UnsetType | None = UNSET
    fallback_transport_type: Transport | UnsetType | None = UNSET
    fallback_transport_port: Port | UnsetType | None = UNSET
    api_type: ApiType | UnsetType | None = UNSET
    api_data: dict[str, Any] | UnsetType | None = UNSET
    auth_type: AuthType | UnsetType = UNSET
    auth_data: dict[str, Any] | str | UnsetType | None = UNSET
    default: bool | UnsetType = UNSET


def write_platforms(domain: Domain, bodies: list[PlatformBody]) -> None:
    """The relays of a domain become these: those with an id are changed, new ones made, the others removed."""
    kept = []
    for body in bodies:
        row = Platform(domain=domain)
        if isinstance(body.id, str | int):
            found = domain.platforms.filter(pk=Platform.key(str(body.id))).first()
            if found is None:
                raise Refusal(422, "The domain has no such relay.", {"platforms.id": "no relay of this domain"})
            row = found
        for name, value in columns(body).items():
            setattr(row, name, with_secrets(getattr(row, name), value) if name.endswith("_data") else value)
        row.save()
        kept.append(row.pk)
    domain.platforms.exclude(pk__in=kept).delete()


def columns(body: PlatformBody) -> dict[str, Any]:
    """The columns that a body sets."""
    found = given(body)
    found.pop("id", None)
    for name in ("transport_dest", "fallback_transport_dest"):
        if found.get(name) and not HOST.fullmatch(found[name]):
            raise Refusal(400, "A relay's host is a name or an address.", {f"platforms.{name}": "no host"})
    found |= {"auth_data": known(body.auth_data, AUTH, "authData"), "api_data": known(body.api_data, API, "apiData")}
    if "auth_type" in found:
        found["auth_type"] = found["auth_type"].lower()
    if found.get("api_type"):
        found["api_type"] = found["api_type"].upper()
    return found


def known(value: Any, names: set[str], where: str) -> dict[str, Any] | None:
    """The settings of a sign-in provider or of an API, which may come as null or as "" as well (conventions.md, gap 16)."""
    if value and not isinstance(value, dict):
        raise Refusal(400, f"{where} is an object.", {where: "not an object"})
    if unknown := sorted(value.keys() - names) if value else []:
        raise Refusal(400, f"Unknown fields in {where}: {', '.join(unknown)[:200]}.", dict.fromkeys(unknown, "unknown"))
    return value or None


def with_secrets(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any] | None:
    """New settings with the secrets of the old ones: nobody gets those to see, so nobody can send them back.

    For another server there are none: who may change where it is would else be told its password.
    """
    if not new or any((old or {}).get(name) != new.get(name) for name in WHERE):
        return new
    return {**{name: value for name, value in (old or {}).items() if name in SECRETS}, **new}


def shown(settings: dict[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in settings.items() if name not in SECRETS} if settings else settings


def platform_json(platform: Platform) -> dict[str, Any]:
    """PlatformDTO, without the secrets in its settings."""
    return {
        "id": platform.uid,
        "name": platform.name,
        "transportDest": platform.transport_dest,
        "transportType": platform.transport_type,
        "transportPort": platform.transport_port,
        "fallbackTransportDest": platform.fallback_transport_dest,
        "fallbackTransportType": platform.fallback_transport_type,
        "fallbackTransportPort": platform.fallback_transport_port,
        "apiType": platform.api_type,
        "apiData": shown(platform.api_data),
        "authType": platform.auth_type,
        "authData": shown(platform.auth_data),
        "default": platform.default,
    }
