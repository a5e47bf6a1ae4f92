"""How somebody likes it. One row for each wish of an owner; who wishes nothing has none.

A session takes them along when it begins (portal/session.py), so that no page asks the database for them.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from zoneinfo import available_timezones

from django.conf import settings

from portal.models import Preference


@cache
def choices() -> dict[str, list[str]]:
    """What can be wished for, by name. What is so by itself is no wish."""
    return {
        "language": [code for code, _name in settings.LANGUAGES],
        "theme": ["light", "dark"],
        "time_zone": sorted(available_timezones()),
        "rows": ["20", "100", "200"],
        "density": ["compact"],
        "open_next": ["on"],
    }


def of(owners: Sequence[str]) -> dict[str, str]:
    """The wishes of a person who was known by several names; the first one's count."""
    stored = Preference.objects.filter(owner__in=owners).values_list("owner", "name", "value")
    latest_last = sorted(stored, key=lambda row: -owners.index(row[0]))
    return {name: value for _owner, name, value in latest_last if value in choices().get(name, ())}


def store(owner: str, wishes: Mapping[str, str]) -> None:
    """Keep what is wished for; anything else takes the wish of that name back."""
    for name, value in wishes.items():
        if value in choices()[name]:
            Preference.objects.update_or_create(owner=owner, name=name, defaults={"value": value})
        else:
            Preference.objects.filter(owner=owner, name=name).delete()
