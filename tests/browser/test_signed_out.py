"""The session is over while a page is open: signing in is asked for in front of it, and all that was typed stays."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Site, Visits, Watch
from tests.browser.server import Gateway, Sandbox
from tests.browser.steps import GMAIL, INVOICE, dialog, open_mail, open_user, reading, row, settled, toast
from tests.browser.test_accessibility import look
from tests.browser.test_policies import BOARD, policies
from tests.browser.test_small_screens import fits
from tests.browser.test_trouble import held

ENDED = "Your session has ended. Sign in to continue where you were."
AGAIN = "You are signed in again. This page is as you left it: please repeat your last step."
MARK = "Half a thought of 5 mice"


def asked(page: Page) -> Locator:
    return page.locator("#session[open]")


def sign_in_over_the_network(visits: Visits, gateway: Gateway) -> Page:
    """Somebody who has signed in with the gateway that can fail: with another one they would be somebody else."""
    page = visits(url=gateway.portal)
    page.goto("/sign-in/")
    page.get_by_label("Access token").fill(visits.site.tokens["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Account and language")).to_be_visible()
    return page


def sign_out_elsewhere(page: Page) -> Page:
    """In another tab of the same browser, which is left on the sign-in page."""
    other = page.context.new_page()
    other.goto("/account/")
    other.get_by_label("Account and language").click()
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    return other


def sign_in(page: Page, token: str) -> None:
    expect(asked(page)).to_contain_text(ENDED)
    expect(asked(page).get_by_label("Access token")).to_be_focused()
    page.keyboard.insert_text(token)
    page.keyboard.press("Enter")


def open_policy(page: Page, sandbox: Sandbox) -> str:
    """The form of a policy, and its address."""
    page.goto(f"/policies/{policies(sandbox)[BOARD]['id']}/")
    expect(page.get_by_label("Name")).to_be_editable()
    return page.url


def test_a_token_that_ends_in_the_middle_is_asked_for_on_the_page(
    visits: Visits, gateway: Gateway, sandbox: Sandbox, site: Site
) -> None:
    page = sign_in_over_the_network(visits, gateway)
    open_user(page, sandbox)
    where, loads = page.url, len(visits.watch.loads)
    gateway.refuse["/users"] = 401
    row(page, GMAIL).get_by_role("link").click()
    expect(asked(page)).to_be_visible()
    gateway.refuse.clear()
    sign_in(page, site.tokens["admin"])
    expect(toast(page, AGAIN)).to_be_visible()
    expect(asked(page)).to_have_count(0)
    expect(page).to_have_url(where)
    expect(row(page, GMAIL).get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(reading(page).locator("h2")).to_contain_text(GMAIL)
    assert len(visits.watch.loads) == loads


def test_a_release_that_was_being_described_goes_on_after_signing_in(
    admin: Page, sandbox: Sandbox, site: Site, watch: Watch
) -> None:
    watch.expect("status of 403")
    open_user(admin, sandbox)
    open_mail(admin, GMAIL)
    admin.keyboard.press("A")
    dialog(admin).get_by_label("Rule ends").select_option("30 days")
    dialog(admin).get_by_label("Description").fill(MARK)
    sign_out_elsewhere(admin).close()
    button = dialog(admin).get_by_role("button", name="Release and allow")
    button.click()
    sign_in(admin, "not-a-token")
    expect(asked(admin).get_by_role("alert")).to_contain_text("This token is invalid or has expired.")
    sign_in(admin, site.tokens["admin"])
    expect(dialog(admin).get_by_role("status")).to_have_text(AGAIN)
    expect(asked(admin)).to_have_count(0)
    expect(button).to_be_focused()
    expect(dialog(admin).get_by_label("Description")).to_have_value(MARK)
    assert held(sandbox, GMAIL)  # nothing is sent again by itself
    admin.keyboard.press("Enter")
    expect(toast(admin, "Released.")).to_be_visible()
    assert not held(sandbox, GMAIL)
    assert [rule["type"] for rule in sandbox.domain_rules("nordwind.example") if rule.get("description") == MARK] == ["ALLOW"]
    assert "mice" not in "".join(watch.asked) and site.tokens["admin"] not in "".join(watch.asked)


def test_a_form_that_is_half_filled_stays_and_is_saved_after_signing_in(
    admin: Page, sandbox: Sandbox, site: Site, watch: Watch
) -> None:
    where = open_policy(admin, sandbox)
    sign_out_elsewhere(admin).close()
    name, save = admin.get_by_label("Name"), admin.get_by_role("button", name="Save").last
    name.fill(MARK)  # the scale is drawn anew while one types
    expect(asked(admin)).to_be_visible()
    admin.keyboard.press("Escape")
    expect(asked(admin)).to_have_count(0)
    expect(name).to_be_focused()
    expect(admin.get_by_text("You are signed out.")).to_be_visible()
    with admin.expect_response(lambda answer: "/policies/scale/" in answer.url):
        name.fill(f"{MARK}s")
    expect(asked(admin)).to_have_count(0)  # it is known, and not asked for with each letter
    save.click()
    sign_in(admin, site.tokens["admin"])
    expect(toast(admin, AGAIN)).to_be_visible()
    expect(admin.get_by_text("You are signed out.")).to_be_hidden()
    expect(save).to_be_focused()
    expect(name).to_have_value(f"{MARK}s")
    expect(admin).to_have_url(where)
    assert BOARD in policies(sandbox)
    save.click()
    expect(toast(admin, "The policy")).to_be_visible()
    assert f"{MARK}s" in policies(sandbox)
    assert not any("mice" in url for url in watch.loads)


def test_a_token_that_ends_while_a_form_is_saved_leaves_the_form_as_it_is(
    visits: Visits, gateway: Gateway, sandbox: Sandbox, site: Site
) -> None:
    page = sign_in_over_the_network(visits, gateway)
    page.goto(f"/domains/{sandbox.domain('nordwind.example')}/new-admin/")
    page.get_by_label("Password").fill(MARK)
    fields = page.locator("main input:visible, main textarea:visible")
    before = [field.input_value() for field in fields.all()]
    page.locator("main form").evaluate("form => { form.noValidate = true; }")
    gateway.refuse["/"] = 401
    page.locator("main form button.primary").last.click()
    expect(asked(page)).to_be_visible()
    gateway.refuse.clear()
    sign_in(page, site.tokens["admin"])
    expect(toast(page, AGAIN)).to_be_visible()
    assert [field.input_value() for field in fields.all()] == before and MARK in before


def test_a_search_that_is_being_written_stays(admin: Page, sandbox: Sandbox, site: Site) -> None:
    open_user(admin, sandbox)
    admin.get_by_text("Search in this folder").click()
    admin.get_by_label("Subject").fill("Bewerbung")
    sign_out_elsewhere(admin).close()
    search = admin.locator(".search-mail").get_by_role("button", name="Search")
    search.click()
    sign_in(admin, site.tokens["admin"])
    expect(search).to_be_focused()
    expect(admin.get_by_label("Subject")).to_have_value("Bewerbung")
    search.click()
    expect(admin.locator(".mails .mail")).to_have_count(1)


def test_mails_that_were_selected_stay_so_and_what_watches_them_asks_once(
    visits: Visits, gateway: Gateway, sandbox: Sandbox, site: Site
) -> None:
    page = sign_in_over_the_network(visits, gateway)  # where nothing runs the batch
    open_user(page, sandbox)
    for words in (GMAIL, INVOICE):
        row(page, words).get_by_role("checkbox").check()
    sign_out_elsewhere(page).close()
    release = page.get_by_role("button", name="Release selected messages")
    release.click()
    sign_in(page, site.tokens["admin"])
    expect(toast(page, AGAIN)).to_be_visible()
    expect(page.locator(".mails input:checked")).to_have_count(2)
    assert held(sandbox, GMAIL) and held(sandbox, INVOICE)
    release.click()
    expect(page.locator(".strip progress")).to_be_visible()

    sign_out_elsewhere(page).close()
    expect(asked(page)).to_be_visible()
    for _poll in range(2):
        with page.expect_response(lambda answer: "since=" in answer.url):
            pass
    expect(asked(page).get_by_label("Access token")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    for _poll in range(2):
        with page.expect_response(lambda answer: "since=" in answer.url):
            pass
    expect(asked(page)).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, site.tokens["admin"])
    expect(toast(page, AGAIN)).to_be_visible()
    expect(page.get_by_text("You are signed out.")).to_be_hidden()


def test_somebody_else_who_signs_in_there_sees_nothing_of_the_page(
    admin: Page, sandbox: Sandbox, site: Site, watch: Watch
) -> None:
    open_policy(admin, sandbox)
    sign_out_elsewhere(admin).close()
    admin.get_by_label("Name").fill(MARK)
    sign_in(admin, site.tokens["helpdesk"])
    expect(admin).to_have_url(f"{site.url}/")
    assert "mice" not in admin.content() and BOARD not in admin.content()
    assert BOARD in policies(sandbox)
    admin.go_back()
    expect(admin.locator("main")).to_be_visible()
    assert "mice" not in admin.content() + "".join(watch.loads)


def test_who_signs_in_in_one_tab_goes_on_in_the_others(admin: Page, sandbox: Sandbox, site: Site) -> None:
    open_user(admin, sandbox)
    open_mail(admin, GMAIL)
    second = admin.context.new_page()
    open_user(second, sandbox)
    open_mail(second, INVOICE)
    other = sign_out_elsewhere(admin)
    second.bring_to_front()
    second.keyboard.press("r")
    expect(asked(second)).to_be_visible()
    other.bring_to_front()
    other.get_by_label("Access token").fill(site.tokens["admin"])
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_label("Account and language")).to_be_visible()

    second.bring_to_front()
    sign_in(second, site.tokens["admin"])  # by a form from before
    expect(toast(second, AGAIN)).to_be_visible()
    assert held(sandbox, INVOICE)
    second.keyboard.press("r")
    expect(row(second, INVOICE)).to_contain_text("Released")
    admin.bring_to_front()
    admin.get_by_role("button", name="Release r", exact=True).click()
    expect(toast(admin, AGAIN)).to_be_visible()
    expect(asked(admin)).to_have_count(0)


def test_a_page_whose_person_was_followed_by_another_mixes_nothing(admin: Page, sandbox: Sandbox, site: Site) -> None:
    open_user(admin, sandbox)
    settled(admin)
    other = sign_out_elsewhere(admin)
    other.get_by_label("Access token").fill(site.tokens["owner"])
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_label("Account and language")).to_be_visible()
    admin.bring_to_front()
    row(admin, GMAIL).get_by_role("link").click()
    expect(admin.get_by_role("link", name="My mailbox")).to_be_visible()


def test_too_many_tries_are_told_in_the_dialog(admin: Page, sandbox: Sandbox, site: Site, watch: Watch) -> None:
    watch.expect("status of 403", "status of 429")
    open_user(admin, sandbox)
    sign_out_elsewhere(admin).close()
    row(admin, GMAIL).get_by_role("link").click()
    for _try in range(5):
        with admin.expect_response("**/sign-in/"):
            sign_in(admin, "not-a-token")
        expect(asked(admin).get_by_label("Access token")).to_have_value("")
        expect(asked(admin).get_by_role("alert")).to_contain_text("This token is invalid")
    sign_in(admin, "not-a-token")
    expect(asked(admin).get_by_role("alert")).to_contain_text("Too many attempts. Please wait")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dialog_can_be_read_by_everybody(visits: Visits, sandbox: Sandbox, size: dict[str, int], scheme: str) -> None:
    visits.watch.expect("status of 403")
    page = visits("admin", size=size, color_scheme=scheme, reduced_motion="reduce")
    open_user(page, sandbox)
    sign_out_elsewhere(page).close()
    row(page, GMAIL).get_by_role("link").click()
    sign_in(page, "not-a-token")
    expect(asked(page).get_by_role("alert")).to_be_visible()
    fits(page)
    look(page)
    asked(page).get_by_role("button", name="Close").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    fits(page)
    look(page)
