"""How often somebody may try to sign in: so often from one address, so often with one token."""

from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from portal.api.errors import TooFast
from portal.models import SignInAttempt
from portal.vault import keyed

TRIES, WINDOW = {"address": 20, "token": 5}, timedelta(minutes=5)
# IPv6 networks whose addresses end in an IPv4 one: mapped, compatible, translated (SIIT and NAT64).
WITH_IPV4 = [ip_network(f"{start}/96") for start in ("::ffff:0:0", "::", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::")]


@sensitive_variables()
def count(request: HttpRequest, token: str) -> None:
    """Write the try down before it is made, so that a burst of parallel tries is counted too."""
    since = timezone.now() - WINDOW
    SignInAttempt.objects.filter(at__lt=since).delete()
    hashed = {"address": keyed("try", address_of(request)), "token": keyed("try", token)}
    SignInAttempt.objects.create(**hashed)
    for field, value in hashed.items():
        tries = SignInAttempt.objects.filter(at__gte=since, **{field: value}).order_by("at")
        if tries.count() > TRIES[field]:
            error = TooFast("")
            first = tries.first()
            error.retry_after = max(1, int((first.at + WINDOW - timezone.now()).total_seconds())) if first else 60
            raise error


@sensitive_variables()
def forgive(token: str) -> None:
    """Take the tries of a token back: it was a good one, or it was not the person's fault."""
    SignInAttempt.objects.filter(token=keyed("try", token)).delete()


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
