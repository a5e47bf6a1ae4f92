"""What a person changed, and what somebody else changed meanwhile."""

from typing import Any

import pytest

from portal.ui.change import Change, same


@pytest.mark.parametrize(("record", "seen", "typed", "differences", "overtaken", "meanwhile"), [
    ({"a": 1}, {"a": 1}, {"a": 1}, {}, [], []),
    ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}, [], []),
    ({"a": 3}, {"a": 1}, {"a": 1}, {}, [], ["a"]),
    ({"a": 3}, {"a": 1}, {"a": 2}, {"a": 2}, ["a"], []),
    ({"a": 2}, {"a": 1}, {"a": 2}, {"a": 2}, [], []),  # both want the same
    ({}, {}, {"a": 2}, {"a": 2}, [], []),  # something new
    ({}, {}, {"a": ""}, {}, [], []),
    ({"a": None}, {"a": None}, {"a": ""}, {}, [], []),
    ({"a": "x"}, {}, {"a": "y"}, {"a": "y"}, [], []),  # what nobody saw was not overtaken
    ({}, {"a": "x"}, {"a": "y"}, {"a": "y"}, ["a"], []),  # gone meanwhile
    ({"a": "y"}, {"a": "x"}, {}, {}, [], ["a"]),  # not in the form any more, or wrong there
    ({"a": ["q", "p"]}, {"a": ["p", "q"]}, {"a": ["q", "p"]}, {}, [], []),
    ({"a": 1, "b": 9}, {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2}, [], ["b"]),
])
def test_a_change_is_what_differs_from_what_was_seen(
    record: dict[str, Any], seen: dict[str, Any], typed: dict[str, Any], differences: dict[str, Any], overtaken: list[str], meanwhile: list[str],
) -> None:
    change = Change(record, seen, typed)
    assert (change.differences, change.overtaken, change.meanwhile) == (differences, overtaken, meanwhile)


def test_what_goes_along_is_changed_too_and_may_be_overtaken() -> None:
    change = Change({"kind": "new"}, {"kind": "old"}, {"kind": "old", "host": "h"}, along=["kind"])
    assert (change.differences, change.overtaken, change.meanwhile) == ({"kind": "old", "host": "h"}, ["kind"], [])


@pytest.mark.parametrize(("one", "other", "alike"), [
    (None, "", True), (None, [], True), ("", [], True), (None, False, True), (None, True, False), (None, 0, False), (0, "0", True),
    (5, "5", True), (5, 5.0, True), ("a", "A", False), ("a\r\nb", "a\nb", True), (" a ", "a", True), (["a", "b"], ["b", "a"], True),
    (["a"], ["a", "a"], False), (["a"], "a", False), ([1], ["1"], True), (True, False, False), (True, True, True), ("x", None, False),
    ((), [], True),
])
def test_two_values_mean_the_same_or_they_do_not(one: Any, other: Any, alike: bool) -> None:
    assert same(one, other) is alike
    assert same(other, one) is alike
