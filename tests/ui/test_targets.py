"""What an action was done to, as the activity log shows it."""

import pytest
from django.utils import translation

from portal.ui.words import target_name


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("ALLOW info@a.example: anna@b.example", "info@a.example allowed for anna@b.example"),
        ("BLOCK a.example: b.example", "a.example blocked for b.example"),
        ("BLOCK %s: x: b.example", "%s: x blocked for b.example"),  # what a sender is called is never a pattern
        ("anna@b.example: ALLOW me", "anna@b.example: ALLOW me"),
        ("ALLOW", "ALLOW"),
        ("", ""),
    ],
)
def test_a_sender_rule_is_told_in_words_and_anything_else_as_it_is(stored: str, shown: str) -> None:
    with translation.override("en"):
        assert target_name(stored) == shown
