"""What the API cannot list is offered from what the person's own domains show; it can always be typed as an id."""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.api import domains
from portal.api.client import Client
from portal.api.errors import ApiError, SignedOut

LOOKED_AT = 200  # domains: enough to offer something, in one call


@dataclass(frozen=True)
class Known:
    """Ids with their names, in the order of the names."""

    customers: dict[str, str]
    providers: dict[str, str]  # outgoing providers
    relays: dict[str, str]


def known(api: Client) -> Known:
    """What the person's first domains show. One call; nothing is known where it fails, and a form works without."""
    try:
        rows = api.page(domains.LIST, domains.Domain, size=LOOKED_AT).rows
    except SignedOut:
        raise
    except ApiError:
        rows = []
    return Known(
        customers=_named((row.customer.id, row.customer.name) for row in rows if row.customer),
        providers=_named((one.id, one.name) for row in rows for one in row.outgoingProviders or ()),
        relays=_named((one.id, one.name) for row in rows for one in row.platforms or ()),
    )


def _named(pairs: Iterable[tuple[str | int | None, str | None]]) -> dict[str, str]:
    found = {str(id): name or str(id) for id, name in pairs if id not in (None, "")}
    return dict(sorted(found.items(), key=lambda pair: pair[1].casefold()))
