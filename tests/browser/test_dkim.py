"""Aliases and DKIM in a browser: without JavaScript, by keyboard, on a phone, and with DNS that changes meanwhile."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Site, Visits
from tests.browser.server import Sandbox, Server
from tests.browser.test_accessibility import SIZES, look
from tests.sandbox.servers import Records, dns_server

DOMAIN = "nordwind.example"
RECORDS: Records = {}


@pytest.fixture(scope="module")
def running_zone(running_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A second portal on the same data, whose sandbox asks a DNS server of ours."""
    log = tmp_path_factory.mktemp("zone") / "server.log"
    with dns_server(RECORDS) as resolver, Server(running_site.server.data, log, SANDBOX_RESOLVER=resolver).running() as server:
        yield server


@pytest.fixture
def zone(site: Site, running_zone: Server) -> Server:
    RECORDS.clear()
    RECORDS[(DOMAIN, "MX")] = ["10 mx1.gateway.example."]
    return running_zone


def place(sandbox: Sandbox, tail: str = "") -> str:
    return f"/domains/{sandbox.domain(DOMAIN)}/{tail}"


def publish(page: Page) -> None:
    """Somebody puts the record of the page into DNS: the line for a zone file, as it stands there."""
    line = page.locator("#r0-zone").inner_text()
    found = re.fullmatch(r"(\S+)\. 3600 IN TXT (.*)", line)
    assert found, line
    RECORDS[(found[1], "TXT")] = [found[2]]


def check(page: Page) -> Any:
    return page.locator("#dkim-check")


def test_without_javascript_from_no_key_to_a_rotated_one(visits: Visits, zone: Server, sandbox: Sandbox) -> None:
    page = visits("admin", url=zone.url, java_script_enabled=False)
    page.goto(place(sandbox))
    page.get_by_role("link", name="DKIM").click()
    page.get_by_role("button", name="Generate keys").click()
    page.get_by_role("button", name="Check again").click()
    expect(check(page)).to_contain_text("Not in DNS yet.")
    publish(page)
    page.get_by_role("button", name="Check again").click()
    expect(check(page)).to_contain_text("The record is in DNS and matches the key that signs.")

    page.get_by_role("link", name="Rotate key").click()
    page.get_by_label("Selector").fill("second")
    page.get_by_role("button", name="Prepare key").click()
    publish(page)
    assert sandbox.get(place(sandbox, "dkim"))[0].startswith("protect.")  # and all this time it signs as before
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign as second from now on").click()
    expect(page.locator("main")).to_contain_text("protect._domainkey.nordwind.example")
    page.get_by_role("button", name="Check again").click()
    expect(check(page)).to_contain_text("The record is in DNS and matches the key that signs.")
    assert sandbox.get(place(sandbox, "dkim"))[0].startswith("second.")


def test_a_page_asks_by_itself_until_the_record_is_there_and_only_while_somebody_looks(
    visits: Visits, zone: Server, sandbox: Sandbox,
) -> None:
    page = visits("admin", url=zone.url)
    page.clock.install()
    page.goto(place(sandbox, "dkim/"))
    page.get_by_role("button", name="Generate keys").click()
    button = page.get_by_role("button", name="Check again")
    button.focus()
    page.keyboard.press("Enter")
    expect(check(page)).to_contain_text("Checks again in 15 seconds")
    expect(button).to_be_focused()
    publish(page)

    def times() -> int:
        return zone.calls().count("runDomainDiagnostic")

    before = times()
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.clock.fast_forward(20_000)
    page.wait_for_timeout(500)
    assert times() == before
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(check(page)).to_contain_text("The record is in DNS and matches the key that signs.")
    page.clock.fast_forward(120_000)
    page.wait_for_timeout(500)
    assert times() == before + 1


def test_a_record_is_copied_by_keyboard(visits: Visits, zone: Server, sandbox: Sandbox) -> None:
    page = visits("admin", url=zone.url, permissions=["clipboard-read", "clipboard-write"])
    page.goto(place(sandbox, "dkim/"))
    page.get_by_role("button", name="Generate keys").click()
    page.get_by_role("button", name="Copy: Zone file line").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("✓")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#r0-zone").inner_text()


def test_the_whole_list_of_aliases_is_replaced_on_a_phone(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("customer", size=PHONE)
    page.goto(place(sandbox, "aliases/"))
    page.get_by_role("link", name="Replace whole list").click()
    page.get_by_label("Names").fill("nordwind.test\nbücher.example")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".added")).to_have_text(re.compile("xn--bcher-kva.example"))
    expect(page.locator(".removed")).to_have_count(2)
    page.get_by_role("button", name="Replace list").click()
    expect(page.locator("#toasts")).to_contain_text("The list of aliases was replaced.")
    names = [alias["name"] for alias in sandbox.get(place(sandbox, "aliases"))]
    assert names == ["nordwind.test", "xn--bcher-kva.example"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@SIZES
def test_axe_finds_nothing_on_any_of_these_pages(size: Any, visits: Visits, zone: Server, sandbox: Sandbox) -> None:
    page = visits("admin", url=zone.url, size=size, reduced_motion="reduce")
    visits.watch.expect("status of 422")
    alias = sandbox.get(place(sandbox, "aliases"))[0]["id"]
    for tail in ("aliases/", "aliases/replace/", f"aliases/{alias}/delete/", "dkim/", "dkim/new/"):
        page.goto(place(sandbox, tail))
        look(page)
    page.goto(place(sandbox, "aliases/"))
    page.get_by_label("Names").fill("not_a_name nordwind.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("nordwind.example: is the domain itself")).to_be_visible()
    look(page)
    page.goto(place(sandbox, "aliases/replace/"))
    page.get_by_label("Names").fill("winter.example")
    page.get_by_role("button", name="Preview").click()
    look(page)
    page.goto(place(sandbox, "dkim/"))
    page.get_by_role("button", name="Generate keys").click()
    page.get_by_role("button", name="Close").click()
    page.locator("details.record").evaluate_all("all => all.forEach(one => { one.open = true })")
    page.get_by_role("button", name="Check again").click()
    expect(check(page)).to_contain_text("Not in DNS yet.")
    page.get_by_text("What the gateway saw").click()
    look(page)
    for tail in ("dkim/replace/", "dkim/delete/", "dkim/rotate/"):
        page.goto(place(sandbox, tail))
        look(page)
    page.get_by_role("button", name="Prepare key").click()
    expect(page.get_by_role("checkbox")).to_be_visible()
    look(page)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign as").click()
    expect(check(page)).to_contain_text("Not in DNS yet.")
    look(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= (DESKTOP if size == DESKTOP else PHONE)["width"]
