"""A domain is made, changed, deleted and had back: by keyboard, on a phone, and by plain links and forms."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Visits, Watch
from tests.browser.server import Sandbox
from tests.browser.steps import toast
from tests.browser.test_accessibility import SIZES, look, visit

NORDWIND = "nordwind.example"


def domain(sandbox: Sandbox, name: str) -> dict[str, object]:
    found: dict[str, object] = sandbox.get(f"/domains/{sandbox.domain(name)}")
    return found


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def test_a_domain_by_keyboard_alone(admin: Page, sandbox: Sandbox, watch: Watch) -> None:
    watch.expect("status of 422")
    admin.goto("/domains/new/")
    admin.get_by_label("Domain", exact=True).focus()
    admin.keyboard.type("München.example")
    admin.keyboard.press("Tab")
    expect(admin.locator("#name-sent")).to_contain_text("Will be sent as xn--mnchen-3ya.example")
    admin.keyboard.type("Nordwind Logistik AG")
    admin.get_by_label("Archive").focus()
    admin.keyboard.press("Space")
    admin.get_by_label("Networks allowed to send").focus()
    admin.keyboard.type("192.0.2.17/24")
    admin.get_by_role("button", name="Create domain").focus()
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("inside the network 192.0.2.0/24")).to_be_visible()
    expect(admin.get_by_label("Networks allowed to send")).to_be_focused()  # what has to be mended
    expect(admin.get_by_role("navigation", name="Steps")).to_contain_text("needs fixing")
    expect(admin.get_by_label("Archive")).to_be_checked()
    admin.get_by_label("Networks allowed to send").fill("192.0.2.0/24")
    admin.get_by_role("button", name="Create domain").press("Enter")
    expect(toast(admin, "xn--mnchen-3ya.example (münchen.example) was created")).to_be_visible()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("xn--mnchen-3ya.example")
    made = domain(sandbox, "xn--mnchen-3ya.example")
    assert (made["archive"], made["outgoingSubnets"]) == (True, ["192.0.2.0/24"])


def test_the_whole_life_of_a_domain_without_javascript(visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 422")
    page = visits("admin", java_script_enabled=False)
    page.goto("/domains/new/")
    page.get_by_label("Domain", exact=True).fill("anna@leben.example")
    page.get_by_role("combobox", name="Customer").fill("Alpenmilch Genossenschaft")
    page.get_by_role("textbox", name="Server optional", exact=True).fill("mx.leben.example")
    page.get_by_role("button", name="Create domain").click()
    expect(page.get_by_text("Did you mean leben.example?")).to_be_visible()
    expect(page.get_by_role("textbox", name="Server optional", exact=True)).to_have_value("mx.leben.example")
    page.get_by_label("Domain", exact=True).fill("leben.example")
    page.get_by_role("button", name="Create domain").click()
    expect(page.locator(".toast")).to_contain_text("leben.example was created")

    hub = page.url.partition("?")[0]
    page.goto(f"{hub}edit/")
    page.get_by_label("Description").fill("Ein Leben")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("The domain was changed.")
    assert domain(sandbox, "leben.example")["description"] == "Ein Leben"

    page.goto(f"{hub}edit/")
    page.get_by_role("link", name="Delete domain").click()
    page.get_by_label("Enter the domain name").fill("Leben.example")
    page.get_by_role("button", name="Delete domain").click()
    expect(page.locator(".toast")).to_contain_text("after that it is removed permanently")
    page.get_by_role("link", name="Restore domain").click()
    page.get_by_role("button", name="Restore domain").click()
    expect(page.locator(".toast")).to_contain_text("leben.example was restored.")
    assert domain(sandbox, "leben.example")["status"] == "ENABLED"


def test_two_windows_that_change_the_same_show_both_values(visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 409")
    mine, theirs = visits("admin"), visits("customer")
    for window in (mine, theirs):
        window.goto(f"/domains/{sandbox.domain(NORDWIND)}/edit/")
    theirs.get_by_label("Description").fill("von Julia")
    theirs.get_by_role("button", name="Save").click()
    expect(toast(theirs, "The domain was changed.")).to_be_visible()
    mine.get_by_label("Description").fill("von mir")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_role("row", name=re.compile("Description von Julia von mir"))).to_be_visible()
    mine.get_by_role("button", name="Save").click()
    expect(toast(mine, "The domain was changed.")).to_be_visible()
    assert domain(sandbox, NORDWIND)["description"] == "von mir"


@SIZES
def test_nothing_is_in_the_way_of_anybody(size: dict[str, int], visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 422")
    page = visit(visits, "admin", size)
    hub = f"/domains/{sandbox.domain(NORDWIND)}/"
    for address in ("/domains/new/", f"{hub}edit/", f"{hub}delete/", f"{hub}restore/"):
        page.goto(address)
        look(page)
        fits(page)
    page.goto("/domains/new/")
    page.get_by_label("Domain", exact=True).fill("a_b.example")
    page.get_by_role("button", name="Create domain").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(page)
    fits(page)


def test_a_long_name_and_long_words_fit_on_a_phone(visits: Visits) -> None:
    visits.watch.expect("status of 403")
    page = visits("customer", size=PHONE)
    page.goto("/domains/new/")
    expect(page.get_by_text("Only a system administrator can create a domain")).to_be_visible()
    page.get_by_label("Domain", exact=True).fill(f"{'langername' * 6}.{'nochlaenger' * 5}.example")
    page.get_by_label("Description").fill("w" * 400)
    page.get_by_role("button", name="Create domain").click()
    expect(page.get_by_role("alert")).to_contain_text("A system administrator can")
    fits(page)


def test_two_long_values_fit_on_a_phone(visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 409")
    page = visits("admin", size=PHONE)
    page.goto(f"/domains/{sandbox.domain(NORDWIND)}/edit/")
    sandbox.http.patch(f"/domains/{sandbox.domain(NORDWIND)}", json={"description": "t" * 200}).raise_for_status()
    page.get_by_label("Description").fill("m" * 200)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name=re.compile("Description t+ m+"))).to_be_visible()
    fits(page)


def test_on_a_phone_the_tab_of_the_page_is_in_sight(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("admin", size=PHONE)
    for path, name in (("health/", "Health"), ("", "Overview")):
        page.goto(f"/domains/{sandbox.domain(NORDWIND)}/{path}")
        tab = page.get_by_role("navigation", name="Pages of this domain").get_by_role("link", name=name)
        expect(tab).to_be_in_viewport(ratio=0.9)


def test_a_long_filter_makes_no_page_wider(admin: Page) -> None:
    admin.goto("/domains/?name=" + "x" * 200)
    expect(admin.get_by_text("Nothing matches")).to_be_visible()
    fits(admin)
