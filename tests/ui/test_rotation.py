"""Where the rotation of a DKIM key stands, told by records, what was prepared and the time."""

from dataclasses import replace

import pytest

from portal.meaning.dkim import Record, record, record_for
from portal.meaning.rotation import KEEP_OLD, Rotation, Stage, standing

NOW = 1_790_000_000
OLD, NEW, THIRD = (record_for(selector, "nordwind.example", public) for selector, public in (("old", "O"), ("new", "N"), ("third", "T")))
UNREADABLE = record("something new")
ROTATION = Rotation("new", "N", "private", "old", "O", prepared=NOW - 60)
HANDED_OVER = replace(ROTATION, private="", switched=NOW - 30)


@pytest.mark.parametrize(("records", "rotation", "stage"), [
    ([], None, Stage.NO_KEY),
    ([UNREADABLE], None, Stage.NO_KEY),
    ([], ROTATION, Stage.NO_KEY),
    ([], HANDED_OVER, Stage.NO_KEY),
    ([OLD], None, Stage.BEGIN),
    ([UNREADABLE, OLD], None, Stage.BEGIN),
    ([OLD], ROTATION, Stage.PREPARED),
    ([UNREADABLE, OLD], ROTATION, Stage.PREPARED),
    ([OLD], HANDED_OVER, Stage.HANDED_OVER),
    ([NEW], ROTATION, Stage.SWITCHED),  # the answer was lost, or another window was faster
    ([NEW], HANDED_OVER, Stage.SWITCHED),
    ([replace(NEW, selector="NEW")], HANDED_OVER, Stage.SWITCHED),
    ([THIRD], ROTATION, Stage.OVERTAKEN),
    ([THIRD], HANDED_OVER, Stage.OVERTAKEN),
    ([replace(OLD, selector="new")], ROTATION, Stage.OVERTAKEN),  # the new name with the old key
    ([replace(NEW, selector="old")], ROTATION, Stage.OVERTAKEN),  # the old name with the new key
    ([replace(OLD, selector="OLD")], ROTATION, Stage.OVERTAKEN),
])
def test_each_stage_follows_from_what_signs_and_what_was_prepared(
    records: list[Record], rotation: Rotation | None, stage: Stage,
) -> None:
    assert standing(records, rotation, NOW).stage is stage


def test_the_new_record_is_there_once_for_each_name_of_the_domain() -> None:
    alias = record_for("old", "winter.example", "O")
    state = standing([OLD, UNREADABLE, alias, OLD], ROTATION, NOW)
    assert state.now == OLD
    assert state.names == ["nordwind.example", "winter.example"]
    assert [new.name for new in state.new] == ["new._domainkey.nordwind.example", "new._domainkey.winter.example"]
    assert {new.public for new in state.new} == {"N"}


def test_the_old_record_is_kept_for_a_week_from_the_switch_on() -> None:
    assert standing([OLD], None, NOW).keep_old_until is None
    assert standing([NEW], HANDED_OVER, NOW).keep_old_until == NOW - 30 + KEEP_OLD
    assert standing([NEW], ROTATION, NOW).keep_old_until == NOW + KEEP_OLD  # when it was handed over is not known


def test_what_a_person_saw_is_another_thing_with_another_key_and_with_another_name() -> None:
    seen = standing([OLD], ROTATION, NOW).digest
    assert standing([OLD], ROTATION, NOW + 1).digest == seen
    assert standing([OLD], replace(ROTATION, public="M"), NOW).digest != seen
    assert standing([OLD, record_for("old", "winter.example", "O")], ROTATION, NOW).digest != seen


def test_the_private_key_is_in_no_text_of_a_rotation() -> None:
    assert "private" not in repr(ROTATION)
