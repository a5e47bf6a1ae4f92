"""The first page: the search box in the middle, what fails by name, and what it takes to get there."""

from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from tests.shown import attribute, find, form, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
KB = 1024


def served(name: str) -> int:
    """The bytes of a file as it is served, compressed once and for all."""
    path = finders.find(name)
    assert isinstance(path, str)
    return len(brotli.compress(Path(path).read_bytes()))


def test_the_search_box_is_in_the_middle_of_the_page_and_once(as_admin: Client) -> None:
    home = as_admin.get("/")
    assert len(find(home, "input[name=q]")) == len(find(home, "main input[name=q]")) == 1
    assert attribute(home, "main input[name=q]", "placeholder") == "Name, address or domain"
    assert form(home, "q").action == "/search/"
    assert find(as_admin.get("/users/"), "header input[name=q]")


def test_what_fails_is_told_by_name_and_the_worst_first(as_admin: Client) -> None:
    panel = as_admin.get("/health/panel/", headers={"HX-Request": "true", "HX-Target": "home-health"})
    rows = find(panel, ".worst li")
    assert "alpenmilch-neu.example" in text(rows[0])
    assert find(rows[0], "a[href*='/health/']") and find(rows[0], ".chip.bad")
    assert any("grüne-fracht.example" in text(row) for row in rows)


def test_the_first_visit_takes_45_kilobytes_at_most(as_admin: Client) -> None:
    """The page for signing in and the first one after it, with all that they ask for."""
    pages = [Client().get("/sign-in/"), as_admin.get("/")]
    linked = {
        (element.attributes.get("href") or element.attributes.get("src") or "").partition("#")[0]
        for page in pages
        for element in find(page, "link[href], script[src], use[href]")
    }
    files = [served(address.removeprefix("/static/")) for address in linked]
    assert len(files) >= 5
    assert sum(files) + sum(len(brotli.compress(page.content)) for page in pages) <= 45 * KB
