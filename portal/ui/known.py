"""What the API cannot list is offered from what the person's own domains show; it can always be typed as an id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.api import domains
from portal.api.client import Client
from portal.api.errors import ApiError, SignedOut
from portal.ui.pages import together

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


def taken_names(api: Client, names: Sequence[str]) -> list[str]:
    """Which of these names belong to a domain, and to which, as far as this person may see: the gateway alone knows of all.

    One call for each name, and one for the aliases of the first domains.
    """
    first, *answers = together(
        lambda: api.page(domains.LIST, domains.Domain, size=LOOKED_AT),
        *[lambda name=name: api.page(domains.LIST, domains.Domain, size=1, query={"name": name}) for name in names],
    )
    rows = () if isinstance(first, ApiError) else first.rows
    alias_of = {(alias.name or "").lower(): row.name for row in rows for alias in row.domainAliases or ()}
    taken = []
    for name, answer in zip(names, answers, strict=True):
        if not isinstance(answer, ApiError) and any((row.name or "").lower() == name for row in answer.rows):
            taken.append(_("%(name)s: is a separate domain") % {"name": name})
        elif name in alias_of:
            taken.append(_("%(name)s: is an alias of %(domain)s") % {"name": name, "domain": alias_of[name] or "?"})
    return taken


def _named(pairs: Iterable[tuple[str | int | None, str | None]]) -> dict[str, str]:
    found = {str(id): name or str(id) for id, name in pairs if id not in (None, "")}
    return dict(sorted(found.items(), key=lambda pair: pair[1].casefold()))
