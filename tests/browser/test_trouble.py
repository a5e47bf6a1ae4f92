"""The gateway fails, the network breaks: what one sees, and how one gets out of it again."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Between, Visits, Watch
from tests.browser.server import Gateway, Sandbox
from tests.browser.steps import ANNA, GMAIL, INVOICE, SUPPLIER, dialog, open_mail, open_user, reading, row, toast


def held(sandbox: Sandbox, words: str) -> bool:
    return any(words in subject for subject in sandbox.subjects(ANNA, "Quarantine"))


def test_over_a_real_network_everything_works_the_same(visits: Visits, gateway: Gateway, sandbox: Sandbox) -> None:
    page = visits("admin", url=gateway.portal)
    open_user(page, sandbox)
    open_mail(page, GMAIL)
    page.keyboard.press("a")
    dialog(page).get_by_role("button", name="Release and allow").click()
    expect(row(page, GMAIL)).to_contain_text("Released")
    assert not held(sandbox, GMAIL)


def test_a_list_that_fails_says_so_and_comes_when_one_tries_again(visits: Visits, gateway: Gateway, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 502", "htmx:responseError")
    gateway.refuse["/emails/Quarantine?"] = 500
    page = visits("admin", url=gateway.portal)
    page.goto(f"/users/{sandbox.user(ANNA)}/")
    failed = page.locator("#held").get_by_role("alert")
    expect(failed).to_contain_text("The gateway failed")
    expect(failed).to_contain_text("The gateway is having a bad day.")
    expect(failed.locator("code")).to_have_text(re.compile(r"^\w{8,}"))  # the number to quote
    expect(page.get_by_role("heading", name=ANNA)).to_be_visible()  # only the panel is lost
    expect(page.locator("#folders .folders")).to_be_visible()
    gateway.refuse.clear()
    failed.get_by_role("link", name="Try again").click()
    expect(row(page, INVOICE)).to_be_visible()
    expect(reading(page).locator("h2")).to_contain_text(INVOICE)  # and it goes on as if nothing had been


def test_a_mail_that_fails_leaves_the_list_usable(visits: Visits, gateway: Gateway, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 502", "htmx:responseError")
    page = visits("admin", url=gateway.portal)
    open_user(page, sandbox)
    gateway.refuse[sandbox.mail(ANNA, GMAIL)] = 500
    row(page, GMAIL).get_by_role("link").click()
    failed = page.locator("#reading").get_by_role("alert")
    expect(failed).to_contain_text("The gateway failed")
    expect(page.locator(".mails .mail")).to_have_count(22)
    gateway.refuse.clear()
    failed.get_by_role("link", name="Try again").click()
    expect(reading(page).locator("h2")).to_contain_text(GMAIL)


def test_folders_that_fail_take_nothing_else_with_them(visits: Visits, gateway: Gateway, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 502", "htmx:responseError")
    gateway.refuse["/emails/folders"] = 503
    page = visits("admin", url=gateway.portal)
    page.goto(f"/users/{sandbox.user(ANNA)}/")
    expect(page.locator("#folders").get_by_role("alert")).to_contain_text("The gateway failed")
    expect(reading(page).locator("h2")).to_contain_text(INVOICE)
    gateway.refuse.clear()
    page.locator("#folders").get_by_role("link", name="Try again").click()
    expect(page.locator("#folders .folders")).to_be_visible()


def test_a_gateway_that_is_gone_makes_a_page_that_says_so(visits: Visits, gateway: Gateway, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 50[234]")
    user = sandbox.user(ANNA)
    gateway.refuse["/users/"] = 0  # hangs up without a word
    page = visits("admin", url=gateway.portal)
    page.goto(f"/users/{user}/")
    expect(page.get_by_role("heading", level=1)).not_to_have_text(ANNA)
    expect(page.get_by_role("link", name="Try again")).to_be_visible()
    gateway.refuse.clear()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name=ANNA)).to_be_visible()


def test_a_release_without_an_answer_is_told_as_unknown_and_not_as_failed(
    visits: Visits, gateway: Gateway, sandbox: Sandbox
) -> None:
    page = visits("admin", url=gateway.portal)
    open_user(page, sandbox)
    expect(reading(page).locator("h2")).to_contain_text(INVOICE)
    gateway.refuse["/release"] = 0
    page.keyboard.press("a")
    expect(toast(page, "We do not know whether the message was released")).to_be_visible()
    expect(row(page, INVOICE)).to_contain_text("Unknown, check")
    assert not any(rule["value"] == SUPPLIER for rule in sandbox.rules(ANNA))  # no rule for what perhaps never happened


def test_a_release_that_works_and_a_rule_that_fails_are_told_apart(visits: Visits, gateway: Gateway, sandbox: Sandbox) -> None:
    page = visits("admin", url=gateway.portal)
    open_user(page, sandbox)
    expect(reading(page).locator("h2")).to_contain_text(INVOICE)
    gateway.refuse["/wblist"] = 403
    page.keyboard.press("a")
    expect(toast(page, f"Released. The sender rule for {SUPPLIER} was not added")).to_be_visible()
    expect(row(page, INVOICE)).to_contain_text("Released")
    assert not held(sandbox, INVOICE)


def test_a_fragment_that_the_network_loses_leaves_the_page_as_it_is(admin: Page, sandbox: Sandbox, watch: Watch) -> None:
    watch.expect("htmx:sendError", "htmx:afterRequest", "ERR_FAILED", "Failed to load")
    network = Between(admin, "**/release/", lambda route: route.abort())
    open_user(admin, sandbox)
    network.meddles = True
    admin.keyboard.press("r")
    button = admin.get_by_role("button", name="Release r", exact=True)
    expect(button).to_be_enabled()
    expect(toast(admin, "The request was sent, but no answer came. Check the current state")).to_be_visible()
    expect(reading(admin).locator("h2")).to_contain_text(INVOICE)
    assert held(sandbox, INVOICE)
    network.meddles = False
    button.click()
    expect(row(admin, INVOICE)).to_contain_text("Released")


def test_a_page_of_somebody_on_the_way_never_ends_up_inside_ours(admin: Page, sandbox: Sandbox, watch: Watch) -> None:
    watch.expect("status of 504", "htmx:responseError")

    def proxy(route: Route) -> None:
        route.fulfill(status=504, content_type="text/html", body="<html><head><title>504</title></head><h1>Gateway Time-out</h1>")

    network = Between(admin, re.compile("/mail/Quarantine/|/release/"), proxy)
    open_user(admin, sandbox)
    network.meddles = True
    row(admin, GMAIL).get_by_role("link").click()
    expect(toast(admin, "No answer.")).to_have_count(1)
    admin.keyboard.press("Escape")
    row(admin, INVOICE).get_by_role("link").focus()
    admin.keyboard.press("r")
    expect(toast(admin, "No answer.")).to_have_count(2)
    expect(admin.get_by_text("Gateway Time-out")).to_have_count(0)
    expect(reading(admin).locator("h2")).to_contain_text(INVOICE)
    expect(admin.locator(".mails .mail")).to_have_count(22)


def test_what_fails_after_a_dialog_is_told_in_front_of_everything(visits: Visits, gateway: Gateway, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 422", "htmx:responseError")
    page = visits("admin", url=gateway.portal)
    open_user(page, sandbox)
    open_mail(page, GMAIL)
    page.keyboard.press("a")
    gateway.refuse["/release"] = 422
    dialog(page).get_by_role("button", name="Release and allow").click()
    expect(toast(page, "The gateway is having a bad day.")).to_be_visible()
    expect(dialog(page)).to_have_count(0)
    toast(page).get_by_role("button", name="Close").click()
    gateway.refuse.clear()
    page.keyboard.press("a")
    dialog(page).get_by_role("button", name="Release and allow").click()
    expect(row(page, GMAIL)).to_contain_text("Released")


def test_a_form_from_before_the_cookies_went_gets_new_ones_and_is_sent_once_more(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox)
    admin.context.clear_cookies(name="csrf")
    admin.keyboard.press("r")
    expect(toast(admin, "please repeat your last step")).to_be_visible()
    expect(reading(admin).locator("h2")).to_contain_text(INVOICE)
    assert held(sandbox, INVOICE)
    admin.keyboard.press("r")
    expect(row(admin, INVOICE)).to_contain_text("Released")
