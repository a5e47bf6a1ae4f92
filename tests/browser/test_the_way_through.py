"""Somebody calls: "a mail is missing". From any page to the mail in the inbox and its sender allowed."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Site, Visits, Watch
from tests.browser.server import Sandbox
from tests.browser.steps import (
    ANNA,
    INVOICE,
    NILS,
    SUPPLIER,
    Hands,
    chosen,
    days_left,
    dialog,
    open_mail,
    open_user,
    reading,
    row,
    rule_on,
    settled,
    toast,
)

LIST, READ = "getFolderContent", "getEmail"


def released_and_allowed(page: Page, sandbox: Sandbox) -> None:
    """The invoice is in the inbox and its sender is allowed: the page says so, and so does the gateway."""
    expect(page.get_by_role("status").filter(has_text=f"Released. {SUPPLIER} is allowed for {ANNA} until")).to_be_visible()
    expect(row(page, INVOICE)).to_have_class("mail unseen released")
    expect(row(page, INVOICE)).to_contain_text("Released")
    expect(row(page, INVOICE).locator("a")).to_be_focused()
    assert any(INVOICE in subject for subject in sandbox.subjects(ANNA, "INBOX"))
    assert not any(INVOICE in subject for subject in sandbox.subjects(ANNA, "Quarantine"))
    rule = rule_on(sandbox.rules(ANNA), SUPPLIER)
    assert (rule["type"], rule["spfOn"], days_left(rule)) == ("ALLOW", True, 90)


@pytest.mark.parametrize("start", ["home", "domains", "one domain", "activity", "another user"])
def test_nine_keys_from_any_page_release_the_mail_and_allow_its_sender(
    start: str, admin: Page, site: Site, sandbox: Sandbox, watch: Watch
) -> None:
    domain, user = sandbox.domain("nordwind.example"), sandbox.user(NILS)
    pages = {"home": "/", "domains": "/domains/", "one domain": f"/domains/{domain}/", "activity": "/activity/"}
    admin.goto(pages.get(start, f"/users/{user}/"))
    settled(admin)
    watch.loads.clear()
    hands = Hands(admin)

    hands.press("/")
    hands.type("anna.")
    expect(chosen(admin)).to_contain_text(ANNA)
    mark = site.server.mark()
    hands.press("Enter")
    expect(row(admin, INVOICE).locator("a")).to_be_focused()
    expect(reading(admin).locator("h2")).to_contain_text(INVOICE)
    until_readable = site.server.calls(mark)
    hands.press("Enter")
    expect(admin).to_have_url(re.compile("/mail/Quarantine/"))
    hands.press("a")

    released_and_allowed(admin, sandbox)
    assert (hands.keys, hands.clicks, len(watch.loads)) == (9, 0, 1)
    # The mail can be read after three calls; the folders come after it, and nobody waits for them.
    assert until_readable[:3] == ["getUser", LIST, READ]
    assert set(until_readable[3:]) <= {"getFolders"}


def test_three_clicks_and_five_keys_do_the_same(admin: Page, sandbox: Sandbox, watch: Watch) -> None:
    admin.goto("/")
    watch.loads.clear()
    hands = Hands(admin)
    hands.click(admin.get_by_role("combobox"))
    hands.type("anna.")
    hands.click(admin.get_by_role("option", name=ANNA))
    expect(reading(admin).locator("h2")).to_contain_text(INVOICE)  # the newest is shown beside the list by itself
    hands.click(admin.get_by_role("button", name="Release and allow sender"))
    released_and_allowed(admin, sandbox)
    assert (hands.keys, hands.clicks, len(watch.loads)) == (5, 3, 1)


def test_a_double_click_on_release_releases_once(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox)
    before = len(sandbox.mails(ANNA, "INBOX"))
    admin.get_by_role("button", name="Release r", exact=True).dblclick()
    expect(row(admin, INVOICE)).to_contain_text("Released")
    expect(toast(admin)).to_have_count(1)
    assert len(sandbox.mails(ANNA, "INBOX")) == before + 1
    admin.goto("/activity/")
    expect(admin.locator(".list tbody tr")).to_have_count(1)
    expect(admin.locator(".list tbody tr")).to_contain_text("release a message")


def test_two_people_who_release_the_same_mail_release_it_once(visits: Visits, sandbox: Sandbox) -> None:
    first, second = visits("admin"), visits("customer")
    visits.watch.expect("status of 404")
    before = len(sandbox.mails(ANNA, "INBOX"))
    for page in (first, second):
        open_user(page, sandbox)
        expect(reading(page).locator("h2")).to_contain_text(INVOICE)
    first.keyboard.press("r")
    expect(row(first, INVOICE)).to_contain_text("Released")
    second.keyboard.press("r")
    expect(toast(second, "Not found")).to_be_visible()
    assert len(sandbox.mails(ANNA, "INBOX")) == before + 1


def test_after_a_release_j_goes_to_the_next_mail(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox)
    admin.keyboard.press("r")
    expect(row(admin, INVOICE)).to_contain_text("Released")
    expect(row(admin, INVOICE).locator("a")).to_be_focused()
    admin.keyboard.press("j")
    expect(row(admin, "Ihr Passwort").locator("a")).to_be_focused()
    admin.keyboard.press("Enter")
    expect(reading(admin).locator("h2")).to_contain_text("Ihr Passwort")


def test_who_goes_on_while_a_release_takes_its_time_is_not_pulled_back(admin: Page, sandbox: Sandbox) -> None:
    slow: list[Route] = []
    admin.route("**/release/", lambda route: slow.append(route))
    open_user(admin, sandbox)
    with admin.expect_request("**/release/"):
        admin.keyboard.press("r")
    admin.keyboard.press("j")
    admin.keyboard.press("Enter")
    expect(row(admin, "Ihr Passwort").locator("a")).to_be_focused()
    slow[0].continue_()
    expect(row(admin, INVOICE)).to_contain_text("Released")
    expect(toast(admin, "Released.")).to_be_visible()
    expect(reading(admin).locator("h2")).to_contain_text("Ihr Passwort")
    expect(row(admin, "Ihr Passwort").locator("a")).to_be_focused()
    expect(admin.locator(".mails a[aria-current=true]")).to_contain_text("Ihr Passwort")


def test_the_address_of_a_mail_within_a_search_leads_back_to_the_same_view(visits: Visits, sandbox: Sandbox) -> None:
    admin = visits("admin")
    open_user(admin, sandbox)
    admin.get_by_text("Search in this folder").click()
    admin.get_by_label("Subject").fill("Bestell")
    admin.get_by_role("button", name="Search").click()
    expect(admin.locator(".mails .mail")).to_have_count(2)
    open_mail(admin, "Bestellbestätigung")
    expect(admin).to_have_url(re.compile("subject=Bestell"))
    rows = admin.locator(".mails .mail .subject").all_inner_texts()

    elsewhere = visits("admin")
    elsewhere.goto(admin.url)
    expect(reading(elsewhere).locator("h2")).to_contain_text("Bestellbestätigung")
    expect(elsewhere.locator(".mails a[aria-current=true]")).to_contain_text("Bestellbestätigung")
    expect(elsewhere.get_by_label("Subject")).to_have_value("Bestell")
    assert elsewhere.locator(".mails .mail .subject").all_inner_texts() == rows


def test_back_goes_through_the_opened_mails_to_the_page_before(admin: Page, sandbox: Sandbox) -> None:
    admin.goto("/domains/")
    open_user(admin, sandbox)
    hub = admin.url
    open_mail(admin, INVOICE)
    first = admin.url
    open_mail(admin, "Ihr Passwort")
    assert admin.url != first
    for before in (first, hub):
        with admin.expect_event("load"):
            admin.go_back()
        expect(admin).to_have_url(before)
        expect(reading(admin).locator("h2")).to_contain_text(INVOICE)
        expect(admin.locator(".mails .mail")).to_have_count(22)
    admin.go_back()
    expect(admin.get_by_role("heading", name="Domains")).to_be_visible()
    admin.go_forward()
    admin.go_forward()
    expect(admin).to_have_url(first)
    expect(reading(admin).locator("h2")).to_contain_text(INVOICE)


def test_a_helpdesk_that_may_only_look_is_told_so_and_releases_nothing(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("helpdesk")
    visits.watch.expect("status of 403")
    open_user(page, sandbox)
    page.keyboard.press("a")
    expect(toast(page, "Your account cannot do this: release a message.")).to_be_visible()
    expect(dialog(page)).to_have_count(0)
    assert any(INVOICE in subject for subject in sandbox.subjects(ANNA, "Quarantine"))
    open_mail(page, "Ihr Passwort")
    expect(reading(page)).to_contain_text("Your account can view this message, but not release it.")
    expect(page.get_by_role("button", name="Release")).to_have_count(0)
