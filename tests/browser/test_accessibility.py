"""axe looks at every page and at everything that can open on one: light and dark, wide and narrow, forced colours."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visits
from tests.browser.places import Ids, looked_at
from tests.browser.server import Sandbox
from tests.browser.steps import (
    ANNA,
    EMPTY,
    GMAIL,
    HOSTILE,
    INVOICE,
    SUPPLIER,
    VIRUS,
    chosen,
    dialog,
    fits,
    open_mail,
    open_user,
    reading,
    row,
    rule_on,
    settled,
    toast,
)
from tests.places import GROUPS

AXE = Axe()
TALL_PHONE = {**PHONE, "height": 1600}  # so that its bars do not lie on what one would scroll to
SIZES = pytest.mark.parametrize("size", [DESKTOP, TALL_PHONE], ids=["desk", "phone"])


def look(page: Page, *, schemes: tuple[str, ...] = ("light", "dark"), loads: bool = True) -> None:
    """Fail on anything that axe finds. Only colours depend on the scheme, so all other rules are asked once."""
    if loads:
        settled(page)
    page.evaluate(AXE.axe_script)
    found = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "rules": {"target-size": {"enabled": True}}}
        if scheme != schemes[0]:
            options["runOnly"] = ["color-contrast"]
        for problem in page.evaluate("options => axe.run(options)", options)["violations"]:
            found += [f"{scheme} {problem['id']}: {one['html'][:160]}: {one['failureSummary'][:200]}" for one in problem["nodes"]]
    page.emulate_media(color_scheme=schemes[0])  # type: ignore[arg-type]
    assert found == [], page.url


def visit(visits: Visits, who: str, size: Any, **more: Any) -> Page:
    return visits(who, size=size, reduced_motion="reduce", **more)


@SIZES
@pytest.mark.parametrize("group", GROUPS)
def test_every_page(group: str, size: Any, visits: Visits, sandbox: Sandbox) -> None:
    page = visit(visits, "admin", size)
    ids = Ids(sandbox)
    for place in looked_at(group):
        page.goto(place.at(ids))
        look(page)
        if size == TALL_PHONE:
            fits(page)


@SIZES
def test_every_part_of_a_page(size: Any, visits: Visits) -> None:
    page = visit(visits, "admin", size)
    page.goto("/styleguide/")
    look(page, loads=False)  # it shows what loads for ever
    fits(page)


@SIZES
def test_every_page_in_another_state(size: Any, visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 404", "status of 403")
    page = visit(visits, "admin", size)
    user, domain = sandbox.user(ANNA), sandbox.domain("nordwind.example")
    hub, mail = f"/users/{user}/", f"/users/{user}/mail/Quarantine/{sandbox.mail(ANNA, VIRUS)}/"
    addresses = {
        "results": "/search/?q=nordwind", "no results": "/search/?q=nobody-at-all", "no question": "/search/?q=",
        "no users": "/users/?email=nobody", "domains the other way round": "/domains/?sort=-name",
        "deleted domains": "/domains/?status=DELETED", "a customer's domains": "/domains/?customerId=nord",
        "sorted users of a domain": f"/domains/{domain}/users/?page=1&sort=email", "nothing held": f"/users/{sandbox.user(EMPTY)}/",
        "an empty search": f"{hub}mail/Quarantine/?sender=nobody", "another folder": f"{hub}mail/INBOX/",
        "a release for a domain": f"{mail}release/?allow=domain", "no failure": "/health/?name=nobody",
        "the health of a domain": f"/domains/{sandbox.domain('nordwind-hafen.example')}/health/", "no option": f"/domains/{domain}/options/?q=nothing",
        "no such page": "/no/such/page", "no such user": "/users/nobody/", "no such mail": f"{hub}mail/Quarantine/gone/",
    }  # fmt: skip
    for address in addresses.values():
        page.goto(address)
        look(page)
        if size == TALL_PHONE:
            fits(page)


@SIZES
def test_the_pages_of_somebody_who_is_not_signed_in(size: Any, visits: Visits) -> None:
    visits.watch.expect("status of 403")
    page = visit(visits, "", size)
    page.goto("/sign-in/?ended=1&next=/users/")
    look(page)
    page.get_by_label("Access token").fill("not-a-token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This token is invalid")
    look(page)
    page.context.clear_cookies()  # and so the form is none that this site gave out
    page.get_by_label("Access token").fill("not-a-token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="This form is out of date")).to_be_visible()
    look(page)


@SIZES
def test_the_page_of_a_link_in_a_mail(size: Any, visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 403")
    page = visit(visits, "", size)
    page.goto(sandbox.link(ANNA))
    look(page)
    page.goto("/sign-in/link/?token=over")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This link is invalid")
    look(page)


@SIZES
def test_what_opens_on_a_page(size: Any, visits: Visits, sandbox: Sandbox) -> None:
    page = visit(visits, "admin", size)
    open_user(page, sandbox)
    look(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    look(page)
    page.keyboard.press("Escape")
    page.get_by_label("Account and language").click()
    look(page)
    page.keyboard.press("/")
    page.keyboard.type("nordwind")
    expect(chosen(page)).to_be_visible()
    look(page)
    page.locator("#q").fill("nobody-at-all")
    expect(page.locator("#suggestions")).to_contain_text("No user or domain")
    look(page)
    page.keyboard.press("Escape")
    page.get_by_text("Search in this folder").click()
    row(page, INVOICE).get_by_role("checkbox").check()
    look(page)
    open_mail(page, GMAIL)
    page.get_by_text("All headers").click()
    page.get_by_text("Matching rules").click()
    look(page)
    page.get_by_role("button", name="Release and allow sender").click()
    expect(dialog(page)).to_be_visible()
    look(page)
    dialog(page).get_by_role("button", name="Release and allow").click()
    toast(page).get_by_text("Change", exact=True).click()
    look(page)
    page.goto(page.url.partition("/mail/")[0])
    open_mail(page, VIRUS)
    page.get_by_role("button", name="Release r" if size == DESKTOP else "Release", exact=True).click()
    expect(dialog(page).get_by_role("checkbox")).to_be_visible()
    look(page)


@SIZES
def test_a_mail_as_its_owner_reads_it(size: Any, visits: Visits, sandbox: Sandbox) -> None:
    page = visit(visits, "owner", size)
    open_user(page, sandbox)
    open_mail(page, HOSTILE)
    look(page)
    reading(page).get_by_role("link", name="HTML", exact=True).click()
    expect(page.locator("#reading iframe")).to_be_visible()
    look(page)


@SIZES
def test_a_batch_and_a_list_that_remember(size: Any, visits: Visits, sandbox: Sandbox) -> None:
    page = visit(visits, "admin", size)
    open_user(page, sandbox)
    row(page, INVOICE).get_by_role("checkbox").check()
    row(page, VIRUS).get_by_role("checkbox").check()
    page.get_by_role("button", name="Release selected messages").click()
    expect(page.locator(".strip")).to_contain_text("1 of 2 refused")
    look(page)
    page.get_by_role("link", name="Release of 2 messages").click()
    expect(page.get_by_role("status").filter(has_text="2 of 2 finished")).to_be_visible()
    look(page)
    for address in ("/batches/", "/activity/", "/"):
        page.goto(address)
        expect(page.locator(".entries li, .list tbody tr").first).to_be_visible()
        look(page)


@SIZES
def test_what_is_refused(size: Any, visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 403")
    owner = visit(visits, "owner", size)
    owner.goto(f"/domains/{sandbox.domain('nordwind.example')}/")
    expect(owner.get_by_role("heading", name="Not allowed")).to_be_visible()
    look(owner)
    page = visit(visits, "helpdesk", size)
    page.goto(f"/users/{sandbox.user(ANNA)}/mail/Quarantine/{sandbox.mail(ANNA, INVOICE)}/release/")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    look(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_keep_everything_visible(scheme: str, visits: Visits, sandbox: Sandbox) -> None:
    page = visit(visits, "admin", DESKTOP, forced_colors="active", color_scheme=scheme)
    open_user(page, sandbox)
    look(page, schemes=(scheme,))
    borders = page.locator(".chip, .mail a[aria-current], .side a[aria-current], .acts button").evaluate_all(
        """all => all.filter(one => { const style = getComputedStyle(one);
            return style.borderTopStyle === 'none' && style.outlineStyle === 'none' }).map(one => one.outerHTML.slice(0, 80))"""
    )
    assert borders == []  # where colour is gone, a line says the same
    page.keyboard.press("a")
    expect(toast(page)).to_have_css("border-top-style", "solid")
    look(page, schemes=(scheme,))


def test_who_wants_no_motion_gets_none(visits: Visits, sandbox: Sandbox) -> None:
    page = visit(visits, "admin", DESKTOP)
    open_user(page, sandbox)
    page.keyboard.press("a")
    expect(toast(page)).to_have_css("animation-name", "none")
    assert page.evaluate("document.getAnimations().length") == 0
    assert rule_on(sandbox.rules(ANNA), SUPPLIER)


def test_a_screen_reader_is_told_what_the_keyboard_does(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox)
    expect(admin.locator("#q")).to_have_attribute("aria-keyshortcuts", "/ Control+K")
    expect(admin.get_by_role("button", name=re.compile("allow sender"))).to_have_attribute("aria-keyshortcuts", "a")
    expect(admin.locator("#toasts")).to_have_attribute("aria-live", "polite")
    admin.keyboard.press("Tab")
    assert admin.evaluate("document.activeElement.matches(':focus-visible')")


def test_tab_goes_first_to_the_content_and_never_into_a_trap(admin: Page) -> None:
    admin.goto("/domains/")
    admin.keyboard.press("Tab")
    expect(admin.get_by_role("link", name="Skip to content")).to_be_focused()
    admin.keyboard.press("Enter")
    expect(admin.locator("main")).to_be_focused()
    seen = set()
    for _ in range(60):
        admin.keyboard.press("Tab")
        seen.add(admin.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
    assert len(seen) > 20
