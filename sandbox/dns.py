"""What DNS says of a domain, asked from the configured resolver, and only from that one."""

from typing import Any

from django.conf import settings
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, NoNameservers, Resolver


class Unreachable(Exception):
    """DNS gave no answer. That is no proof of anything."""


def host_and_port(text: str, port: int) -> tuple[str, int]:
    """`host` or `host:port`, as the settings spell a server."""
    host, colon, number = text.rpartition(":")
    return (host.strip("[]"), int(number)) if colon else (text, port)


def lookup(name: str, kind: str) -> list[Any]:
    """The records of a name; none where it has none. Raises Unreachable where nobody could say."""
    if not settings.SANDBOX_RESOLVER:
        raise Unreachable("no DNS resolver is configured (SANDBOX_RESOLVER)")
    try:
        host, port = host_and_port(settings.SANDBOX_RESOLVER, 53)
        resolver = Resolver(configure=False)
        resolver.nameservers = [host]
        resolver.port = port
        resolver.timeout = resolver.lifetime = settings.SANDBOX_TIMEOUT
        return list(resolver.resolve(name + ".", kind, search=False))
    except (NXDOMAIN, NoAnswer):
        return []
    except NoNameservers:
        raise Unreachable("the DNS resolver failed to answer") from None
    except (DNSException, OSError, ValueError) as problem:
        raise Unreachable(f"{type(problem).__name__}: the DNS resolver did not answer") from None


def mx(domain: str) -> list[str]:
    """The hosts that take a domain's mail, the preferred one first."""
    records = sorted(lookup(domain, "MX"), key=lambda record: record.preference)
    return [record.exchange.to_text(omit_final_dot=True).lower() for record in records]


def texts(name: str) -> list[str]:
    """The TXT records of a name, each put together from its pieces."""
    return [b"".join(record.strings).decode("ascii", "replace") for record in lookup(name, "TXT")]


def points_here(domain: str) -> bool:
    """Is this gateway among the hosts that take a domain's mail? Not, as far as nobody can say."""
    try:
        return bool(set(mx(domain)) & set(settings.SANDBOX_MX))
    except Unreachable:
        return False
