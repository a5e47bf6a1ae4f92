"""Dates: one style per language, the year only where it is another one."""

from datetime import UTC, datetime, timedelta, timezone as zones

import pytest
from django.conf import settings
from django.utils import timezone, translation

from portal.ui import dates

AT = datetime(2026, 11, 29, 20, 41, 12, tzinfo=zones(timedelta(hours=1), "CET"))


@pytest.mark.parametrize(
    ("language", "this_year", "other_year", "minute"),
    [
        ("en", "29 Nov", "29 Nov 2026", "29 Nov, 20:41"),
        ("de", "29. Nov.", "29. Nov. 2026", "29. Nov., 20:41"),
        ("fr", "29 nov.", "29 nov. 2026", "29 nov., 20:41"),
        ("es", "29 nov", "29 nov 2026", "29 nov, 20:41"),
        ("da", "29. nov.", "29. nov. 2026", "29. nov., 20.41"),
        ("nb", "29. nov.", "29. nov. 2026", "29. nov., 20:41"),
    ],
)
def test_a_date_is_written_as_its_language_writes_it(language: str, this_year: str, other_year: str, minute: str) -> None:
    with translation.override(language):
        assert dates.day(AT, 2026) == this_year
        assert dates.day(AT, 2027) == other_year
        assert dates.minute(AT, 2026) == minute


def test_the_exact_time_has_its_year_its_seconds_and_its_zone() -> None:
    with translation.override("en"):
        assert dates.exact(AT) == "29 Nov 2026, 20:41:12 CET"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "2 days ago"), ("de", "vor 2 Tagen"), ("fr", "il y a 2 jours"), ("es", "hace 2 días"), ("da", "for 2 dage siden"), ("nb", "for 2 døgn siden")],
)
def test_how_long_ago_something_was_is_told_as_a_person_says_it(language: str, words: str) -> None:
    with translation.override(language):
        assert dates.ago(AT - timedelta(days=2, hours=3), AT) == words


def test_now_is_never_ahead_and_what_lies_ahead_is_a_date() -> None:
    with translation.override("en"), timezone.override(UTC):
        assert dates.ago(None) == ""
        assert dates.ago(AT - timedelta(seconds=1), AT) == dates.ago(AT + timedelta(seconds=1), AT) == "just now"
        assert dates.ago(AT + timedelta(days=2), AT) == dates.minute(AT.astimezone(UTC) + timedelta(days=2))


def test_every_language_of_the_dashboard_has_a_style() -> None:
    for language, _name in settings.LANGUAGES:
        assert len(dates.style(language).months) == 12
