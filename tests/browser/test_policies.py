"""Policies in a browser: without JavaScript, by the keyboard, and on the smallest telephone."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visits
from tests.browser.server import Sandbox
from tests.browser.steps import settled, toast
from tests.browser.test_accessibility import look
from tests.browser.test_small_screens import fits

BOARD, USUAL = "Geschäftsleitung", "Policy-nordwind.example"
LONG = "Rechtsschutzversicherungsgesellschaften-und-Donaudampfschiffe"  # 61 characters without a space


def policies(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """The policies of nordwind.example at the gateway, by name."""
    return {one["name"]: one for one in sandbox.get(f"/domains/{sandbox.domain('nordwind.example')}/policies")}


def rename(sandbox: Sandbox, before: str, after: str) -> str:
    found = str(policies(sandbox)[before]["id"])
    sandbox.http.patch(f"/policies/{found}", json={"name": after}).raise_for_status()
    return found


def test_copying_comparing_choosing_and_deleting_work_without_javascript(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", java_script_enabled=False)
    page.goto(f"/domains/{sandbox.domain('nordwind.example')}/")
    page.get_by_role("link", name="Show policies").click()
    page.get_by_role("link", name=f"Copy {BOARD}").click()
    page.get_by_label("Name").fill("Board of 2027")
    page.get_by_label("Spam threshold", exact=True).fill("6,5")
    page.get_by_label("Deliver spam").check()
    page.get_by_label("A message with a score of", exact=True).fill("8")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#tried")).to_have_text("8: Spam. Delivered with “[SPAM]” before the subject. Held in the quarantine for 31 days.")
    assert "Board of 2027" not in policies(sandbox)
    page.get_by_label("Name").press("Enter")  # saves, though the other button comes first
    expect(toast(page, "Policy “Board of 2027” was created.")).to_be_visible()
    assert policies(sandbox)["Board of 2027"]["spamScore"] == 6.5

    page.get_by_label(f"Compare {BOARD}").check()
    page.get_by_label("Compare Board of 2027").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("link", name="Differences only").click()
    expect(page.get_by_role("heading", name="2 differences")).to_be_visible()
    expect(page.locator("tbody tr").filter(has_text="Spam threshold")).to_contain_text("6.5")

    page.get_by_role("link", name="All policies").click()
    page.get_by_role("button", name="Make Board of 2027 the default").click()
    expect(toast(page, "“Board of 2027” is now the domain's default.")).to_be_visible()
    page.get_by_role("link", name="Delete Board of 2027").click()
    expect(page.locator("main")).to_contain_text("In use: it is the domain's default.")
    page.get_by_role("link", name="Make another policy the default first.").click()
    page.get_by_role("link", name=f"Delete {USUAL}").click()
    page.get_by_role("button", name="Delete policy").click()  # nobody follows it any more
    expect(toast(page, "The policy was deleted.")).to_be_visible()
    assert sorted(policies(sandbox)) == ["Board of 2027", BOARD]


def test_a_slider_moved_by_the_keyboard_shows_what_happens_before_anything_is_saved(admin: Page, sandbox: Sandbox) -> None:
    found = policies(sandbox)[BOARD]
    admin.goto(f"/policies/{found['id']}/")
    slider = admin.get_by_label("Spam threshold: slider")
    slider.focus()
    for _step in range(12):
        admin.keyboard.press("ArrowRight")
    expect(admin.get_by_label("Spam threshold", exact=True)).to_have_value("6.2")
    expect(admin.locator(".bands")).to_contain_text("below 6.2")
    expect(slider).to_be_focused()
    admin.get_by_label("A message with a score of", exact=True).fill("6,1")
    expect(admin.locator("#tried")).to_contain_text("6.1: Clean. Delivered.")
    admin.get_by_label("Quarantine enabled").press("Space")
    expect(admin.get_by_label("Hold spam")).to_be_hidden()
    expect(admin.locator(".bands")).to_contain_text("Not held either: it is lost.")
    assert policies(sandbox)[BOARD] == found
    assert not [asked for asked in visits_asked(admin) if "csrf" in asked or "seen=" in asked]
    admin.get_by_label("Spam threshold", exact=True).press("Enter")
    expect(toast(admin, "The policy was changed.")).to_be_visible()
    assert policies(sandbox)[BOARD]["spamScore"] == 6.2
    assert policies(sandbox)[BOARD]["quarantine"] is False


def visits_asked(page: Page) -> list[str]:
    """What the page asked the server for by itself."""
    return list(page.evaluate("performance.getEntriesByType('resource').map(one => one.name)"))


@pytest.mark.parametrize("size", [DESKTOP, {**PHONE, "height": 1600}], ids=["desk", "phone"])
@pytest.mark.parametrize("who", ["admin", "helpdesk"])
def test_every_page_of_policies_fits_and_is_for_everyone(who: str, size: Any, visits: Visits, sandbox: Sandbox) -> None:
    board, usual = rename(sandbox, BOARD, LONG), policies(sandbox)[USUAL]["id"]
    page = visits(who, size=size, reduced_motion="reduce")
    domain = f"/domains/{sandbox.domain('nordwind.example')}/policies/"
    addresses = [domain, f"/policies/{board}/", f"{domain}compare/?a={board}&b={usual}", f"/policies/{board}/default/"]
    if who == "admin":
        addresses += [f"{domain}new/?from={board}", f"/policies/{board}/delete/", f"/policies/{usual}/delete/"]
    for address in addresses:
        page.goto(address)
        settled(page)
        look(page)
        fits(page)
