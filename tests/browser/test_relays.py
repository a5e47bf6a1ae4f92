"""Relays: by plain forms, live beside what is typed, and on a phone."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, Visits
from tests.browser.server import Sandbox
from tests.browser.steps import toast
from tests.browser.test_accessibility import SIZES, look, visit
from tests.sandbox import servers

LONG = "Relay of the logistics centre in Aarhus, building two, rack 17"


def relays(sandbox: Sandbox) -> dict[str, dict]:
    domain = sandbox.get(f"/domains/{sandbox.domain('nordwind.example')}")
    return {relay["name"]: relay for relay in domain["platforms"]}


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def test_a_relay_is_tried_added_checked_and_deleted_without_scripts(visits: Visits, sandbox: Sandbox) -> None:
    page = visits("customer", java_script_enabled=False)
    page.goto(f"/domains/{sandbox.domain('nordwind.example')}/relays/")
    page.get_by_role("link", name="Add relay").click()
    with servers.smtp_server() as (host, port, _inbox):
        page.get_by_label("Name", exact=True).fill(LONG)
        server = page.get_by_role("region", name="Mail server")
        server.get_by_label("Host").fill(host)
        server.get_by_label("Port").fill(str(port))
        server.get_by_label("Encryption").select_option("no encryption")
        expect(page.get_by_label("LDAP server")).to_be_hidden()
        page.get_by_label("Users sign in").select_option("via a directory (LDAP)")
        page.get_by_label("LDAP server").fill("ldap.nordwind.example")
        page.get_by_label("Search base").fill("dc=nordwind")
        page.get_by_label("Search account password").fill("typed secret")
        page.get_by_role("button", name="Test this configuration").click()
        expect(page.locator("#tried")).to_contain_text("The server answers as it should.")
        expect(page.get_by_label("Name", exact=True)).to_have_value(LONG)
        expect(page.get_by_label("LDAP server")).to_have_value("ldap.nordwind.example")
        expect(page.get_by_label("Search account password")).to_have_value("")
        assert LONG not in relays(sandbox)
        page.get_by_label("Search account password").fill("typed secret")
        page.get_by_role("button", name="Save").click()
        expect(toast(page, "The relay was added.")).to_be_visible()
        assert len(relays(sandbox)) == 3
        assert relays(sandbox)[LONG]["authData"]["base_dn"] == "dc=nordwind"
        card(page, LONG).get_by_role("link", name="Show last check").click()
        page.get_by_role("button", name="Check again").click()
        expect(toast(page, "One test failed.")).to_be_visible()  # there is no such directory
        expect(page.get_by_text("Mail server: The server answers as it should.")).to_be_visible()
        expect(page.get_by_text("Sign-in (LDAP): ")).to_be_visible()
    page.get_by_role("link", name="All relays").click()
    card(page, LONG).get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(toast(page, "The relay was deleted.")).to_be_visible()
    assert set(relays(sandbox)) == {"Mailserver", "Exchange Zürich"}


def test_trying_and_checking_answer_in_place_and_lose_nothing_that_was_typed(
    admin: Page, visits: Visits, sandbox: Sandbox,
) -> None:
    visits.watch.expect("status of 422")
    admin.goto(f"/domains/{sandbox.domain('nordwind.example')}/relays/")
    expect(card(admin, "Mailserver").locator(".chip.bad")).to_have_text("Fails")  # came by itself
    card(admin, "Mailserver").get_by_role("link", name="Change").click()
    address, server = admin.url, admin.get_by_role("region", name="Mail server")
    admin.get_by_label("Users sign in").select_option("via a directory (LDAP)")
    admin.get_by_role("button", name="Test this configuration").click()
    expect(admin.locator("#tried")).to_contain_text("LDAP server: This field is required.")
    admin.get_by_label("LDAP server").fill("ldap.nordwind.example")
    admin.get_by_label("Search base").fill("dc=nordwind")
    admin.get_by_label("Search account password").fill("typed secret")
    with servers.smtp_server() as (host, port, _inbox):
        server.get_by_label("Host").fill(host)
        server.get_by_label("Port").fill(str(servers.free_port()))
        admin.get_by_role("button", name="Test this configuration").click()
        expect(admin.locator("#tried")).to_contain_text("nothing listens on this port")
        server.get_by_label("Port").fill(str(port))
        admin.get_by_role("button", name="Test this configuration").click()
        expect(admin.locator("#tried")).to_contain_text("The server answers as it should.")
        expect(admin.get_by_label("Search account password")).to_have_value("typed secret")
        assert admin.url == address
        admin.get_by_label("Name", exact=True).press("Enter")  # saves, and does not merely try
        expect(toast(admin, "The relay was changed.")).to_be_visible()
        assert relays(sandbox)["Mailserver"]["transportPort"] == port
        card(admin, "Mailserver").get_by_role("button", name="Check again").click()
        expect(card(admin, "Mailserver").get_by_text("Mail server: The server answers as it should.")).to_be_visible()
        expect(card(admin, "Mailserver").get_by_text("Sign-in (LDAP): ")).to_be_visible()
    assert len(relays(sandbox)) == 2


@SIZES
def test_every_page_of_relays_is_for_everyone(size: dict, visits: Visits, sandbox: Sandbox) -> None:
    visits.watch.expect("status of 422")
    page = visit(visits, "admin", size)
    base = f"/domains/{sandbox.domain('nordwind.example')}/relays/"
    one = f"{base}{relays(sandbox)['Exchange Zürich']['id']}/"
    page.goto(base)
    expect(page.get_by_role("button", name="Check again")).to_have_count(2)
    look(page)
    for address in (f"{base}new/", one, f"{one}delete/", f"{one}health/", "/health/relay/"):
        page.goto(address)
        look(page)
    with servers.smtp_server() as (host, port, _inbox):
        server = page.get_by_role("region", name="Mail server")
        server.get_by_label("Host").fill(host)
        server.get_by_label("Port").fill(str(port))
        page.get_by_label("Users sign in").select_option("via an IMAP server")
        page.get_by_label("Mailbox access").select_option("via Microsoft 365 (Graph)")
        page.get_by_role("button", name="Test this configuration").click()
        expect(page.locator("#tried")).to_contain_text("IMAP server: This field is required.")
        look(page)
        page.get_by_role("region", name="Sign-in").get_by_label("IMAP server").fill("imap.nordwind.example")
        for label, value in (("Tenant ID", "t-1"), ("Application ID", "a-1"), ("Application secret", "typed")):
            page.get_by_role("region", name="Remediation").get_by_label(label).fill(value)
        page.get_by_role("button", name="Test this configuration").click()
        expect(page.locator("#tried")).to_contain_text("The server answers as it should.")
        page.get_by_text("What the gateway saw").first.click()
        page.evaluate("scrollTo(0, 0)")  # else a field is half below the bar, which axe takes for a small one
        look(page)
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    assert PHONE["width"] <= width[1]
