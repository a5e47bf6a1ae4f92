"""A form of settings tells what was changed in it, and leaving with it asks."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Site, Visits
from tests.browser.server import Sandbox
from tests.browser.steps import toast
from tests.browser.test_accessibility import look
from tests.browser.test_policies import BOARD, policies
from tests.browser.test_small_screens import fits


def bar(page: Page) -> Locator:
    return page.locator(".savebar")


def row(page: Page, label: str) -> Locator:
    return page.locator(f'.field[data-label="{label}"]')


def open_policy(page: Page, sandbox: Sandbox) -> str:
    page.goto(f"/policies/{policies(sandbox)[BOARD]['id']}/")
    return page.url


def test_what_is_changed_is_marked_and_counted_and_what_is_changed_back_is_not(admin: Page, sandbox: Sandbox) -> None:
    open_policy(admin, sandbox)
    expect(bar(admin)).to_contain_text("No changes")
    admin.get_by_label("Spam threshold", exact=True).fill("4.5")
    expect(bar(admin)).to_contain_text("1 change: Spam threshold 5 → 4.5")
    expect(row(admin, "Spam threshold")).to_have_class(re.compile("changed"))
    expect(row(admin, "Spam threshold")).to_contain_text("was 5")
    expect(row(admin, "Delivery limit")).not_to_have_class(re.compile("changed"))
    admin.get_by_label("Deliver spam").check()
    expect(bar(admin)).to_contain_text("2 changes: Spam threshold 5 → 4.5, Deliver spam Off → On")
    admin.get_by_label("Spam threshold", exact=True).fill("5")
    expect(bar(admin)).to_contain_text("1 change: Deliver spam Off → On")
    admin.get_by_label("Deliver spam").uncheck()
    expect(bar(admin)).to_contain_text("No changes")
    expect(admin.locator(".changed, .was")).to_have_count(0)
    look(admin)


def test_a_choice_is_told_in_its_words_and_a_text_of_lines_by_its_name(admin: Page, sandbox: Sandbox) -> None:
    admin.goto(f"/domains/{sandbox.domain('nordwind.example')}/edit/")
    admin.get_by_label("Language for new users").select_option(label="Dansk")
    expect(bar(admin)).to_contain_text("1 change: Language for new users Deutsch → Dansk")
    admin.get_by_label("Networks allowed to send").fill("192.0.2.0/24")
    expect(bar(admin)).to_contain_text("Deutsch → Dansk, Networks allowed to send")
    admin.get_by_label("Description").fill("<img src=x onerror=alert(1)>")
    expect(bar(admin)).to_contain_text("3 changes: Description")
    assert not bar(admin).locator("img").count()


def test_a_page_that_comes_back_still_marks_what_was_changed(admin: Page, sandbox: Sandbox, visits: Visits) -> None:
    visits.watch.expect("status of 422")
    admin.goto(f"/domains/{sandbox.domain('nordwind.example')}/edit/")
    admin.get_by_role("textbox", name="Domain", exact=True).fill("a_b.example")
    admin.get_by_label("Archive").check()
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert")).to_be_visible()
    expect(row(admin, "Domain").locator(".problem")).to_be_visible()
    expect(bar(admin)).to_contain_text("2 changes: Domain nordwind.example → a_b.example, Archive Off → On")
    expect(row(admin, "Archive")).to_contain_text("was Off")
    admin.get_by_role("textbox", name="Domain", exact=True).fill("nordwind.example")
    expect(bar(admin)).to_contain_text("1 change: Archive Off → On")


def test_leaving_with_changes_asks_and_staying_keeps_them(admin: Page, sandbox: Sandbox, visits: Visits) -> None:
    visits.watch.expect("dialog: ")  # which is dismissed: the person stays
    asked: list[str] = []
    admin.on("dialog", lambda dialog: asked.append(dialog.type))
    here = open_policy(admin, sandbox)
    admin.get_by_label("Spam threshold", exact=True).fill("4.5")
    with admin.expect_event("dialog"):
        admin.get_by_role("link", name="Health").first.click(no_wait_after=True)
    expect(bar(admin)).to_contain_text("1 change")
    assert (admin.url, asked) == (here, ["beforeunload"])
    admin.get_by_role("button", name="Save").last.click()
    expect(toast(admin, "The policy was changed.")).to_be_visible()
    assert asked == ["beforeunload"]  # saving is no leaving
    expect(bar(admin)).to_contain_text("No changes")
    admin.get_by_role("link", name="Health").first.click()
    expect(admin).not_to_have_url(here)


def test_leaving_without_a_change_or_with_one_that_was_taken_back_asks_nothing(admin: Page, sandbox: Sandbox) -> None:
    open_policy(admin, sandbox)
    admin.get_by_label("Name").fill("other")
    admin.get_by_label("Name").fill(BOARD)
    admin.get_by_label("A message with a score of", exact=True).fill("8")  # is no setting
    bar(admin).get_by_role("link", name="Cancel").click()
    expect(admin).to_have_url(re.compile("/policies/$"))


def test_a_new_thing_asks_too_and_counts_nothing(admin: Page, visits: Visits) -> None:
    visits.watch.expect("dialog: ", "status of 422")
    admin.goto("/domains/new/")
    admin.get_by_label("Domain", exact=True).fill("a_b.example")
    expect(bar(admin)).not_to_contain_text("change")
    admin.get_by_role("button", name="Create domain").click()
    expect(admin.get_by_role("alert")).to_be_visible()
    with admin.expect_event("dialog"):
        admin.get_by_role("link", name="Home", exact=True).click(no_wait_after=True)
    expect(admin.get_by_label("Domain", exact=True)).to_have_value("a_b.example")


def test_where_the_session_ended_leaving_asks_still(admin: Page, sandbox: Sandbox, visits: Visits) -> None:
    visits.watch.expect("dialog: ")
    open_policy(admin, sandbox)
    admin.get_by_label("Name").fill("Half a thought")
    admin.context.clear_cookies(name="session")
    admin.get_by_role("button", name="Save").last.click()
    expect(admin.locator("#session[open]")).to_be_visible()
    with admin.expect_event("dialog"):
        admin.evaluate("location.assign('/users/')")
    expect(admin.get_by_label("Name", exact=True)).to_have_value("Half a thought")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_the_bar_stays_in_sight_and_hides_no_field(size: dict[str, int], visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", size=size, reduced_motion="reduce")
    open_policy(page, sandbox)
    expect(bar(page)).to_be_in_viewport(ratio=0.9)
    page.get_by_label("Name").focus()
    for _field in range(60):
        page.keyboard.press("Tab")
        hidden = page.evaluate(
            """() => {
              const field = document.activeElement.closest(".set")  && document.activeElement.getBoundingClientRect();
              return field && field.bottom > document.querySelector(".savebar").getBoundingClientRect().top ? document.activeElement.name : "";
            }"""
        )
        assert not hidden, hidden
    fits(page)


def test_a_service_that_is_off_hides_its_settings_and_a_tag_what_is_not_delivered(admin: Page, sandbox: Sandbox) -> None:
    open_policy(admin, sandbox)
    expect(admin.get_by_label("Subject tag for spam")).to_be_hidden()
    admin.get_by_label("Deliver spam").check()
    expect(admin.get_by_label("Subject tag for spam")).to_be_visible()
    admin.get_by_label("Archive enabled").uncheck()
    expect(admin.get_by_label("Archive for", exact=True)).to_be_hidden()


def test_without_javascript_the_buttons_stand_at_the_end(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", java_script_enabled=False)
    open_policy(page, sandbox)
    expect(bar(page).get_by_text("No changes")).to_be_hidden()
    assert bar(page).evaluate("bar => getComputedStyle(bar).position") == "static"
    page.get_by_label("Spam threshold", exact=True).fill("4.5")
    bar(page).get_by_role("button", name="Save").click()
    expect(toast(page, "The policy was changed.")).to_be_visible()


def test_what_is_dangerous_stands_behind_the_form(admin: Page, sandbox: Sandbox, site: Site) -> None:
    domain = f"/domains/{sandbox.domain('nordwind.example')}/"
    for address, name in ((open_policy(admin, sandbox), "Delete policy"), (f"{domain}edit/", "Delete domain")):
        admin.goto(address)
        danger = admin.get_by_role("link", name=name)
        expect(danger).to_have_count(1)
        assert admin.evaluate("([form, link]) => !!(form.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING)",
                              [admin.locator("form.settings").element_handle(), danger.element_handle()])  # fmt: skip
        assert not admin.locator("form.settings").get_by_role("link", name=name).count()
