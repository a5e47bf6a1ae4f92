"""The list of domains and the hub of one, as people use them: with the keyboard, without JavaScript, on a telephone."""

import csv
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Visits
from tests.browser.server import Gateway, Sandbox
from tests.browser.test_accessibility import look


def test_a_domain_is_found_with_the_keyboard_alone(admin: Page) -> None:
    admin.goto("/domains/")
    admin.get_by_label("Filter text").focus()
    admin.keyboard.type("hafen")
    admin.keyboard.press("Enter")
    expect(admin.locator("tbody tr")).to_have_count(1)
    expect(admin.get_by_text("Name: hafen")).to_be_visible()
    admin.get_by_role("link", name="Show all").press("Enter")
    expect(admin.locator("tbody tr")).to_have_count(7)
    admin.get_by_role("navigation", name="Status").get_by_role("link", name="Deleted").press("Enter")
    expect(admin.locator("tbody")).to_contain_text("altmilch.example")
    expect(admin.locator("tbody")).to_contain_text("until")


def test_what_can_be_chosen_is_chosen_from_a_list_and_the_tabs_count(admin: Page) -> None:
    admin.goto("/domains/")
    expect(admin.get_by_role("navigation", name="Status").get_by_role("link", name="Pending")).to_have_text(re.compile(r"Pending\s*1"))
    expect(admin.get_by_label("Filter text")).to_be_visible()
    admin.get_by_label("Filter by").select_option("Status")
    expect(admin.get_by_label("Filter text")).not_to_be_visible()
    admin.locator("select[name=of-status]").select_option("Disabled")
    admin.get_by_role("button", name="Filter", exact=True).click()
    expect(admin).to_have_url(re.compile(r"/domains/\?status=DISABLED$"))
    expect(admin.locator("tbody tr")).to_have_count(1)


def test_the_health_comes_into_the_rows_by_itself(admin: Page, sandbox: Sandbox) -> None:
    ill = sandbox.domain("nordwind.example")
    sandbox.http.post(f"/domains/{ill}/health").raise_for_status()  # there is no DNS: its test fails
    admin.goto("/domains/")
    row = admin.get_by_role("row").filter(has=admin.get_by_role("link", name="nordwind.example", exact=True))
    expect(row.locator(".c-health .chip:not(.ok)")).to_be_visible()
    well = admin.get_by_role("row").filter(has=admin.get_by_role("link", name="atelier-lumiere.example", exact=True))
    expect(well.locator(".c-health")).to_have_text("OK")


def test_a_health_that_cannot_be_read_is_said_below_the_list_and_asked_for_again(visits: Visits, gateway: Gateway) -> None:
    page = visits("admin", url=gateway.portal)
    gateway.refuse["/health"] = 500
    page.goto("/domains/")
    expect(page.get_by_text("Health could not be loaded.")).to_be_visible()
    expect(page.locator(".c-health").nth(1)).to_have_text("Show")
    look(page)
    gateway.refuse.clear()
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(".c-health").nth(1)).to_contain_text(" + 1")
    expect(page.get_by_text("Health could not be loaded.")).not_to_be_visible()


def test_the_whole_list_is_downloaded(admin: Page) -> None:
    admin.goto("/domains/?name=nordwind")
    with admin.expect_download() as download:
        admin.get_by_text("Export", exact=True).click()
        admin.get_by_role("link", name="CSV").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        assert [row["Domain"] for row in csv.DictReader(file)] == ["nordwind-hafen.example", "nordwind.example"]
    assert re.fullmatch(r"domains-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)


def test_without_javascript_all_of_it_is_a_link_away(visits: Visits) -> None:
    page = visits("admin", java_script_enabled=False)
    page.goto("/domains/")
    page.get_by_label("Filter by").select_option("External ID")
    page.get_by_label("Filter text").fill("RT-1001-1")
    page.get_by_label("Filter text").press("Enter")
    expect(page).to_have_url(re.compile(r"/domains/\?externalId=RT-1001-1$"))
    page.get_by_text("Columns", exact=True).first.click()
    page.get_by_role("checkbox", name="Customer").uncheck()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile(r"/domains/\?externalId=RT-1001-1$"))
    expect(page.get_by_role("columnheader", name="Customer")).to_have_count(0)
    page.get_by_role("link", name="nordwind.example", exact=True).click()
    page.get_by_role("link", name="Show setup checklist").click()
    expect(page.get_by_role("heading", name="DKIM signature")).to_be_visible()
    page.get_by_role("link", name="Go to users").click()
    expect(page.locator("tbody")).to_contain_text("anna.keller@nordwind.example")
    page.get_by_label("Filter text").fill("keller")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_record_to_publish_fits_on_a_telephone_and_is_copied(visits: Visits, sandbox: Sandbox) -> None:
    domain = sandbox.domain("nordwind.example")
    (record, *_others) = sandbox.http.post(f"/domains/{domain}/dkim").raise_for_status().json()
    page = visits("admin", size=PHONE, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/domains/{domain}/setup/")
    page.get_by_role("button", name="Copy: Value").click()
    expect(page.get_by_role("button", name="Copy: Value")).to_have_text("✓")
    assert page.evaluate("navigator.clipboard.readText()") == record.split(" TXT ")[1]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    look(page)
