"""What the people of the journeys do, in their own words."""

import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.server import Sandbox

ANNA = "anna.keller@nordwind.example"
BUSY = "info@nordwind.example"  # more held mail than fits on three pages
EMPTY = "beat.zurbriggen@nordwind.example"  # no held mail at all
NILS = "nils.schroeder@nordwind.example"
INVOICE = "Rechnung R-48213"  # the newest of Anna's held mails: a real one, caught by mistake
SUPPLIER = "rechnung@rheintal-papier.example"  # who sent it
GMAIL = "Bewerbung als Disponent"
FORGED = "dringende Überweisung"
VIRUS = "Facture impayée"
HOSTILE = "<script>alert(1)</script>"
NEWSLETTER = "Nur diese Woche"


class Hands:
    """A person's hands: does what a page is asked to do, and counts it."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys, self.clicks = page, 0, 0

    def press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        for letter in text:
            self.press(letter)

    def click(self, place: Locator) -> None:
        self.clicks += 1
        place.click()


def open_user(page: Page, sandbox: Sandbox, email: str = ANNA) -> None:
    """The hub of a user, with its list and its folders there."""
    page.goto(f"/users/{sandbox.user(email)}/")
    expect(page.locator("#folders .folders")).to_be_visible()


def settled(page: Page) -> None:
    """Everything that a page loads by itself is there."""
    expect(page.locator(".loading, .htmx-request, #folders > p > a")).to_have_count(0)


def open_mail(page: Page, words: str) -> None:
    """Click on a mail of the list and see it open, under its own address."""
    link = row(page, words).locator("a")
    link.click()
    expect(page).to_have_url(str(link.get_attribute("href")))
    expect(reading(page).locator("h2")).to_contain_text(words)


def row(page: Page, words: str) -> Locator:
    return page.locator(".mails .mail").filter(has_text=words)


def chosen(page: Page) -> Locator:
    """The suggestion that Enter would open."""
    return page.locator("#suggestions [aria-selected=true]")


def reading(page: Page) -> Locator:
    return page.locator("#reading .opened")


def toast(page: Page, words: str = "") -> Locator:
    return page.locator("#toasts .toast").filter(has_text=words)


def dialog(page: Page) -> Locator:
    return page.locator("#dialog[open]")


def fits(page: Page) -> None:
    """Nothing makes the page scroll sideways, and nothing is cut off where one cannot scroll to it."""
    wide = page.evaluate("document.documentElement.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= wide, page.url
    outside = page.locator(":is(button, a.button, input, h1, h2, .toast, dialog[open]):visible").evaluate_all(
        """(all, wide) => all.filter(one => {
            const box = one.getBoundingClientRect();
            return !one.closest('.scroll, .folders, .skip, .hidden') && box.width > 1 && (box.right > wide + 1 || box.left < -1);
        }).map(one => one.outerHTML.slice(0, 120))""",
        wide,
    )
    assert outside == [], page.url


def rule_on(rules: list[dict[str, Any]], sender: str) -> dict[str, Any]:
    (found,) = (rule for rule in rules if rule["value"] == sender)
    return found


def days_left(rule: dict[str, Any]) -> int | None:
    """How long a rule still lasts, None for ever."""
    end = rule.get("expireAt")
    return round((end / 1000 - time.time()) / 86_400) if end else None
