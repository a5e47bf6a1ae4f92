"""The box on top of every page, and people who type faster than any server answers."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Watch
from tests.browser.server import Sandbox
from tests.browser.steps import ANNA, chosen


def test_enter_before_any_suggestion_opens_the_only_user_found(admin: Page) -> None:
    admin.goto("/")
    admin.keyboard.press("/")
    admin.keyboard.type("anna.keller")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", name=ANNA)).to_be_visible()


def test_enter_before_any_suggestion_shows_results_with_the_first_one_focused(admin: Page) -> None:
    admin.goto("/domains/")
    admin.keyboard.press("/")
    admin.keyboard.type("an")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", name="Search: an")).to_be_visible()
    first = admin.locator(".results a").first
    expect(first).to_be_focused()
    name = first.inner_text()
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", name=name)).to_be_visible()


def test_suggestions_for_what_was_typed_before_are_never_shown_nor_opened(admin: Page, watch: Watch) -> None:
    watch.expect("htmx:afterRequest", "htmx:sendAbort")  # htmx's way to say that it gave up the older question
    late: list[Route] = []
    admin.route(re.compile(r"/search/suggestions/\?q=an$"), lambda route: late.append(route))
    admin.goto("/")
    admin.keyboard.press("/")
    with admin.expect_request(re.compile(r"/search/suggestions/\?q=an$")):
        admin.keyboard.type("an")
    admin.get_by_role("combobox").fill("zz")
    expect(admin.locator("#suggestions")).to_contain_text("No user or domain matches “zz”.")
    for route in late:
        route.continue_()
    admin.keyboard.press("ArrowDown")
    expect(admin.locator("#suggestions")).to_contain_text("No user or domain matches “zz”.")
    expect(admin.locator("#suggestions a")).to_have_count(0)


def test_enter_while_newer_suggestions_are_on_their_way_does_not_open_an_older_one(admin: Page) -> None:
    admin.goto("/")
    admin.keyboard.press("/")
    admin.keyboard.type("an")
    expect(chosen(admin)).to_be_visible()
    admin.keyboard.type("na.keller")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", name=ANNA)).to_be_visible()


def test_arrows_choose_among_the_suggestions_and_escape_closes_them(admin: Page, sandbox: Sandbox) -> None:
    admin.goto("/")
    box = admin.get_by_role("combobox")
    box.click()
    admin.keyboard.type("nordwind")
    options = admin.get_by_role("listbox").locator("a")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-expanded", "true")
    admin.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    chosen = options.last.get_attribute("id")
    expect(box).to_have_attribute("aria-activedescendant", str(chosen))
    admin.keyboard.press("Escape")
    expect(admin.get_by_role("listbox")).not_to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("nordwind")  # the first Escape closes the list, and takes nothing away
    admin.keyboard.press("ArrowUp")
    admin.keyboard.press("ArrowDown")
    admin.keyboard.press("ArrowUp")
    name = options.nth(options.count() - 2).locator("strong").inner_text()
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", name=name)).to_be_visible()


def test_a_domain_is_found_in_the_same_box(admin: Page, sandbox: Sandbox) -> None:
    admin.goto("/")
    admin.get_by_role("combobox").click()
    admin.keyboard.type("alpenmilch.ex")
    admin.get_by_role("option", name="alpenmilch.example Alpenmilch").click()
    expect(admin).to_have_url(re.compile(f"/domains/{sandbox.domain('alpenmilch.example')}/$"))
    admin.get_by_role("navigation", name="Pages of this domain").get_by_role("link", name="Users").click()
    expect(admin.get_by_role("link", name="rahel.stoeckli@alpenmilch.example")).to_be_visible()
