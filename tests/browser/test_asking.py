"""What is asked before it is done, what is told after it, and how to change one's mind."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visits
from tests.browser.server import Sandbox
from tests.browser.steps import (
    ANNA,
    FORGED,
    GMAIL,
    INVOICE,
    SUPPLIER,
    VIRUS,
    days_left,
    dialog,
    open_mail,
    open_user,
    row,
    rule_on,
    toast,
)

APPLICANT, BOSS = "lukas.brunner.87@gmail.com", "martin.nordwind@nordwind.example"


@pytest.fixture
def hub(admin: Page, sandbox: Sandbox) -> Page:
    open_user(admin, sandbox)
    return admin


def held(sandbox: Sandbox, words: str) -> bool:
    return any(words in subject for subject in sandbox.subjects(ANNA, "Quarantine"))


def test_allowing_a_free_mail_sender_is_asked_once_and_done_as_it_was_changed(hub: Page, sandbox: Sandbox) -> None:
    open_mail(hub, GMAIL)
    hub.keyboard.press("a")
    ask = hub.get_by_role("dialog", name="Please confirm")
    expect(ask).to_contain_text("gmail.com is a free email service: anyone can get an address there.")
    expect(ask).to_contain_text(f"{APPLICANT} will be allowed for {ANNA}.")
    expect(ask.get_by_role("button", name="Release and allow")).to_be_focused()
    assert held(sandbox, GMAIL)
    ask.get_by_label("Rule ends").select_option("30 days")
    ask.get_by_label("Description").fill("Applies as dispatcher, ticket 4711")
    ask.get_by_role("button", name="Release and allow").click()
    expect(row(hub, GMAIL)).to_contain_text("Released")
    expect(ask).not_to_be_visible()
    expect(row(hub, GMAIL).locator("a")).to_be_focused()
    rule = rule_on(sandbox.rules(ANNA), APPLICANT)
    assert (rule["type"], days_left(rule), rule["description"]) == ("ALLOW", 30, "Applies as dispatcher, ticket 4711")
    assert not held(sandbox, GMAIL)


@pytest.mark.parametrize("way", ["the button", "Escape"])
def test_to_cancel_does_nothing(way: str, hub: Page, sandbox: Sandbox) -> None:
    before = sandbox.rules(ANNA)
    open_mail(hub, GMAIL)
    hub.keyboard.press("a")
    expect(dialog(hub)).to_be_visible()
    if way == "Escape":
        hub.keyboard.press("Escape")
    else:
        dialog(hub).get_by_role("link", name="Cancel").click()
    expect(dialog(hub)).to_have_count(0)
    expect(toast(hub)).to_have_count(0)
    assert held(sandbox, GMAIL)
    assert sandbox.rules(ANNA) == before
    hub.keyboard.press("a")  # and it can be asked again
    expect(dialog(hub)).to_contain_text("free email")


def test_who_is_asked_may_release_without_allowing(hub: Page, sandbox: Sandbox) -> None:
    before = sandbox.rules(ANNA)
    open_mail(hub, GMAIL)
    hub.keyboard.press("a")
    dialog(hub).get_by_role("button", name="Release without allowing").click()
    expect(row(hub, GMAIL)).to_contain_text("Released")
    expect(dialog(hub)).to_have_count(0)
    assert not held(sandbox, GMAIL)
    assert sandbox.rules(ANNA) == before


@pytest.mark.parametrize(("key", "place"), [("a", ANNA), ("A", "everyone in nordwind.example")])
def test_a_forgery_of_the_own_domain_is_asked_about(key: str, place: str, hub: Page, sandbox: Sandbox) -> None:
    open_mail(hub, FORGED)
    hub.keyboard.press(key)
    expect(dialog(hub)).to_contain_text("the customer's own domain: forgers often pose as a colleague.")
    expect(dialog(hub)).to_contain_text("The message is not confirmed to come from nordwind.example")
    expect(dialog(hub)).to_contain_text(f"{BOSS} will be allowed for {place}.")
    assert held(sandbox, FORGED)


def test_an_infected_mail_is_released_only_after_a_tick_that_says_what_it_means(hub: Page, sandbox: Sandbox) -> None:
    open_mail(hub, VIRUS)
    hub.keyboard.press("r")
    expect(dialog(hub)).to_contain_text("The virus scanner found Eicar-Test-Signature in this message.")
    expect(dialog(hub)).to_contain_text("Releasing it puts the virus into the mailbox, where one click can start it.")
    tick = dialog(hub).get_by_label("I know that this message is infected, and I want to release it anyway.")
    hub.keyboard.press("Enter")
    expect(tick).to_be_focused()  # the browser points to what is missing
    assert held(sandbox, VIRUS)
    tick.check()
    dialog(hub).get_by_role("button", name="Release").click()
    expect(row(hub, VIRUS)).to_contain_text("Released")
    assert not held(sandbox, VIRUS)
    assert any(VIRUS in subject for subject in sandbox.subjects(ANNA, "INBOX"))


def test_the_rule_can_be_changed_and_removed_where_it_is_told(hub: Page, sandbox: Sandbox) -> None:
    hub.keyboard.press("a")
    told = toast(hub, f"{SUPPLIER} is allowed")
    told.get_by_text("Change", exact=True).click()
    expect(told.get_by_label("Rule ends")).to_have_value("90")
    told.get_by_label("Rule ends").select_option("1 year")
    told.get_by_label("Description").fill("Paper supplier")
    told.get_by_role("button", name="Save").click()
    expect(toast(hub, f"The rule for {SUPPLIER} was changed")).to_be_visible()
    rule = rule_on(sandbox.rules(ANNA), SUPPLIER)
    assert (days_left(rule), rule["description"], rule["spfOn"]) == (365, "Paper supplier", True)


def test_the_rule_can_be_removed_where_it_is_told(hub: Page, sandbox: Sandbox) -> None:
    before = sandbox.rules(ANNA)
    hub.keyboard.press("a")
    told = toast(hub, f"{SUPPLIER} is allowed")
    told.get_by_text("Change", exact=True).click()
    assert len(sandbox.rules(ANNA)) == len(before) + 1
    told.get_by_role("button", name="Remove rule").click()
    expect(toast(hub, f"The rule for {SUPPLIER} was removed.")).to_be_visible()
    expect(told).to_have_count(0)
    assert sandbox.rules(ANNA) == before


def test_what_was_told_stays_until_it_is_closed(hub: Page, sandbox: Sandbox) -> None:
    hub.keyboard.press("r")
    expect(toast(hub)).to_have_count(1)
    open_mail(hub, "Ihr Passwort")
    hub.clock.install()
    hub.clock.run_for(60 * 60 * 1000)  # whatever timers there are
    expect(toast(hub)).to_have_count(1)
    toast(hub).get_by_role("button", name="Close").click()
    expect(toast(hub)).to_have_count(0)


def test_a_mail_without_a_sender_can_be_released_but_nobody_can_be_allowed(hub: Page, sandbox: Sandbox) -> None:
    open_mail(hub, "Wer hat das geschrieben?")
    expect(hub.locator("#reading")).to_contain_text("This message has no usable sender address.")
    expect(hub.get_by_role("button", name=re.compile("allow|Block"))).to_have_count(0)
    hub.keyboard.press("a")
    hub.keyboard.press("b")
    hub.keyboard.press("r")
    expect(row(hub, "Wer hat das geschrieben?")).to_contain_text("Released")
    expect(toast(hub)).to_have_count(1)


def test_an_owner_releases_the_own_mail_and_allows_its_sender(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("owner")
    page.goto("/")
    expect(page.get_by_role("heading", name=ANNA)).to_be_visible()
    expect(row(page, INVOICE).locator("a")).to_be_focused()
    expect(page.locator("#reading")).to_contain_text("Open a message to read it here.")  # to open it marks it as read
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Release and allow sender").click()
    expect(row(page, INVOICE)).to_contain_text("Released")
    assert not held(sandbox, INVOICE)
    assert rule_on(sandbox.rules(ANNA), SUPPLIER)["type"] == "ALLOW"
