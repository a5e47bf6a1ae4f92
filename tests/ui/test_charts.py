"""Bars: as long as what they stand for, never outside of the chart, and never invisible."""

from hypothesis import given, strategies as st

from portal.ui.charts import LEAST, bars

values = st.lists(st.integers(0, 10**9), max_size=12)


def rows(values: list[int]) -> list[tuple[str, str, str, int]]:
    return [(str(n), f"row {n}", "bad", value) for n, value in enumerate(values)]


def test_a_bar_is_as_long_as_its_share() -> None:
    found = bars(rows([50, 25, 0]), 100)
    assert [(one.value, one.share, one.x, one.width) for one in found] == [(50, 50, 0, 50), (25, 25, 0, 25), (0, 0, 0, 0)]


def test_the_pieces_of_one_bar_stand_side_by_side() -> None:
    found = bars(rows([1, 2, 1]), 0, stacked=True)
    assert [(one.x, one.width) for one in found] == [(0, 25), (25, 50), (75, 25)]


def test_one_of_a_hundred_thousand_can_be_seen_and_is_not_nothing() -> None:
    one, rest = bars(rows([1, 99_999]), 100_000)
    assert (one.width, one.share, rest.share) == (LEAST, 1, 99)


def test_more_than_the_whole_is_the_whole() -> None:
    (one,) = bars(rows([7]), 5)
    assert (one.width, one.share) == (100, 100)


@given(values, st.integers(-5, 10**9), st.booleans())
def test_no_bar_leaves_the_chart(found: list[int], whole: int, stacked: bool) -> None:
    for one in bars(rows(found), whole, stacked=stacked):
        assert 0 <= one.x <= 100.01
        assert one.width >= 0
        assert one.x + one.width <= 100.02
        assert 0 <= one.share <= 100
