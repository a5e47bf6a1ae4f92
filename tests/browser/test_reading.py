"""The owner reads held mail. The mail is the enemy: nothing in it may act, ask or load."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, Route, expect

from tests.browser.conftest import Site, Visits, Watch
from tests.browser.server import Sandbox
from tests.browser.steps import ANNA, HOSTILE, NEWSLETTER, open_mail, open_user, reading

FRAME = "#reading iframe"


@pytest.fixture
def owner(visits: Visits, sandbox: Sandbox) -> Page:
    page = visits("owner")
    open_user(page, sandbox)
    return page


def html_view(page: Page) -> FrameLocator:
    reading(page).get_by_role("link", name="HTML", exact=True).click()
    expect(page.locator(FRAME)).to_be_visible()
    return page.frame_locator(FRAME)


def test_the_text_comes_first_and_says_where_its_links_go(owner: Page) -> None:
    open_mail(owner, "Ihr Passwort")
    expect(owner.locator("pre.text")).to_contain_text("Bitte bestätigen Sie Ihr Passwort")
    expect(owner.locator(FRAME)).to_have_count(0)
    expect(owner.locator(".links")).to_be_visible()  # open, because one of them lies
    lie = owner.locator(".links .odd").filter(has_text="portal.nordwind.example/login")
    expect(lie).to_contain_text("misleading")
    expect(lie.locator("code")).to_contain_text("xn--nordwnd-")
    expect(owner.locator("#reading pre a, #reading .links a")).to_have_count(0)  # nothing to click by mistake


def test_a_hostile_mail_does_nothing_at_all(owner: Page, watch: Watch, site: Site) -> None:
    open_mail(owner, HOSTILE)
    expect(reading(owner)).to_contain_text("This message has no usable sender address.")
    expect(reading(owner)).not_to_contain_text("from the one the message comes from")  # which would be nowhere
    frame = html_view(owner)
    expect(frame.get_by_text("Text, der bleiben darf.")).to_be_visible()
    assert owner.locator(FRAME).get_attribute("sandbox") == "allow-popups allow-popups-to-escape-sandbox"
    assert frame.locator("script, form, input, button, iframe, object, embed, svg, math, base, template, link").count() == 0
    assert frame.locator("meta[http-equiv], [onclick], [onerror], [ontoggle], [onload], [id], [name=cookie]").count() == 0
    assert frame.locator("a").evaluate_all("all => all.map(a => [a.getAttribute('href'), a.target, a.rel])") == [
        [None, "_blank", "noopener noreferrer nofollow"],
        [None, "_blank", "noopener noreferrer nofollow"],
        [None, "_blank", "noopener noreferrer nofollow"],
        ["http://evil.example/", "_blank", "noopener noreferrer nofollow"],
    ]
    expect(owner).to_have_title(f"{ANNA} · Cleanmail Admin")
    assert {urlsplit(url).netloc for url in watch.asked if not url.startswith("data:")} == {urlsplit(site.url).netloc}


def test_remote_images_are_loaded_only_when_one_asks_for_them(owner: Page, watch: Watch) -> None:
    remote: list[str] = []

    def nobody(route: Route) -> None:
        remote.append(route.request.url)
        assert "referer" not in route.request.headers
        route.abort()

    owner.route("**/*paletten-profi.example/**", nobody)
    open_mail(owner, NEWSLETTER)
    frame = html_view(owner)
    expect(frame.get_by_text("Herbstangebote")).to_be_visible()
    expect(reading(owner)).to_contain_text("Scripts, forms and remote images are blocked.")
    owner.wait_for_load_state("networkidle")
    assert remote == []
    watch.expect("news.paletten-profi.example")
    with owner.expect_request("https://news.paletten-profi.example/open.gif?id=8812"):
        owner.get_by_role("link", name="Show remote images").click()
    expect(reading(owner)).to_contain_text("Remote images are shown: their servers can see that this message is being read.")
    assert remote == ["https://news.paletten-profi.example/open.gif?id=8812"]


def test_pictures_that_came_with_the_mail_are_shown(owner: Page) -> None:
    open_mail(owner, "soirée d’ouverture")
    frame = html_view(owner)
    logo = frame.get_by_role("img", name="Logo")
    expect(logo).to_be_visible()
    assert logo.evaluate("image => [image.naturalWidth, image.src.slice(0, 22)]") == [1, "data:image/png;base64,"]
    expect(owner.get_by_role("link", name="Show remote images")).to_have_count(0)


def test_files_are_saved_under_harmless_names_and_never_opened(owner: Page) -> None:
    open_mail(owner, HOSTILE)
    with owner.expect_download() as saving:
        reading(owner).get_by_role("link", name="../../../etc/cron.d/owned").first.click()
    assert "/" not in saving.value.suggested_filename
    assert saving.value.path().read_bytes() == b"* * * * * root true\n"


def test_an_administrator_is_told_why_there_is_no_text(admin: Page, sandbox: Sandbox) -> None:
    open_user(admin, sandbox)
    open_mail(admin, HOSTILE)
    expect(reading(admin)).to_contain_text("Only the mailbox owner can read the text.")
    expect(admin.locator(FRAME)).to_have_count(0)
    expect(reading(admin).get_by_role("link", name="HTML", exact=True)).to_have_count(0)
