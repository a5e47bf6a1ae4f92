"""The records of a domain's keys: read, and shown in every form in which they are copied."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from portal.api import dkim, domains
from portal.api.errors import NotFound
from portal.meaning import dkim as keys
from portal.ui.pages import PortalRequest, got, read_domain, together

PER_PAGE = 20  # records: each is shown in six forms


@dataclass(frozen=True)
class Copy:
    """One form of a record, to be copied. `id` is unique in the page."""

    id: str
    label: str
    text: str
    wide: bool = False


@dataclass(frozen=True)
class Shown:
    """A record with all its forms."""

    record: keys.Record
    copies: list[Copy]


def read_records(request: PortalRequest, domain_id: str, *more: Callable[[], Any]) -> list[Any]:
    """The domain, then the lines of its records and `more`, or what went wrong with each. Raises what did with the domain."""
    domain, *rest = together(
        lambda: read_domain(request, domain_id),
        lambda: request.api.call(dkim.READ, dkim.Lines, ids={"domainId": domain_id}),
        *more,
    )
    return [got(domain), *rest]


def records_of(lines: Any) -> list[keys.Record]:
    """The records; none where the domain has no keys, which the gateway says with 404."""
    return [] if isinstance(lines, NotFound) else keys.records(got(lines))


def zone_file(domain: domains.Domain, records: list[keys.Record]) -> HttpResponse:
    """All records, one a line, as a file. What we do not understand is left out: it would break somebody's zone."""
    text = "".join(f"{record.zone}\n" for record in records if record.name)
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="dkim.zone.txt"'
    return answer


def shown(record: keys.Record, number: int) -> Shown:
    """A record in every form that a provider of DNS may ask for."""
    if not record.name:
        return Shown(record, [])
    forms_of_it = (
        ("host", _("Host within the zone %(zone)s") % {"zone": record.domain}, record.host, False),
        ("name", _("Full name"), record.name + ".", False),
        ("value", _("Value"), record.value, True),
        ("strings", _("Value in pieces of 255 bytes"), record.strings, True),
        ("zone", _("Zone file line"), record.zone, True),
    )
    return Shown(record, [Copy(f"r{number}-{kind}", label, text, wide) for kind, label, text, wide in forms_of_it])


def commands(name: str) -> list[Copy]:
    """How to look into DNS from one's own machine. The name has nothing in it that a shell would read."""
    return [
        Copy("ask-nslookup", "Windows", f"nslookup -type=TXT {name}", True),
        Copy("ask-dig", "macOS, Linux", f"dig +short TXT {name}", True),
    ]
