"""Several mails at once: a batch that is watched, stopped, gone on with, and left alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.server import Sandbox
from tests.browser.steps import ANNA, BUSY, INVOICE, VIRUS, dialog, open_user, reading, row


@contextmanager
def slow_gateway(site: Site) -> Iterator[None]:
    """Nothing can be released for a while: somebody else is writing to the gateway's database."""
    with closing(sqlite3.connect(site.server.data / "sandbox.sqlite3", timeout=20, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            writer.execute("ROLLBACK")


def select_all(page: Page) -> int:
    """Every mail of the page, with the keyboard."""
    page.locator(".mails .mail > a").first.focus()
    boxes = page.locator(".mails input[type=checkbox]").count()
    for _ in range(boxes):
        page.keyboard.press("x")
        page.keyboard.press("j")
    expect(page.locator(".mails input:checked")).to_have_count(boxes)
    return boxes


def test_three_selected_mails_are_released_and_each_tells_how_it_went(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox)
    before = len(sandbox.mails(ANNA, "INBOX"))
    for words in (INVOICE, "Scan vom Kopierer", VIRUS):
        row(admin, words).get_by_role("checkbox").check()
    admin.get_by_role("button", name="Release selected messages").click()
    strip = admin.locator(".strip")
    expect(strip).to_contain_text("1 of 3 refused")
    expect(strip).to_have_class("strip warn")  # it is green only when all went
    expect(strip).to_contain_text("Infected: release it individually, after reading the warning.")
    expect(row(admin, INVOICE)).to_contain_text("Done")
    expect(row(admin, INVOICE).get_by_role("checkbox")).to_have_count(0)
    expect(row(admin, VIRUS)).to_contain_text("Refused")
    expect(row(admin, VIRUS).get_by_role("checkbox")).not_to_be_checked()
    expect(admin.locator(".mails .mail")).to_have_count(22)  # the list stays where it is
    strip.get_by_role("link", name=VIRUS).click()
    expect(reading(admin).locator("h2")).to_contain_text(VIRUS)
    expect(strip).to_be_visible()

    strip.get_by_role("link", name="Release of 3 messages").click()
    expect(admin.get_by_role("heading", name="Release of 3 messages")).to_be_visible()
    expect(admin.get_by_role("status").filter(has_text="3 of 3 finished")).to_be_visible()
    lines = admin.locator(".entries li")
    expect(lines.filter(has_text=INVOICE)).to_contain_text("Released.")
    expect(lines.filter(has_text="Scan vom Kopierer")).to_contain_text("Released.")
    expect(lines.filter(has_text=VIRUS)).to_contain_text("Infected: release it individually, after reading the warning.")
    expect(admin.get_by_role("button", name="Stop")).to_have_count(0)
    assert len(sandbox.mails(ANNA, "INBOX")) == before + 2
    admin.get_by_role("link", name="Back to the list").click()
    expect(admin.locator(".mails .mail")).to_have_count(20)
    expect(row(admin, VIRUS)).to_be_visible()


def test_a_batch_is_stopped_on_demand_survives_a_reload_and_is_resumed(admin: Page, site: Site, sandbox: Sandbox) -> None:
    open_user(admin, sandbox, BUSY)
    held = len(sandbox.mails(BUSY, "Quarantine"))
    assert select_all(admin) == 40
    with slow_gateway(site):
        admin.get_by_role("button", name="Release selected messages").click()
        admin.locator(".strip").get_by_role("link", name="Release of 40 messages").click()
        expect(admin.get_by_role("heading", name="Release of 40 messages")).to_be_visible()
        bar = admin.get_by_role("progressbar")
        expect(bar).to_have_attribute("max", "40")
        expect(admin.locator(".entries .chip").get_by_text("running", exact=True)).to_have_count(2)
        address = admin.url
        admin.reload()
        expect(admin).to_have_url(address)
        expect(bar).to_have_attribute("value", "0")
        admin.get_by_role("button", name="Stop").click()
        expect(admin.get_by_role("status").filter(has_text="stopped")).to_be_visible()
    expect(admin.get_by_role("button", name="Stop")).to_have_count(0)
    resume = admin.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    chips = admin.locator(".entries .chip")
    # The two in flight come to their end, and no other is begun.
    while chips.get_by_text("running", exact=True).count():
        admin.reload()
    expect(chips.get_by_text("done", exact=True)).to_have_count(2)
    expect(chips.get_by_text("waiting", exact=True)).to_have_count(38)
    assert len(sandbox.mails(BUSY, "Quarantine")) == held - 2

    admin.goto("/batches/")
    expect(admin.locator(".list tbody tr")).to_contain_text("stopped")
    admin.get_by_role("link", name="Release of 40 messages").click()
    resume.click()
    expect(admin.get_by_role("status").filter(has_text="40 of 40 finished")).to_be_visible()
    expect(bar).to_have_attribute("value", "40")
    expect(chips.get_by_text("done", exact=True)).to_have_count(40)
    expect(resume).to_have_count(0)
    assert len(sandbox.mails(BUSY, "Quarantine")) == held - 40
    assert len({mail["id"] for mail in sandbox.mails(BUSY, "INBOX")}) == len(sandbox.mails(BUSY, "INBOX"))


def test_a_job_above_the_list_is_stopped_and_resumed_there(admin: Page, site: Site, sandbox: Sandbox) -> None:
    open_user(admin, sandbox, BUSY)
    select_all(admin)
    strip = admin.locator(".strip")
    with slow_gateway(site):
        admin.get_by_role("button", name="Release selected messages").click()
        expect(strip).to_be_visible()
        expect(admin.locator(".mails input:checked")).to_have_count(0)  # what was selected is on its way
        strip.get_by_role("button", name="Stop").click()
        expect(strip).to_contain_text("stopped")
    strip.get_by_role("button", name="Resume").click()
    expect(strip).to_have_class("strip ok")
    expect(admin.locator(".mails .mail.released")).to_have_count(40)
    strip.get_by_role("button", name="Close").click()
    expect(strip).to_have_count(0)


def test_all_that_match_are_released_after_a_question_that_says_how_many(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox, BUSY)
    held = len(sandbox.mails(BUSY, "Quarantine"))
    admin.locator(".mails .pick").first.click()
    admin.get_by_label(f"All {held}").check()
    expect(admin.get_by_text(f"{held} selected").last).to_be_visible()
    expect(admin.locator(".mails input:checked")).to_have_count(40)
    admin.get_by_role("button", name="Release selected messages").click()
    expect(dialog(admin)).to_contain_text(f"Release {held} messages?")
    dialog(admin).get_by_role("link", name="Cancel").click()
    expect(admin.locator(".mails input:checked")).to_have_count(40)
    admin.get_by_role("button", name="Release selected messages").click()
    dialog(admin).get_by_role("button", name=f"Release {held} messages").click()
    expect(dialog(admin)).to_have_count(0)
    expect(admin.locator(".strip")).to_contain_text(f"Release of {held} messages")


def test_one_box_less_is_no_longer_all_that_match(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox, BUSY)
    admin.locator(".mails .pick").first.click()
    every = admin.locator("[name=all]")
    every.check()
    admin.locator(".mails .pick").nth(3).click()
    expect(every).not_to_be_checked()
    expect(admin.locator("[data-counted]")).to_have_text("39 selected")
