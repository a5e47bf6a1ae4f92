"""Every list of the gateway against its operation: what it can be sorted and filtered by, and what is chosen of it."""

import importlib
import pkgutil
from typing import Any

import pytest
from django.http import QueryDict
from django_tables2 import Column

import portal.pages
import portal.ui
from portal import preferences
from portal.ui.lists import Filter, List, chosen


def every_list() -> dict[str, List]:
    """All lists that any page has, by their names."""
    modules = [
        importlib.import_module(found.name)
        for package in (portal.pages, portal.ui)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    return {one.name: one for module in modules for one in vars(module).values() if isinstance(one, List)}


LISTS = every_list()
each_list = pytest.mark.parametrize("one", LISTS.values(), ids=LISTS)
OF_THE_GATEWAY = pytest.mark.parametrize("one", [one for one in LISTS.values() if one.operation], ids=lambda one: one.name)


def orderable(one: List) -> list[str]:
    return [name for name, column in one.table.base_columns.items() if column.orderable]


@OF_THE_GATEWAY
def test_a_list_is_sorted_by_every_key_that_the_api_documents_and_by_no_other(one: Any):
    assert set(orderable(one)) == set(one.operation.sort)


@OF_THE_GATEWAY
def test_a_list_is_filtered_by_everything_that_the_api_documents_and_by_nothing_else(one: Any):
    assert set(one.filters) == set(one.operation.filters)


@each_list
def test_what_is_there_for_who_asks_for_it_are_columns_and_the_name_is_none_of_them(one: List):
    first, *others = one.table.base_columns
    assert set(one.further) <= set(others)
    assert isinstance(one.table.base_columns[first], Column)


@each_list
def test_the_columns_of_every_list_can_be_kept(one: List):
    assert one.name in preferences.LISTS
    assert preferences.is_wish(f"columns.{one.name}", ",".join(one.table.base_columns))


def test_no_list_is_named_that_is_none():
    assert set(preferences.LISTS) == set(LISTS)


@pytest.mark.parametrize("value", ["", ",", "name,", "a b", "<script>", "x" * 700, "a" * 33, "é"])
def test_nothing_else_is_kept_as_columns(value: str):
    assert not preferences.is_wish("columns.domains", value)
    assert not preferences.is_wish("columns.elsewhere", "name")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ("", "")),
        ("name=a", ("name", "a")),
        ("name=%20*", ("", "")),
        ("status=ON&name=b", ("name", "b")),
        ("status=ON", ("status", "ON")),
        ("status=SLEEPING", ("", "")),
        ("owner=x", ("", "")),
        ("name=" + "x" * 999, ("name", "x" * 200)),
    ],
)
def test_of_several_filters_the_first_one_counts_and_a_value_that_there_is_not_is_none(query: str, found: tuple[str, str]):
    filters = {"name": Filter("Name"), "status": Filter("Status", choices={"ON": "on"})}
    assert chosen(QueryDict(query), List("x", None, None, LISTS["domains"].table, (), filters)) == found
