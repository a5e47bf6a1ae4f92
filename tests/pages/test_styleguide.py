"""The page with every part of a page: on one's own machine, and nowhere else."""

from typing import Any

import pytest
from django.test import Client

from tests.shown import find, text


def test_every_part_of_a_page_is_shown_without_signing_in() -> None:
    page = Client().get("/styleguide/", REMOTE_ADDR="127.0.0.1")
    parts = ".subnav .chip.ok .chip.warn .chip.bad .chip.gone .notice.bad .toast.warn .wrong .switch table .empty .loading .failed dialog time"
    for part in parts.split():
        assert find(page, part), part
    assert "Deleted" in text(page)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::1", "", "unix:", "127.0.0.1.example"])
def test_nobody_elsewhere_gets_it(address: str) -> None:
    assert Client().get("/styleguide/", REMOTE_ADDR=address).status_code == 404


def test_nobody_elsewhere_gets_it_by_a_proxy_on_this_machine() -> None:
    assert Client().get("/styleguide/", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 404


def test_in_production_nobody_gets_it(settings: Any) -> None:
    settings.LOCAL = False
    assert Client().get("/styleguide/", REMOTE_ADDR="127.0.0.1").status_code == 404
