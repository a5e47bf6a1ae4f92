"""Options, what users may do, and administrators: by keyboard, without JavaScript, on a phone, and as axe sees them."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visits
from tests.browser.server import Sandbox
from tests.browser.steps import settled, toast
from tests.browser.test_accessibility import TALL_PHONE, look

NORDWIND = "nordwind.example"
LONG = "maximiliana-friederike.von-und-zu-hohenstein@nordwind-logistik.example"


def made(sandbox: Sandbox, login: str, *permissions: str) -> str:
    """A new administrator of the domain; its id."""
    account = {"login": login, "displayName": "<b>Petra</b> Lüthi", "email": login, "password": "made for a test", "enabled": True}
    body = {**account, "language": "DE", "permissions": list(permissions or ("MAIL_VIEW",))}
    return str(sandbox.http.post(f"/domains/{sandbox.domain(NORDWIND)}/admins", json=body).json()["id"])


def pages(sandbox: Sandbox) -> list[str]:
    base, admin = f"/domains/{sandbox.domain(NORDWIND)}", made(sandbox, LONG, "MAIL_VIEW", "RULE_VIEW")
    sandbox.http.post(f"{base}/options", json={"name": "APP_COLOR", "value": "#aa3311"})
    addresses = (
        "options/", "options/?q=nothing", "options/APP_COLOR/", "options/APP_COLOR/reset/", "other-option/", "access/", "admins/",
        "add-admin/", "new-admin/", f"admins/{admin}/", f"admins/{admin}/revoke/",
    )  # fmt: skip
    return [f"{base}/{address}" for address in addresses]


@pytest.mark.parametrize("size", [DESKTOP, TALL_PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_on_options_and_access(size: Any, visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 422")
    page = visits("admin", size=size, reduced_motion="reduce")
    for address in pages(sandbox):
        page.goto(address)
        look(page)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Add administrator").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Choose an account or enter its ID.").first).to_be_visible()
    look(page)


def test_nothing_is_wider_than_a_phone(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", size=PHONE)
    for address in pages(sandbox):
        page.goto(address)
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


def value_of(sandbox: Sandbox, option: str) -> str | None:
    rows = sandbox.http.get(f"/domains/{sandbox.domain(NORDWIND)}/options").json()
    return next(row["value"] for row in rows if row["option"]["name"] == option)


def test_an_option_is_set_and_reset_by_keyboard_without_leaving_its_row(admin: Page, sandbox: Sandbox) -> None:
    admin.goto(f"/domains/{sandbox.domain(NORDWIND)}/options/")
    zone = admin.locator(".option").filter(has_text="TIME_ZONE")
    admin.get_by_label("Time zone of the dates in messages").fill("Asia/Tokyo")
    admin.keyboard.press("Enter")
    expect(toast(admin, "Setting TIME_ZONE was saved.")).to_be_visible()
    expect(zone).to_contain_text("set here")
    expect(zone.get_by_role("button", name="Save")).to_be_focused()
    assert value_of(sandbox, "TIME_ZONE") == "Asia/Tokyo"
    admin.keyboard.press("Tab")
    admin.keyboard.press("Enter")
    expect(toast(admin, "TIME_ZONE was reset to inherited. Previous value: Asia/Tokyo")).to_be_visible()
    expect(zone.get_by_role("button", name="Set here")).to_be_focused()
    expect(admin.get_by_label("Time zone of the dates in messages")).to_have_value("Europe/Zurich")
    assert value_of(sandbox, "TIME_ZONE") is None
    assert len(admin.locator(".option").all()) == 8


def test_a_value_that_is_wrong_is_told_in_its_row_and_the_others_keep_what_was_typed(
    admin: Page, sandbox: Sandbox, visits: Visits,
) -> None:  # fmt: skip
    visits.watch.expect("status of 422")
    admin.goto(f"/domains/{sandbox.domain(NORDWIND)}/options/")
    admin.get_by_label("Text at the end of the report").fill("half a sentence")
    zone = admin.locator(".option").filter(has_text="TIME_ZONE")
    admin.get_by_label("Time zone of the dates in messages").fill("Europe/Olten")
    zone.get_by_role("button", name="Set here").click()
    expect(zone).to_contain_text("Enter a time zone such as Europe/Zurich.")
    expect(admin.get_by_label("Time zone of the dates in messages")).to_have_value("Europe/Olten")
    expect(admin.get_by_label("Text at the end of the report")).to_have_value("half a sentence")


def test_options_without_javascript(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", java_script_enabled=False)
    page.goto(f"/domains/{sandbox.domain(NORDWIND)}/options/")
    frequency = page.locator(".option").filter(has_text="REPORT_FREQUENCY")
    page.get_by_label("How often the report is sent").select_option("WEEKLY")
    frequency.get_by_role("button", name="Set here").click()
    expect(toast(page, "Setting REPORT_FREQUENCY was saved.")).to_be_visible()
    assert value_of(sandbox, "REPORT_FREQUENCY") == "WEEKLY"
    frequency.get_by_role("button", name="Use inherited").click()
    expect(toast(page, "REPORT_FREQUENCY was reset to inherited.")).to_be_visible()
    assert value_of(sandbox, "REPORT_FREQUENCY") is None


def test_an_administrator_comes_and_goes_without_javascript(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", java_script_enabled=False)
    page.goto(f"/domains/{sandbox.domain(NORDWIND)}/admins/")
    page.get_by_role("link", name="Add administrator").click()
    page.get_by_role("link", name="New account").click()
    page.get_by_label("Username").fill(LONG)
    page.get_by_label("Name", exact=True).fill("Maximiliana")
    page.get_by_label("Email address").fill(LONG)
    page.get_by_label("Initial password").fill("made for a test")
    page.get_by_label("Release held messages").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(toast(page, f"{LONG} is now an administrator of this domain.")).to_be_visible()
    page.get_by_role("link", name=LONG, exact=True).click()
    page.get_by_label("View users").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text=LONG)).to_contain_text("View users, Release held messages")
    page.get_by_role("link", name=f"Revoke: {LONG}").click()
    expect(page.get_by_text("The account has no other access: the gateway deletes the account too.")).to_be_visible()
    page.get_by_role("button", name="Revoke access and delete account").click()
    expect(toast(page, "is no longer an administrator of this domain.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=LONG)).to_have_count(0)


def test_an_account_is_searched_for_without_losing_the_switches(admin: Page, sandbox: Sandbox) -> None:
    base = f"/domains/{sandbox.domain('alpenmilch.example')}"
    made(sandbox, "petra@nordwind.example")
    admin.goto(f"{base}/add-admin/")
    admin.get_by_label("View messages").check()
    admin.get_by_label("Part of the account's name or address").fill("petra")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("radio")).to_have_count(1)
    expect(admin.get_by_label("View messages")).to_be_checked()
    admin.get_by_role("radio", name="petra@nordwind.example").check()
    admin.get_by_role("button", name="Add", exact=True).click()
    expect(toast(admin, "petra@nordwind.example is now an administrator of this domain.")).to_be_visible()
    expect(admin.get_by_role("row").filter(has_text="petra@nordwind.example")).to_contain_text("View messages")


def test_what_users_may_do_is_switched_by_keyboard_on_a_phone(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("customer", size=PHONE)
    page.goto(f"/domains/{sandbox.domain(NORDWIND)}/access/")
    page.get_by_label("Change their own settings").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(toast(page, "User access was changed.")).to_be_visible()
    expect(page.get_by_label("Change their own settings")).to_be_checked()
