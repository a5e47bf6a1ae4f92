"""Single keys: what each does, where they do nothing, and how to be rid of them."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import Sandbox
from tests.browser.steps import ANNA, INVOICE, SUPPLIER, dialog, open_user, reading, row, rule_on, toast


@pytest.fixture
def hub(admin: Page, sandbox: Sandbox) -> Page:
    """Anna's hub, the newest mail open and its row focused."""
    open_user(admin, sandbox)
    expect(reading(admin).locator("h2")).to_contain_text(INVOICE)
    return admin


def rows(page: Page, place: int) -> object:
    return page.locator(".mails .mail > a").nth(place)


def test_j_and_k_move_through_the_list_and_stop_at_its_ends(hub: Page) -> None:
    hub.keyboard.press("k")
    expect(rows(hub, 0)).to_be_focused()
    hub.keyboard.press("j")
    hub.keyboard.press("j")
    expect(rows(hub, 2)).to_be_focused()
    hub.keyboard.press("k")
    expect(rows(hub, 1)).to_be_focused()
    expect(reading(hub).locator("h2")).to_contain_text(INVOICE)  # to look for a mail does not open any
    hub.keyboard.press("Enter")
    expect(reading(hub).locator("h2")).to_contain_text("Ihr Passwort")
    for _ in range(30):
        hub.keyboard.press("j")
    expect(rows(hub, 21)).to_be_focused()


def test_x_selects_the_mail_and_shows_what_can_be_done_with_the_selection(hub: Page) -> None:
    bar = hub.get_by_role("button", name="Release selected messages")
    expect(bar).not_to_be_visible()
    hub.keyboard.press("x")
    hub.keyboard.press("j")
    hub.keyboard.press("x")
    expect(hub.locator(".mails input:checked")).to_have_count(2)
    expect(bar).to_be_visible()
    hub.keyboard.press("x")
    hub.keyboard.press("k")
    hub.keyboard.press("x")
    expect(bar).not_to_be_visible()


def test_with_shift_a_click_selects_from_the_last_one_to_this_one(hub: Page) -> None:
    boxes, told = hub.locator(".mails .pick"), hub.locator("[data-counted]")
    hub.keyboard.press("x")
    boxes.nth(4).click(modifiers=["Shift"])
    expect(told).to_have_text("5 selected")
    boxes.nth(2).locator("input").click(modifiers=["Shift"])  # what it does to this one, it does to all on the way
    expect(told).to_have_text("2 selected")
    expect(boxes.nth(1).locator("input")).to_be_checked()
    hub.get_by_role("button", name="Select page").click()
    expect(told).to_have_text("22 selected")
    expect(hub.locator(".selection > output")).to_have_text("22 selected")  # what a screen reader is told
    hub.locator(".bar").get_by_role("button", name="Clear").click()
    expect(hub.locator(".mails input:checked")).to_have_count(0)


def test_escape_clears_the_selection_and_nothing_where_a_dialog_is_open(hub: Page) -> None:
    ticked = hub.locator(".mails input:checked")
    hub.keyboard.press("x")
    hub.keyboard.press("?")
    hub.keyboard.press("Escape")
    expect(ticked).to_have_count(1)
    hub.keyboard.press("Escape")
    expect(ticked).to_have_count(0)
    expect(rows(hub, 0)).to_be_focused()
    expect(hub.get_by_role("button", name="Release selected messages")).not_to_be_visible()


def test_r_releases_and_makes_no_rule(hub: Page, sandbox: Sandbox) -> None:
    before = sandbox.rules(ANNA)
    hub.keyboard.press("r")
    expect(toast(hub, "Released. The message is on its way to the mailbox.")).to_be_visible()
    expect(row(hub, INVOICE)).to_contain_text("Released")
    assert any(INVOICE in subject for subject in sandbox.subjects(ANNA, "INBOX"))
    assert sandbox.rules(ANNA) == before


def test_capital_a_allows_the_sender_for_the_whole_domain(hub: Page, sandbox: Sandbox) -> None:
    hub.keyboard.press("A")
    expect(toast(hub, f"{SUPPLIER} is allowed for nordwind.example until")).to_be_visible()
    assert rule_on(sandbox.domain_rules("nordwind.example"), SUPPLIER)["type"] == "ALLOW"
    assert any(INVOICE in subject for subject in sandbox.subjects(ANNA, "INBOX"))


