"""A browser, a running server with fresh demo data for each test, and people who are signed in to it."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect, sync_playwright

from tests.browser import server as servers
from tests.browser.server import Gateway, Sandbox, Server

expect.set_options(timeout=15_000)  # a busy machine is no reason to fail
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}


@pytest.hookimpl(trylast=True)  # after pytest-django has sorted
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The journeys come first: they take longest, and one after the other they share a browser and a server."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


# Playwright keeps an event loop running in this thread for as long as it lives, and Django refuses its database in such a
# thread. So it lives as long as this package, and not, as pytest-playwright has it, until the very last test.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright, request: pytest.FixtureRequest) -> Iterator[Browser]:
    headed = request.config.getoption("--headed")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=not headed)
    yield browser
    browser.close()


@pytest.fixture
def browser_context_args() -> dict[str, Any]:
    """For pytest-playwright's `new_context`, whose own version of this would need the long-lived Playwright."""
    return {}


class Site:
    """The running server, and what is needed to begin every test with the same data and the same people signed in."""

    def __init__(self, server: Server, tokens: dict[str, str], copies: Path) -> None:
        self.server, self.tokens, self.url = server, tokens, server.url
        self.sandbox = Sandbox(server.url, tokens["admin"])
        self.sessions = {who: servers.sign_in(server.url, token) for who, token in tokens.items()}
        self.databases = {server.data / name: copies / name for name in ("portal.sqlite3", "sandbox.sqlite3")}
        for database, copy in self.databases.items():
            servers.copy_database(database, copy)

    def restore(self) -> None:
        for database, copy in self.databases.items():
            servers.copy_database(copy, database)


@pytest.fixture(scope="package")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    data = folder / "data"
    tokens = servers.prepare(data)
    with Server(data, folder / "server.log").running() as server:
        site = Site(server, tokens, folder)
        yield site
        site.sandbox.http.close()


@pytest.fixture
def site(running_site: Site) -> Site:
    """The server, with its data as it was at the beginning."""
    running_site.restore()
    return running_site


@pytest.fixture
def sandbox(site: Site) -> Sandbox:  # instead of the one in tests/conftest.py, which is for tests without a server
    """The gateway's own truth."""
    return site.sandbox


class Watch:
    """What a browser must never do, seen in every page of every test: complain in its console, or ask somebody else.

    A test that provokes an error says so with `expect`; the rest still counts.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.expected: list[str] = []
        self.asked: list[str] = []  # all addresses, in order
        self.loads: list[str] = []  # those of whole pages

    def attach(self, context: BrowserContext, *hosts: str) -> None:
        def request(asked: Any) -> None:
            self.asked.append(asked.url)
            if asked.is_navigation_request() and asked.frame.parent_frame is None:
                self.loads.append(asked.url)
            if urlsplit(asked.url).scheme not in ("data", "blob") and urlsplit(asked.url).netloc not in hosts:
                self.problems.append(f"asked somebody else: {asked.url}")

        def console(message: Any) -> None:
            if message.type in ("error", "warning"):
                self.problems.append(f"{message.type} in the console: {message.text} ({message.location.get('url')})")

        context.on("request", request)
        context.on("console", console)
        context.on("weberror", lambda error: self.problems.append(f"uncaught: {error.error}"))
        context.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def expect(self, *patterns: str) -> None:
        self.expected += patterns

    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(re.search(pattern, problem) for pattern in self.expected)]


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert watch.unexpected() == []


class Between:
    """Something between the browser and the portal that meddles with some requests, for as long as `meddles` is set.

    It stands there before the page opens: a page that is open already hears of it from Chromium only by and by, and a busy one
    still sends its next request past it.
    """

    def __init__(self, page: Page, where: str | re.Pattern[str], meddle: Callable[[Route], None]) -> None:
        assert page.url == "about:blank", "the page is open already: some requests would slip past"
        self.meddles = False
        page.route(where, lambda route: meddle(route) if self.meddles else route.continue_())


class Visits:
    """Opens browsers: `visits("admin")` is a page of somebody who is signed in, `visits()` of somebody who is not."""

    def __init__(self, site: Site, watch: Watch, new_context: Any) -> None:
        self.site, self.watch, self.new_context = site, watch, new_context

    def __call__(self, who: str = "", *, url: str = "", size: Any = DESKTOP, **context: Any) -> Page:
        base_url = url or self.site.url
        made = self.new_context(base_url=base_url, viewport=size, **context)
        made.set_default_timeout(20_000)
        self.watch.attach(made, urlsplit(base_url).netloc)
        if who:
            made.add_cookies([{"name": "session", "value": self.site.sessions[who], "url": base_url, "httpOnly": True}])
        page: Page = made.new_page()
        return page


@pytest.fixture
def visits(site: Site, watch: Watch, new_context: Any) -> Visits:
    return Visits(site, watch, new_context)


@pytest.fixture
def admin(visits: Visits) -> Page:
    """The system administrator at a desk."""
    return visits("admin")


@pytest.fixture(scope="package")
def running_gateway(running_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Server]]:
    """A second portal on the same sessions, whose gateway is a real one over the network and can be made to fail."""
    with Gateway(running_site.url).running() as gateway:
        log = tmp_path_factory.mktemp("second") / "server.log"
        second = Server(running_site.server.data, log, CLEANMAIL_API_URL=gateway.url, BATCH_WORKER="process")
        with second.running():
            yield gateway, second


@pytest.fixture
def gateway(site: Site, running_gateway: tuple[Gateway, Server]) -> Gateway:  # also instead of the one in tests/conftest.py
    """The gateway that can be made to fail. `portal` is the address of the portal that talks to it."""
    gateway, second = running_gateway
    gateway.refuse.clear()
    gateway.portal = second.url
    return gateway
