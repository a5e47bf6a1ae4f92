"""360 by 740, the smallest telephone: nothing sticks out, everything can be reached. And German, which is longer."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, Visits
from tests.browser.server import Sandbox
from tests.browser.steps import ANNA, GMAIL, HOSTILE, INVOICE, dialog, fits, open_mail, open_user, reading, row, settled, toast

LONGEST = "maximiliana-friederike.von-und-zu-hohenstein-wartenberg-lichten1@nordwind.example"


def uncovered(place: Locator) -> None:
    """All of it is on the screen, and nothing lies on top of it."""
    expect(place).to_be_in_viewport(ratio=1)
    hit = place.evaluate(
        """one => {
            const box = one.getBoundingClientRect(), middle = box.left + box.width / 2;
            return [box.top + 3, box.bottom - 3].every(y => one.contains(document.elementFromPoint(middle, y)));
        }"""
    )
    assert hit, place


@pytest.fixture
def phone(visits: Visits) -> Page:
    return visits("admin", size=PHONE, has_touch=True)


def test_what_is_longest_is_no_wider_than_the_screen(phone: Page, visits: Visits, sandbox: Sandbox) -> None:
    """What stands on each page else is measured where axe looks at it."""
    user, long = sandbox.user(ANNA), sandbox.user(LONGEST)
    mail = f"/users/{user}/mail/Quarantine/{sandbox.mail(ANNA, 'Donaudampfschifffahrt')}/"
    for address in (f"/users/{user}/", f"/users/{long}/", mail, f"{mail}release/?allow=domain", f"{mail}block/"):
        phone.goto(address)
        settled(phone)
        fits(phone)
    stranger = visits(size=PHONE)
    stranger.goto("/sign-in/?ended=1")
    fits(stranger)


def test_an_opened_mail_takes_the_place_of_the_list_and_leads_back_to_it(phone: Page, sandbox: Sandbox) -> None:
    phone.goto(f"/users/{sandbox.user(ANNA)}/")
    expect(row(phone, INVOICE)).to_be_visible()
    expect(reading(phone)).to_have_count(0)  # nothing is opened unasked: there is no room beside the list
    open_mail(phone, GMAIL)
    expect(phone.locator("#held")).not_to_be_visible()
    expect(phone.locator("#reading")).to_be_focused()
    expect(phone.get_by_role("heading", name=GMAIL)).to_be_in_viewport()
    uncovered(phone.get_by_role("button", name="Release and allow sender"))
    expect(phone.locator(".facts")).not_to_be_visible()
    fits(phone)
    phone.get_by_role("link", name="Back to the list").tap()
    expect(row(phone, GMAIL)).to_be_visible()
    expect(phone.locator("#reading")).not_to_be_visible()
    fits(phone)


def test_the_whole_job_with_a_thumb(phone: Page, sandbox: Sandbox) -> None:
    phone.goto("/")
    phone.get_by_role("combobox").tap()
    phone.keyboard.type("anna.")
    expect(phone.get_by_role("option", name=ANNA)).to_be_visible()
    fits(phone)
    phone.get_by_role("option", name=ANNA).tap()
    row(phone, INVOICE).get_by_role("link").tap()
    phone.get_by_role("button", name="Release and allow sender").tap()
    uncovered(toast(phone, "Released."))
    fits(phone)
    toast(phone).get_by_text("Change", exact=True).tap()
    uncovered(toast(phone).get_by_role("button", name="Remove rule"))
    fits(phone)
    toast(phone).get_by_role("button", name="Close").tap()
    phone.get_by_role("link", name="Back to the list").tap()
    expect(row(phone, "Ihr Passwort")).to_be_visible()
    assert any(INVOICE in subject for subject in sandbox.subjects(ANNA, "INBOX"))


def test_what_is_asked_fits_on_the_screen_with_its_buttons(phone: Page, sandbox: Sandbox) -> None:
    open_user(phone, sandbox)
    open_mail(phone, GMAIL)
    phone.get_by_role("button", name="Release and allow sender").tap()
    uncovered(dialog(phone).get_by_role("button", name="Release and allow"))
    uncovered(dialog(phone).get_by_role("link", name="Cancel"))
    fits(phone)


def test_several_mails_are_selected_and_released_with_a_thumb(phone: Page, sandbox: Sandbox) -> None:
    open_user(phone, sandbox)
    row(phone, INVOICE).get_by_role("checkbox").tap()
    button = phone.get_by_role("button", name="Release selected messages")
    uncovered(phone.get_by_text("They are delivered immediately."))
    uncovered(button)
    fits(phone)
    button.tap()
    uncovered(phone.locator(".strip.ok").get_by_text("done", exact=True))
    expect(row(phone, INVOICE)).to_contain_text("Done")
    fits(phone)


def test_the_navigation_and_the_account_can_be_reached(phone: Page) -> None:
    phone.goto("/")
    for name in ("Home", "Users", "Domains", "Bulk jobs", "Activity"):
        uncovered(phone.get_by_role("navigation", name="Main menu").get_by_role("link", name=name))
    heights = phone.locator(".side a").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert len(set(heights)) == 1  # one line each
    assert heights[0] >= 36
    phone.get_by_label("Account and language").tap()
    uncovered(phone.get_by_role("button", name="Sign out"))
    fits(phone)
    phone.touchscreen.tap(20, 600)  # anywhere else
    expect(phone.get_by_role("button", name="Sign out")).not_to_be_visible()


def test_a_hostile_mail_does_not_break_out_of_its_place(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("owner", size=PHONE)
    page.goto(f"/users/{sandbox.user(ANNA)}/mail/Quarantine/{sandbox.mail(ANNA, HOSTILE)}/?view=html")
    expect(page.frame_locator("#reading iframe").get_by_text("Text, der bleiben darf.")).to_be_visible()
    fits(page)


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_german_fits_too(size: dict[str, int], visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", size=size, locale="de-DE")
    open_user(page, sandbox)
    expect(page.locator("html")).to_have_attribute("lang", "de")
    fits(page)
    open_mail(page, GMAIL)
    fits(page)
    page.keyboard.press("A")
    expect(dialog(page)).to_contain_text("gmail.com")
    fits(page)
    dialog(page).locator("button").first.click()
    expect(toast(page)).to_have_class(re.compile("ok"))
    toast(page).locator("summary").click()
    fits(page)