def test_b_blocks_the_sender_and_leaves_the_mail_where_it_is(hub: Page, sandbox: Sandbox) -> None:
    hub.keyboard.press("b")
    expect(toast(hub, f"{SUPPLIER} is blocked permanently for {ANNA}.")).to_be_visible()
    rule = rule_on(sandbox.rules(ANNA), SUPPLIER)
    assert (rule["type"], rule["expireAt"]) == ("BLOCK", None)
    assert any(INVOICE in subject for subject in sandbox.subjects(ANNA, "Quarantine"))
    expect(reading(hub).locator("h2")).to_contain_text(INVOICE)  # still open: there is more to do with it
    expect(row(hub, INVOICE).locator("input")).to_be_visible()


def test_an_action_on_a_row_that_is_not_open_opens_it_and_does_nothing_yet(hub: Page, sandbox: Sandbox) -> None:
    before = sandbox.mails(ANNA, "INBOX")
    hub.keyboard.press("j")
    hub.keyboard.press("r")
    expect(reading(hub).locator("h2")).to_contain_text("Ihr Passwort")
    expect(toast(hub)).to_have_count(0)
    assert sandbox.mails(ANNA, "INBOX") == before
    hub.keyboard.press("r")
    expect(row(hub, "Ihr Passwort")).to_contain_text("Released")


def test_keys_do_nothing_but_write_while_one_types(hub: Page, sandbox: Sandbox) -> None:
    before = sandbox.mails(ANNA, "INBOX")
    hub.get_by_text("Search in this folder").click()
    field = hub.get_by_label("Sender")
    field.click()
    hub.keyboard.type("jkxrabA?/")
    expect(field).to_have_value("jkxrabA?/")
    expect(field).to_be_focused()
    expect(hub.locator(".mails input:checked")).to_have_count(0)
    expect(hub.locator("dialog[open]")).to_have_count(0)
    expect(toast(hub)).to_have_count(0)
    assert sandbox.mails(ANNA, "INBOX") == before
    hub.keyboard.press("Control+k")
    expect(hub.get_by_role("combobox")).to_be_focused()


def test_keys_held_with_control_or_alt_stay_the_browsers(hub: Page, sandbox: Sandbox) -> None:
    before = sandbox.mails(ANNA, "INBOX")
    for key in ("Control+a", "Alt+r", "Meta+b"):
        hub.keyboard.press(key)
    expect(toast(hub)).to_have_count(0)
    expect(dialog(hub)).to_have_count(0)
    assert sandbox.mails(ANNA, "INBOX") == before


def test_the_question_mark_lists_the_keys_and_escape_goes_back(hub: Page) -> None:
    hub.keyboard.press("?")
    help_ = hub.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_).to_be_visible()
    hub.keyboard.press("j")
    hub.keyboard.press("r")
    hub.keyboard.press("Escape")
    expect(help_).not_to_be_visible()
    expect(rows(hub, 0)).to_be_focused()
    expect(toast(hub)).to_have_count(0)


def test_shortcuts_that_are_switched_off_stay_off_and_can_be_switched_on_again(hub: Page) -> None:
    hub.keyboard.press("?")
    hub.get_by_label("Use single-key shortcuts").uncheck()
    hub.get_by_role("button", name="Close").click()
    hub.keyboard.press("j")
    expect(rows(hub, 0)).to_be_focused()

    hub.reload()
    expect(reading(hub).locator("h2")).to_contain_text(INVOICE)
    for key in ("j", "x", "r", "/", "?"):
        hub.keyboard.press(key)
    expect(rows(hub, 0)).to_be_focused()
    expect(hub.locator(".mails input:checked")).to_have_count(0)
    expect(hub.locator("dialog[open]")).to_have_count(0)
    hub.keyboard.press("Control+k")  # no single key
    expect(hub.get_by_role("combobox")).to_be_focused()

    hub.get_by_label("Account and language").click()
    hub.get_by_role("button", name="Keyboard shortcuts").click()
    hub.get_by_label("Use single-key shortcuts").check()
    hub.get_by_role("button", name="Close").click()
    rows(hub, 0).focus()
    hub.keyboard.press("j")
    expect(rows(hub, 1)).to_be_focused()
