"""How somebody likes it. One row for each wish of an owner; who wishes nothing has none.

A session takes them along when it begins (portal/session.py), so that no page asks the database for them. What somebody has
dismissed is a row, too, which only the page that would show it asks for.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from zoneinfo import available_timezones

from django.conf import settings
from django.db.models import QuerySet

from portal.models import Preference

# The lists whose columns can be chosen: the wish of each is `columns.<name>`, names of columns with commas between them.
LISTS = ("domains", "users", "domain-users", "policies", "aliases", "admins", "activity", "jobs")
COLUMNS = re.compile("[a-zA-Z]{1,32}(,[a-zA-Z]{1,32}){0,15}")
MOST_DISMISSED = 500  # of one owner; the oldest goes


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


def is_wish(name: str, value: str) -> bool:
    """Can this be wished for? Which columns a list has is known by its page: it leaves out what is none of them."""
    if name.startswith("columns."):
        return name.removeprefix("columns.") in LISTS and bool(COLUMNS.fullmatch(value))
    return value in choices().get(name, ())


def of(owners: Sequence[str]) -> dict[str, str]:
    """The wishes of a person who was known by several names; the first one's count."""
    stored = Preference.objects.filter(owner__in=owners).exclude(value="dismissed").values_list("owner", "name", "value")
    latest_last = sorted(stored, key=lambda row: -owners.index(row[0]))
    return {name: value for _owner, name, value in latest_last if is_wish(name, value)}


def store(owner: str, wishes: Mapping[str, str]) -> None:
    """Keep what is wished for; anything else takes the wish of that name back."""
    for name, value in wishes.items():
        if is_wish(name, value):
            Preference.objects.update_or_create(owner=owner, name=name, defaults={"value": value})
        else:
            Preference.objects.filter(owner=owner, name=name).delete()


def dismissed(owner: str, what: str, id: str) -> bool:
    """Does the owner no longer want to see `what` of this object?"""
    return Preference.objects.filter(owner=owner, name=_name(what, id)).exists()


def dismiss(owner: str, what: str, id: str) -> None:
    Preference.objects.get_or_create(owner=owner, name=_name(what, id), defaults={"value": "dismissed"})
    oldest = _dismissed([owner]).order_by("-pk").values_list("pk", flat=True)[MOST_DISMISSED:]
    Preference.objects.filter(pk__in=list(oldest)).delete()


def hand_over(owner: str, before: Sequence[str]) -> None:
    """What was wished for and dismissed under the names of before is the owner's."""
    theirs = Preference.objects.filter(owner__in=before)
    if theirs.exists():
        store(owner, of([owner, *before]))
        for name in set(_dismissed(before).values_list("name", flat=True)):
            Preference.objects.get_or_create(owner=owner, name=name, defaults={"value": "dismissed"})
        theirs.delete()


def _dismissed(owners: Sequence[str]) -> QuerySet[Preference]:
    return Preference.objects.filter(owner__in=owners, value="dismissed")


def _name(what: str, id: str) -> str:
    return f"{what}-{sha256(id.encode()).hexdigest()[:20]}"  # an id may be longer than the column
