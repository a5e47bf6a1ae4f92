"""Diagnostics as somebody reads and repeats them: by mouse, by keyboard, and by plain links and forms."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, Visits
from tests.browser.server import Sandbox
from tests.browser.steps import settled, toast
from tests.browser.test_accessibility import look
from tests.browser.test_small_screens import fits

JUST_NOW = re.compile("checked (just now|[0-9]+ seconds ago)")  # a slow machine needs a moment
HAFEN = "nordwind-hafen.example"


def row(page: Page, name: str) -> Locator:
    return page.locator(".todo > li").filter(has_text=name)


def test_from_the_home_page_to_the_record_that_is_missing(admin: Page, sandbox: Sandbox) -> None:
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.goto("/")
    expect(admin.locator("#home-health")).to_contain_text("4 domains have a problem. 1 relay has a problem.")
    admin.get_by_role("link", name="Show problems").click()
    expect(admin.get_by_role("heading", name="4 of 7 domains have a problem, and 1 relay")).to_be_visible()
    expect(admin.get_by_role("img", name="All domains by state")).to_be_visible()
    admin.get_by_role("link", name=re.compile("^No MX record")).click()
    expect(admin).to_have_url(re.compile(r"/health/\?kind=mx-missing$"))
    expect(admin.locator(".todo > li")).to_have_count(1)
    admin.get_by_role("link", name=HAFEN).click()
    expect(admin.get_by_text("DNS does not say where mail for this domain goes")).to_be_visible()
    admin.get_by_role("button", name="Copy: MX records").click()
    assert admin.evaluate("navigator.clipboard.readText()") == "\n".join(
        f"{HAFEN}. 3600 IN MX {n}0 mx{n}.gateway.example." for n in (1, 2)
    )


def test_one_is_checked_again_in_its_place_by_keyboard(admin: Page, sandbox: Sandbox) -> None:
    admin.goto("/health/")
    button = admin.get_by_role("button", name=f"Check {HAFEN} again")
    button.focus()
    admin.keyboard.press("Enter")
    admin.keyboard.press("Enter")  # one that is impatient
    expect(toast(admin)).to_contain_text(f"{HAFEN}: Could not be checked.")
    expect(row(admin, HAFEN)).to_contain_text(JUST_NOW)
    expect(row(admin, HAFEN).locator(".chip")).to_have_text("Could not be checked")
    expect(button).to_be_focused()
    look(admin)
    assert len(admin.locator(".todo > li").all()) == 5  # the others stay where they are
    (report,) = (one["health"]["report"] for one in sandbox.get("/health") if one["name"] == HAFEN)
    assert {test["result"] for test in report["entries"]} == {"ERROR"}


def test_the_panel_of_a_domain_checks_again_in_its_place(admin: Page, sandbox: Sandbox) -> None:
    admin.route(re.compile("/(policies|admins)/$"), lambda route: route.fulfill(body=""))  # the panels beside it
    admin.goto(f"/domains/{sandbox.domain(HAFEN)}/")
    panel = admin.locator("#domain-health")
    expect(panel).to_contain_text("No MX record")
    admin.get_by_role("button", name="Check again").click()
    expect(panel).to_contain_text(JUST_NOW)
    expect(admin.get_by_role("button", name="Check again")).to_be_focused()
    expect(toast(admin)).to_contain_text("Could not be checked")


def test_all_visible_domains_are_checked_on_a_telephone(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", size=PHONE)
    page.goto("/health/")
    fits(page)
    page.get_by_role("button", name="Check all 4 visible domains").click()
    expect(page.get_by_role("heading", name="Health check of 4 domains")).to_be_visible()
    expect(page.get_by_text("4 of 4 finished")).to_be_visible()
    settled(page)
    fits(page)
    look(page)
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("link", name=re.compile("^Could not be checked"))).to_contain_text("4 (")


def test_everything_works_by_plain_links_and_forms(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Show health").click()
    page.get_by_label("Part of the name").fill("hafen")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".todo > li")).to_have_count(1)
    page.get_by_role("button", name=f"Check {HAFEN} again").click()
    expect(page).to_have_url(re.compile(r"/health/\?name=hafen$"))  # the filter stays
    expect(toast(page)).to_contain_text(f"{HAFEN}: Could not be checked.")
    page.get_by_role("link", name=HAFEN).click()
    page.get_by_text("What the gateway saw").first.click()
    expect(page.get_by_text("no DNS resolver is configured").first).to_be_visible()
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text(JUST_NOW).first).to_be_visible()
    page.get_by_role("button", name="Check Mailserver again").click()
    expect(toast(page)).to_contain_text("Mailserver: Relay cannot be reached.")
    page.goto("/health/")
    page.get_by_role("button", name=re.compile("visible domain")).click()
    expect(page.get_by_text(re.compile("4 of 4 finished"))).to_be_visible()
