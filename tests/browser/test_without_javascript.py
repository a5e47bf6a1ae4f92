"""The whole job by plain links and forms."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, Visits
from tests.browser.server import Sandbox
from tests.browser.steps import ANNA, GMAIL, INVOICE, SUPPLIER, VIRUS, days_left, row, rule_on, toast


@pytest.fixture
def plain(visits: Visits) -> Page:
    return visits("admin", java_script_enabled=False)


def search(page: Page, words: str) -> None:
    page.get_by_label("Find a user or domain").fill(words)
    page.get_by_label("Find a user or domain").press("Enter")


def show_list(page: Page, words: str = "anna.keller") -> None:
    search(page, words)
    page.get_by_role("link", name="Show held messages").click()
    expect(row(page, INVOICE)).to_be_visible()


def test_signing_in_searching_and_signing_out(visits: Visits, site: Site) -> None:
    page = visits(java_script_enabled=False)
    page.goto("/users/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Access token").fill(site.tokens["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Users")).to_be_visible()  # where one wanted to go
    search(page, "example")
    expect(page.get_by_role("heading", name="Search: example")).to_be_visible()
    page.get_by_role("link", name=re.compile(r"All \d+ users")).click()
    page.get_by_role("link", name="Address").click()
    expect(page.locator("th[aria-sort]")).to_have_count(1)
    page.get_by_role("link", name=ANNA).click()
    expect(page.get_by_role("heading", name=ANNA)).to_be_visible()
    page.get_by_label("Account and language").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/users/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_link_of_a_mail_signs_in_by_its_button(visits: Visits, site: Site, sandbox: Sandbox) -> None:
    page, link = visits(java_script_enabled=False), sandbox.link(ANNA)
    referrers: list[str] = []
    page.on("request", lambda request: referrers.append(request.headers.get("referer", "")))
    page.goto(link)
    assert "session" not in {cookie["name"] for cookie in page.context.cookies()}
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name=ANNA)).to_be_visible()
    token = link.rpartition("=")[2]
    assert token not in page.url
    assert len(referrers) > 2  # of the style sheet and of the next page, among others
    assert not [text for text in referrers if token in text]
    assert token not in site.server.log.read_text()


def test_from_the_search_to_a_released_mail_and_a_changed_rule(plain: Page, sandbox: Sandbox) -> None:
    plain.goto("/")
    show_list(plain)
    row(plain, INVOICE).get_by_role("link").click()
    expect(plain.locator("#reading h2")).to_contain_text(INVOICE)
    expect(plain.locator(".mails .mail")).to_have_count(22)
    plain.get_by_role("button", name="Release and allow sender").click()
    expect(toast(plain, f"Released. {SUPPLIER} is allowed for {ANNA} until")).to_be_visible()
    expect(row(plain, INVOICE)).to_have_count(0)
    assert any(INVOICE in subject for subject in sandbox.subjects(ANNA, "INBOX"))

    plain.get_by_role("link", name="Change").click()
    expect(plain.get_by_role("heading", name="Allowed sender")).to_be_visible()
    plain.get_by_label("Rule ends").select_option("1 year")
    plain.get_by_label("Description").fill("Paper supplier")
    plain.get_by_role("button", name="Save").click()
    expect(toast(plain, f"The rule for {SUPPLIER} was changed")).to_be_visible()
    rule = rule_on(sandbox.rules(ANNA), SUPPLIER)
    assert (days_left(rule), rule["description"]) == (365, "Paper supplier")


def test_doubts_and_viruses_are_asked_about_on_a_page(plain: Page, sandbox: Sandbox) -> None:
    plain.goto("/")
    show_list(plain)
    row(plain, GMAIL).get_by_role("link").click()
    plain.get_by_role("button", name="Release and allow sender").click()
    expect(plain.get_by_role("heading", name="Release and allow the sender?")).to_be_visible()
    expect(plain.locator("main")).to_contain_text("free email service")
    plain.get_by_role("link", name="Cancel").click()
    expect(plain.locator("#reading h2")).to_contain_text(GMAIL)
    row(plain, VIRUS).get_by_role("link").click()
    plain.get_by_role("button", name="Release r", exact=True).click()
    plain.get_by_label("I know that this message is infected").check()
    plain.get_by_role("button", name="Release", exact=True).click()
    expect(toast(plain, "Released.")).to_be_visible()
    assert any(VIRUS in subject for subject in sandbox.subjects(ANNA, "INBOX"))


def test_folders_and_the_search_within_one(plain: Page) -> None:
    plain.goto("/")
    search(plain, "anna.keller")
    plain.get_by_role("link", name="Folders").click()
    folders = plain.get_by_role("navigation", name="Folders")
    folders.get_by_role("link", name="Subfolders of INBOX").click()
    plain.get_by_role("link", name="Projekte").first.click()
    expect(plain.get_by_role("heading", name="INBOX/Projekte")).to_be_visible()
    expect(plain.locator(".mails .mail")).to_have_count(1)
    plain.get_by_role("link", name="Folders").click()
    plain.get_by_role("navigation", name="Folders").get_by_role("link", name=re.compile("^Quarantine")).click()
    plain.get_by_text("Search in this folder").click()
    plain.get_by_label("Subject").fill("Bestell")
    plain.get_by_role("button", name="Search", exact=True).click()
    expect(plain.locator(".mails .mail")).to_have_count(2)
    plain.get_by_role("link", name="Clear").click()
    expect(plain.locator(".mails .mail")).to_have_count(22)


def test_several_mails_go_as_a_batch_whose_page_refreshes_itself(plain: Page, site: Site, sandbox: Sandbox) -> None:
    from tests.browser.test_many_mails import slow_gateway

    plain.goto("/")
    show_list(plain)
    for words in (INVOICE, "Scan vom Kopierer"):
        row(plain, words).get_by_role("checkbox").check()
    with slow_gateway(site):
        plain.get_by_role("button", name="Release selected messages").click()
        expect(plain.get_by_role("heading", name="Release of 2 messages")).to_be_visible()
        expect(plain.locator("label").get_by_text("0 of 2 finished")).to_be_visible()
    expect(plain.get_by_text("2 of 2 finished")).to_be_visible()
    assert len([s for s in sandbox.subjects(ANNA, "INBOX") if INVOICE in s or "Scan" in s]) == 2


def test_all_that_match_are_asked_about_on_a_page_of_its_own(plain: Page, sandbox: Sandbox) -> None:
    from tests.browser.steps import BUSY

    held = len(sandbox.mails(BUSY, "Quarantine"))
    plain.goto(f"/users/{sandbox.user(BUSY)}/mail/Quarantine/")
    plain.get_by_label(f"All {held}").check()
    plain.get_by_role("button", name="Release selected messages").click()
    expect(plain.get_by_role("heading", name=f"Release {held} messages?")).to_be_visible()
    plain.get_by_role("button", name=f"Release {held} messages").click()
    expect(plain.get_by_role("heading", name=f"Release of {held} messages")).to_be_visible()


def test_another_language(plain: Page) -> None:
    plain.goto("/domains/?name=nord")
    expect(plain.locator("html")).to_have_attribute("lang", "en")
    plain.get_by_label("Account and language").click()
    plain.get_by_label("Language", exact=True).select_option("Deutsch")
    plain.locator("form.language").get_by_role("button").click()
    expect(plain.locator("html")).to_have_attribute("lang", "de")
    expect(plain).to_have_url(re.compile(r"/domains/\?name=nord$"))


def test_settings(plain: Page) -> None:
    plain.goto("/activity/")
    plain.get_by_label("Account and language").click()
    plain.get_by_role("link", name="Preferences").click()
    form = plain.locator("main form")
    form.get_by_label("Colours").select_option("Dark")
    form.get_by_label("Time zone").select_option("Asia/Tokyo")
    form.get_by_label("Rows per page").select_option("20")
    form.get_by_role("button", name="Save").click()
    expect(toast(plain, "Saved.")).to_be_visible()
    expect(plain.locator("html")).to_have_css("color-scheme", "dark")  # though the browser's own is light
    expect(form.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    plain.goto("/users/")
    expect(plain.locator("tbody tr")).to_have_count(20)
