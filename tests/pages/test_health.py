"""Diagnostics: what fails, what to change, and running them again, one by one or many at once."""

import re
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone, translation

from portal.audit.models import Entry
from portal.batches import worker
from portal.batches.models import Batch, Row
from portal.meaning.times import at_second
from portal.ui import dates
from portal.ui.dates import ago
from sandbox.models import DkimKey, Domain, Health, Platform
from tests.conftest import Gateway, signed_in
from tests.shown import attribute, find, form, is_part, link, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

HAFEN, NORDWIND, ALPENMILCH = "nordwind-hafen.example", "nordwind.example", "alpenmilch.example"
RECORD = "protect._domainkey.nordwind.example TXT v=DKIM1; p=MIGf"
MX_ELSEWHERE = {"type": "MX", "result": "ERROR_MX_INVALID_ENTRY", "output": ["Lookup", "Required: mx1.gateway.example", "Fail"]}
MX_MISSING = {"type": "MX", "result": "ERROR_MX_MISSING_ENTRY", "output": ["Lookup", "Fail: No MX entry found"]}
DKIM_MISSING = {"type": "DKIM", "result": "ERROR_DKIM_MISSING_ENTRY", "output": ["Fail: DKIM DNS entry not found"]}
DKIM_OTHER = {"type": "DKIM", "result": "ERROR_DKIM_INVALID_COUPLE", "output": ["Fail"]}
SMTP = {"type": "SMTP", "result": "ERROR", "output": ["Connecting to mx.nordwind.example:25", "Fail: refused"]}
FINE = {"type": "MX", "result": "OK", "output": ["Passed"]}


def names(answer: HttpResponse) -> list[str]:
    """What fails, in the order of the page."""
    return [text(row.css("a, strong")[0]) for row in find(answer, "li[id^=row-]")]


def codes(answer: HttpResponse) -> list[str]:
    return [code.text() for code in find(answer, "code")]


def bars(answer: HttpResponse) -> dict[str, int]:
    """The chart as numbers: how many there are of each kind."""
    found = {str(a.attributes["href"]): text(one(a, ".num")) for a in find(answer, "li > a[href^='?kind=']") if a.css(".num")}
    return {href.removeprefix("?kind=").partition("&")[0]: int(count.split()[0]) for href, count in found.items()}


def health(*tests: Any, status: bool = False, at: Any = 1_790_000_000) -> dict[str, Any]:
    return {"performedAt": at, "report": {"status": status, "entries": list(tests)}}


def failing(name: str, *tests: Any, type: str = "DOMAIN", id: str = "", at: Any = 1_790_000_000) -> dict[str, Any]:
    return {"id": id or name.partition(".")[0], "name": name, "type": type, "health": health(*tests, at=at)}


class Diagnostics:
    """A gateway with one domain, d1, and whatever fails. `on` answers a path differently; POST finds `now`."""

    def __init__(self) -> None:
        self.failing: list[Any] = []
        self.total = 10
        self.latest: Any = health(MX_MISSING, DKIM_MISSING)
        self.now: Any = health(FINE, status=True)
        self.relays: list[Any] = [{"id": "p1", "name": "Exchange", "transportDest": "mx.nordwind.example", "transportPort": 25}]
        self.on: dict[str, Callable[[httpx.Request], httpx.Response]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if found := self.on.get(f"{request.method} {path}"):
            return found(request)
        if path == "/health":
            return httpx.Response(200, json=self.failing)
        if path == "/users":
            return httpx.Response(200, json=[])
        if path == "/domains":
            return httpx.Response(200, json=[{"id": "d1"}], headers={"X-Total-Count": str(self.total)})
        if path.endswith("/dkim"):
            return httpx.Response(200, json=[RECORD])
        if path.endswith("/health"):
            post = request.method == "POST"
            return httpx.Response(201 if post else 200, json=self.now if post else self.latest)
        return httpx.Response(200, json={"id": path[9:], "name": NORDWIND, "status": "ENABLED", "platforms": self.relays})


@pytest.fixture
def diagnostics(gateway: Gateway) -> Diagnostics:
    made = Diagnostics()
    gateway.answer = made
    return made


@pytest.fixture
def somebody(diagnostics: Diagnostics, gateway: Gateway) -> Client:
    browser = signed_in("an-opaque-token-of-a-test")
    gateway.asked.clear()
    return browser


def answering(status: int, **body: Any) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json=body)


def asked(gateway: Gateway, method: str = "") -> list[str]:
    return [f"{one.method} {one.url.path}" for one in gateway.asked if method in ("", one.method)]


def address(name: str) -> str:
    return f"/domains/{Domain.objects.get(name=name).uid}/health/"


HTMX = {"HX-Request": "true"}


# All that fails, in the sandbox.

def test_everything_that_fails_is_listed_with_the_worst_first(as_admin: Client) -> None:
    now = timezone.now()
    Health.objects.filter(domain__name=ALPENMILCH).update(performed_at=now - timedelta(minutes=40, seconds=5))
    page = as_admin.get("/health/")
    assert names(page) == [
        "alpenmilch-neu.example", "grüne-fracht.example", HAFEN, "Exchange Zürich", ALPENMILCH,
    ]
    assert bars(page) == {"mx-elsewhere": 2, "mx-missing": 1, "relay": 1, "dkim-other": 1, "dkim-missing": 2}
    said = text(page)
    assert "4 of 7 domains have a problem, and 1 relay" in said
    assert "checked 40 minutes ago" in said
    assert "Connecting to exchange.nordwind.example:465" in said
    assert find(page, "a[href='/health/relay/']")


def test_the_chart_has_a_text_in_place_of_it(as_admin: Client) -> None:
    page = as_admin.get("/health/")
    assert text(one(page, "title#chart-name")) == "All domains by state"
    assert text(one(page, "desc#chart-text")) == "4 urgent (57 %), 3 no problems reported (43 %)"
    assert one(page, "svg[role=img][aria-labelledby='chart-name chart-text']")


def test_a_bar_leads_to_the_failures_of_its_kind(as_admin: Client) -> None:
    page = as_admin.get("/health/?kind=dkim-missing")
    assert names(page) == ["alpenmilch-neu.example", HAFEN]
    assert bars(page)["mx-elsewhere"] == 2  # the chart still shows all
    assert one(page, "a[href^='?kind=dkim-missing'][aria-current=true]")
    assert names(as_admin.get("/health/?kind=dkim-missing&name=HAFEN")) == [HAFEN]
    assert "Nothing matches “nobody”." in text(as_admin.get("/health/?name=nobody"))
    assert "No problems of this kind." in text(as_admin.get("/health/?kind=other"))


@pytest.mark.parametrize("query", ["kind=nonsense", "kind=<script>", "page=-1", "page=x", "page=99999999999999999999", "name=%00", "name=%ED%A0%80"])
def test_a_question_that_makes_no_sense_is_no_accident(query: str, as_admin: Client) -> None:
    assert as_admin.get(f"/health/?{query}").status_code == 200


def test_a_customers_administrator_sees_the_own_domains_alone(as_customer: Client) -> None:
    page = as_customer.get("/health/")
    assert names(page) == ["grüne-fracht.example", HAFEN, "Exchange Zürich"]
    assert "2 of 3 domains have a problem, and 1 relay" in text(page)


def test_an_end_user_is_not_led_there_and_sees_what_the_gateway_allows(as_owner: Client) -> None:
    page = as_owner.get("/health/")
    assert page.status_code == 200
    assert HAFEN not in source(page)
    assert not find(page, "[href='/health/']")
    assert "Relay tester" not in text(page)


def test_one_is_checked_again_and_it_is_in_the_log(as_admin: Client) -> None:
    domain = Domain.objects.get(name=HAFEN)
    answer = as_admin.post("/health/?kind=mx-missing", {"type": "DOMAIN", "id": domain.uid, "once": "a"})
    assert (answer.status_code, answer["Location"]) == (302, "/health/?kind=mx-missing")
    assert f"{HAFEN}: Could not be checked." in text(as_admin.get("/health/"))  # no resolver: that is what the sandbox finds
    entry = Entry.objects.get()
    assert (entry.operation, entry.target, entry.result, entry.url) == ("runDomainDiagnostic", HAFEN, "done", address(HAFEN))


def test_a_relay_is_checked_again_from_the_list(as_admin: Client) -> None:
    relay = Platform.objects.get(name="Exchange Zürich")
    answer = as_admin.post("/health/", {"type": "PLATFORM", "id": relay.uid}, headers={**HTMX, "HX-Target": "row-x"})
    assert names(answer) == ["Exchange Zürich"]
    assert Entry.objects.get().target == "Exchange Zürich"


def test_who_may_only_look_is_told_who_may_check(as_helpdesk: Client) -> None:
    id = Domain.objects.get(name=HAFEN).uid
    for url, data in (("/health/", {"type": "DOMAIN", "id": id}), (f"/domains/{id}/health/", {})):
        answer = as_helpdesk.post(url, data)
        assert answer.status_code == 403
        assert "Your account cannot do this: run the health check of a domain. An administrator of the domain can." in text(answer, None)
    assert as_helpdesk.get(address(HAFEN)).status_code == 200
    assert set(Entry.objects.values_list("result", flat=True)) == {"refused"}


# A domain, in the sandbox.

def test_a_domain_says_what_to_change_with_the_records_to_copy(as_admin: Client) -> None:
    page = as_admin.get(address("xn--grne-fracht-uhb.example"))
    lines = [f"xn--grne-fracht-uhb.example. 3600 IN MX {n}0 {host}." for n, host in enumerate(settings.SANDBOX_MX, 1)]
    assert "\n".join(lines) in codes(page)
    said = text(page)
    assert "One test failed." in said
    assert "Mail for this domain bypasses the gateway: it is not filtered." in said
    assert "Found: mx.former-provider.example" in said  # what the gateway saw
    assert "The record is in DNS and matches the key that signs." in said


def test_the_dkim_record_to_publish_is_the_gateways_own(as_admin: Client) -> None:
    domain = Domain.objects.get(name=ALPENMILCH)
    DkimKey.objects.filter(domain=domain).delete()
    said = text(as_admin.get(address(ALPENMILCH)))
    assert "the gateway has none to sign with" in said
    DkimKey.objects.create(domain=domain, selector="protect", private_key="x", public_key="MIGfKEY")
    page = as_admin.get(address(ALPENMILCH))
    assert f'protect._domainkey.{ALPENMILCH}. 3600 IN TXT "v=DKIM1; p=MIGfKEY"' in codes(page)
    assert "The old one must go" in text(page)
    assert find(page, f"a[href='/domains/{domain.uid}/dkim/']")


def test_missing_mx_records_are_taken_from_the_report_of_another_domain(as_admin: Client) -> None:
    first = f"{HAFEN}. 3600 IN MX 10 {settings.SANDBOX_MX[0]}.\n"
    assert any(code.startswith(first) for code in codes(as_admin.get(address(HAFEN))))


def test_a_healthy_domain_is_green(as_admin: Client) -> None:
    tests = [{"type": type, "result": "OK", "output": ["Passed"]} for type in ("MX", "DKIM")]
    Health.objects.filter(domain__name=HAFEN).update(ok=True, entries=tests)
    page = as_admin.get(address(HAFEN))
    assert "Everything is fine." in text(page)
    assert find(page, ".is-ok")
    assert "What to change" not in text(page)


def test_a_domain_and_its_relay_are_run_again(as_admin: Client) -> None:
    here, relay = address(NORDWIND), Platform.objects.get(name="Exchange Zürich")
    assert as_admin.post(here, {"once": "a"})["Location"] == here
    shown = text(as_admin.get(here))
    assert f"{NORDWIND}: Could not be checked." in shown
    assert re.search("checked (just now|[0-9]+ seconds ago)", shown)
    assert as_admin.post(here, {"once": "b", "relay": relay.uid})["Location"] == here
    assert "nordwind.example: Exchange Zürich: Relay cannot be reached." in text(as_admin.get(here))
    assert list(Entry.objects.order_by("id").values_list("operation", flat=True)) == [
        "runDomainDiagnostic", "runDiagnosticOnExistingRelay",
    ]


def test_a_relay_of_another_domain_is_not_run_from_here(as_admin: Client) -> None:
    relay = Platform.objects.get(name="Exchange Zürich")
    assert as_admin.post(address(HAFEN), {"relay": relay.uid}).status_code == 404
    assert not Entry.objects.exists()


def test_the_panel_of_the_hub_is_one_call_and_can_check_again(as_admin: Client) -> None:
    headers = {**HTMX, "HX-Target": "domain-health"}
    panel = as_admin.get(address(HAFEN).replace("/health/", "/panels/health/"), headers=headers)
    assert panel.wsgi_request.api.calls == 1
    assert is_part(panel)
    assert "No MX record" in text(panel)
    again = as_admin.post(address(HAFEN), {"once": "a"}, headers=headers)
    assert "Could not be checked" in text(again)
    assert re.search("checked (just now|[0-9]+ seconds ago)", text(again))
    assert find(again, "[hx-swap-oob='beforeend:#toasts']")  # for who cannot see the panel change


# A gateway that says what a test wants.

def test_where_nothing_fails_it_is_calm_and_invents_no_time(somebody: Client) -> None:
    page = somebody.get("/health/")
    assert "No problems" in text(page)
    assert "10 domains" in [text(a) for a in find(page, "a")]
    assert "checked" not in text(page)
    assert not find(page, "svg.chart")


def test_without_the_number_of_domains_the_rest_is_there(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.failing = [failing("a.example", MX_MISSING)]
    diagnostics.on["GET /domains"] = answering(500)
    page = somebody.get("/health/")
    assert "1 domain has a problem" in text(page)
    assert names(page) == ["a.example"]


def test_more_failures_than_domains_are_no_negative_number(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.failing = [failing(f"{n}.example", MX_MISSING) for n in range(3)]
    diagnostics.total = 2
    assert text(one(somebody.get("/health/"), "desc")).endswith("3 urgent (100 %)")


def test_a_check_of_a_row_changes_the_row_and_says_so(somebody: Client, diagnostics: Diagnostics, gateway: Gateway) -> None:
    diagnostics.failing = [failing(NORDWIND, MX_MISSING, id="d1")]
    page = somebody.get("/health/")
    row = attribute(page, "li[id^=row-]", "id")
    assert find(page, f"[hx-target='#{row}'][hx-swap=outerHTML]")
    answer = somebody.post("/health/", {"type": "DOMAIN", "id": "d1", "once": "a"}, headers={**HTMX, "HX-Target": row})
    assert one(answer, f"li#{row}.is-ok")
    assert text(one(answer, "[hx-swap-oob='beforeend:#toasts'] > .toast.ok > p")) == "nordwind.example: everything is fine."
    assert asked(gateway, "POST") == ["POST /domains/d1/health"]


def test_two_clicks_are_one_diagnostic(somebody: Client, diagnostics: Diagnostics, gateway: Gateway) -> None:
    diagnostics.latest = diagnostics.now
    for url, data in (("/health/", {"type": "DOMAIN", "id": "d1"}), ("/domains/d1/health/", {})):
        gateway.asked.clear()
        for _ in range(2):
            assert somebody.post(url, {**data, "once": url}).status_code == 302
        assert asked(gateway, "POST") == ["POST /domains/d1/health"]
        assert "nordwind.example: everything is fine." in text(somebody.get("/health/"))


@pytest.mark.parametrize(("data", "status"), [
    ({"type": "CUSTOMER", "id": "c1"}, 404), ({"type": "DOMAIN"}, 404), ({"type": "DOMAIN", "id": ".."}, 404),
    ({"type": "DOMAIN", "id": "a\0b"}, 404), ({"type": "PLATFORM", "id": "x" * 10_000}, 404), ({"type": "<script>", "id": "d1"}, 404),
])
def test_what_cannot_be_checked_is_not_asked_for(
    data: dict[str, str], status: int, somebody: Client, diagnostics: Diagnostics, gateway: Gateway
) -> None:
    assert somebody.post("/health/", data).status_code == status
    assert asked(gateway, "POST") == []


def test_an_unknown_part_is_shown_with_its_own_words_and_its_button(
    somebody: Client, diagnostics: Diagnostics, gateway: Gateway
) -> None:
    odd = {"type": "SPF", "result": "ERROR_<b>NEW", "output": ["<i>odd</i>"]}
    diagnostics.failing = [failing("<script>alert(1)</script>", odd, type="CUSTOMER", id="c1")]
    page = somebody.get("/health/")
    assert not [script for script in find(page, "script") if "alert" in script.text()]
    for word in ("CUSTOMER", "ERROR_<b>NEW", "<i>odd</i>", "1 other part"):
        assert word in text(page)
    assert find(page, "[name=type][value=CUSTOMER]")
    assert "Check again" in text(page)
    assert "visible domain" not in text(page)
    somebody.post("/health/", {"type": "CUSTOMER", "id": "c1", "once": "a"})  # what is no domain is tried as a relay
    assert asked(gateway, "POST") == ["POST /platforms/c1/health"]


@pytest.mark.parametrize("at", [-1, 0, 10**30, -(10**30), 253402300799, None])
def test_a_time_that_is_none_is_no_accident(at: Any, somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.failing, diagnostics.latest = [failing("a.example", MX_MISSING, at=at)], health(FINE, at=at)
    for url in ("/health/", "/domains/d1/health/"):
        assert somebody.get(url).status_code == 200


@pytest.mark.parametrize(("seconds", "said"), [
    (0, r"\d+ years ago"), (10**30, ""), (-(10**30), ""), (float("inf"), ""), (float("nan"), ""), ("yesterday", ""), (None, ""), ([], ""),
])
def test_seconds_are_told_as_how_long_ago(seconds: Any, said: str) -> None:
    shown = ago(at_second(seconds))
    assert re.fullmatch(said, shown)


def test_how_long_ago_in_seconds_and_not_in_milliseconds() -> None:
    now = time.time()
    assert ago(at_second(now - 180)) == "3 minutes ago"
    assert ago(at_second(now + 20)) == "just now"  # two clocks are never the same
    ahead = ago(at_second(now + 7200))  # a gateway whose clock is wrong
    assert ahead == dates.minute(timezone.localtime(datetime.fromtimestamp(int(now) + 7200, UTC)))
    with translation.override("de"):
        assert ago(at_second(now - 180)) == "vor 3 Minuten"


# 2,000 of them.

def test_two_thousand_failing_domains_are_pages_of_forty(somebody: Client, diagnostics: Diagnostics, gateway: Gateway) -> None:
    diagnostics.total = 100_000
    diagnostics.failing = [
        failing(f"domain-{n:04}.example", *((MX_MISSING, DKIM_MISSING) if n % 4 == 0 else (DKIM_OTHER,)), id=f"d{n}") for n in range(2000)
    ]
    somebody.get("/health/")  # templates and texts are read once
    tracemalloc.start()
    page = somebody.get("/health/?page=50")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000
    assert len(names(page)) == 40
    assert names(page)[-1] == "domain-1999.example"
    assert "Page 50 of 50" in text(page)
    assert bars(page) == {"mx-missing": 500, "dkim-other": 1500, "dkim-missing": 500}
    assert "2000 urgent (2 %), 98000 no problems reported (98 %)" in text(page)
    assert len(page.content) < 200_000
    assert len(find(page, "[name=domain][value]")) == 40


def test_a_list_larger_than_any_gateways_is_refused(somebody: Client, gateway: Gateway, diagnostics: Diagnostics) -> None:
    diagnostics.on["GET /health"] = lambda request: httpx.Response(200, content=b'[{"id": "' + b"x" * 17_000_000 + b'"}]')
    answer = somebody.get("/health/")
    assert answer.status_code == 502
    assert "Unexpected answer from the gateway" in text(answer, None)


# A domain's page, part by part.

def test_a_report_that_fails_leaves_the_relays(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.on["GET /domains/d1/health"] = answering(500)
    page = somebody.get("/domains/d1/health/")
    assert page.status_code == 200
    assert "The gateway failed" in text(page)
    assert "Exchange" in text(page)


def test_a_relay_that_fails_leaves_the_others(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.relays = [{"id": "p1", "name": "Exchange"}, {"id": "p2", "name": "Postfix"}]
    diagnostics.on["GET /platforms/p1/health"] = answering(403)
    diagnostics.latest = health({**FINE, "type": "SMTP"}, status=True)
    said = text(somebody.get("/domains/d1/health/"))
    assert re.search(r"Exchange .*Your account cannot do this: view the health check of a relay", said)
    assert re.search(r"Postfix .*Passed", said)


def test_keys_that_cannot_be_read_leave_the_report(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.on["GET /domains/d1/dkim"] = answering(500)
    said = text(somebody.get("/domains/d1/health/"))
    assert "Publish the record shown on the DKIM page." in said


def test_keys_as_a_list_of_lists_are_understood(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.on["GET /domains/d1/dkim"] = lambda request: httpx.Response(200, json=[[RECORD]])
    assert 'protect._domainkey.nordwind.example. 3600 IN TXT "v=DKIM1; p=MIGf"' in text(somebody.get("/domains/d1/health/"))


def test_of_many_relays_ten_are_asked(somebody: Client, diagnostics: Diagnostics, gateway: Gateway) -> None:
    diagnostics.relays = [{"id": f"p{n}", "name": f"Relay {n}"} for n in range(30)]
    said = text(somebody.get("/domains/d1/health/"))
    assert sum("/platforms/" in one for one in asked(gateway)) == 10
    assert said.count("Not checked here. Open it to see its health.") == 20
    assert "Relay 29" in said


def test_a_domain_without_a_relay_says_so(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.relays = []
    assert "This domain has no relay" in text(somebody.get("/domains/d1/health/"))


def test_what_the_gateway_saw_is_shown_and_harmless(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.latest = health({**MX_MISSING, "output": ['<script>alert("x")</script>', "\0\x1b[31m", "x" * 10_000]})
    page = somebody.get("/domains/d1/health/")
    assert page.status_code == 200
    assert not [script for script in find(page, "script") if "alert" in script.text()]
    assert '<script>alert("x")</script>' in text(page)
    assert "x" * 2001 not in text(page)


def test_a_hostile_name_makes_no_record(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.latest = health(MX_ELSEWHERE)
    diagnostics.on["GET /domains/d1"] = answering(200, id="d1", name="x.example\n. 60 IN MX 0 evil.example")
    page = somebody.get("/domains/d1/health/")
    assert "evil.example. 3600" not in text(page)
    assert "IN MX 10" not in text(page)


# The home page.

def test_the_home_page_says_how_many_domains_fail(somebody: Client, diagnostics: Diagnostics, gateway: Gateway) -> None:
    diagnostics.failing = [failing("a.example", MX_MISSING), failing("b.example", DKIM_OTHER), failing("R", SMTP, type="PLATFORM")]
    assert one(somebody.get("/"), "#home-health")
    assert gateway.asked == []
    panel = somebody.get("/health/panel/", headers={**HTMX, "HX-Target": "home-health"})
    assert "2 domains have a problem. 1 relay has a problem." in text(panel)
    assert asked(gateway) == ["GET /health"]
    diagnostics.failing = []
    panel = somebody.get("/health/panel/", headers={**HTMX, "HX-Target": "home-health"})
    assert "The gateway reports no problems." in text(panel)


# Many at once.

def start(browser: Client, *found: str, back: str = "/health/?kind=mx-missing") -> Batch:
    answer = browser.post("/batches/check/", {"domain": found, "next": back})
    assert answer.status_code == 302, answer.content
    return Batch.objects.get(pk=answer["Location"].strip("/").rpartition("/")[2])


def work() -> None:
    while batch := worker.claim():
        worker.run(batch)


def test_all_visible_domains_are_checked_one_after_the_other(as_admin: Client) -> None:
    page = as_admin.get("/health/?kind=dkim-missing")
    found = [str(field.attributes["value"]) for field in find(page, "[name=domain][value]")]
    assert len(found) == 2
    assert "Check all 2 visible domains" in text(page)
    batch = start(as_admin, *found, back=form(page, "domain")["next"])
    assert "0 of 2 finished" in text(as_admin.get(f"/batches/{batch.pk}/"))
    work()
    shown = as_admin.get(f"/batches/{batch.pk}/")
    assert "Health check of 2 domains" in text(shown)
    assert "2 of 2 finished" in text(shown)
    assert link(shown, HAFEN) == address(HAFEN)
    assert text(shown).count("Could not be checked") == 2
    assert "no DNS resolver is configured" in text(shown)  # in the gateway's words
    assert find(shown, "a[href='/health/?kind=dkim-missing']")
    assert list(Entry.objects.values_list("operation", "result")) == [("runDomainDiagnostic", "done")] * 2
    assert "Health check of 2 domains" in text(as_admin.get("/batches/"))


def test_who_may_not_check_is_told_for_each_domain(as_helpdesk: Client) -> None:
    batch = start(as_helpdesk, Domain.objects.get(name=HAFEN).uid, Domain.objects.get(name=ALPENMILCH).uid, "nobody")
    work()
    shown = text(as_helpdesk.get(f"/batches/{batch.pk}/"))
    assert "Your account cannot run its health check." in shown
    assert shown.count("This domain no longer exists, or your account cannot see it.") == 2


@pytest.mark.parametrize(("answer", "state", "said"), [
    (lambda request: httpx.Response(201, json=health(FINE, status=True)), "done", "Everything is fine."),
    (lambda request: httpx.Response(201, json=health(DKIM_MISSING, MX_MISSING)), "done", "No MX record Fail: DKIM DNS entry not found · Fail: No MX entry found"),
    (lambda request: httpx.Response(201, json=health(MX_MISSING, MX_MISSING)), "done", "No MX record Fail: No MX entry found"),
    (lambda request: httpx.Response(201, json={}), "done", "Problem without a failed test"),
    (answering(422, message="Not <b>now</b>"), "refused", "The gateway refused it. Not now"),
    (answering(500), "unknown", "No clear answer. Run the health check again."),
    (lambda request: httpx.Response(200, json=17), "unknown", "No clear answer. Run the health check again."),
])
def test_a_row_says_what_was_found(answer: Any, state: str, said: str, somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.on["POST /domains/d2/health"] = answer
    batch = start(somebody, "d1", "d2", "d3")
    work()
    assert [row.state for row in batch.rows.all()] == ["done", state, "done"]
    assert said in text(somebody.get(f"/batches/{batch.pk}/")).replace("<b>", "").replace("</b>", "")


def test_what_was_found_is_told_in_the_readers_language(somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.now = health(MX_MISSING)
    with translation.override("de"):  # whoever looks while the worker works
        batch = start(somebody, "d1")
        work()
    assert batch.rows.get().message == "No MX record"  # a text to be translated when it is read


def test_an_interrupted_diagnostic_is_unknown_and_not_lost(somebody: Client, diagnostics: Diagnostics) -> None:
    def killed(request: httpx.Request) -> httpx.Response:
        raise SystemExit

    diagnostics.on["POST /domains/d2/health"] = killed
    batch = start(somebody, "d1", "d2", "d3")
    with pytest.raises(SystemExit):
        work()
    for model in (Batch, Row):
        model.objects.exclude(lease=None).update(lease=timezone.now() - timedelta(seconds=1))
    work()
    assert [row.state for row in batch.rows.all()] == ["done", "unknown", "done"]


@pytest.mark.parametrize("answer", [answering(429), answering(401)])
def test_a_gateway_that_wants_a_pause_makes_the_batch_wait(answer: Any, somebody: Client, diagnostics: Diagnostics) -> None:
    diagnostics.on["POST /domains/d2/health"] = answer
    batch = start(somebody, "d1", "d2")
    work()
    assert [row.state for row in batch.rows.all()] == ["done", "waiting"]
    diagnostics.on.clear()
    somebody.post(f"/batches/{batch.pk}/resume/")
    work()
    assert [row.state for row in batch.rows.all()] == ["done", "done"]


def test_two_clicks_are_one_batch(somebody: Client) -> None:
    batch = start(somebody, "d1", "d2")
    assert start(somebody, "d1", "d2") == batch
    assert start(somebody, "d1") != batch
    assert start(signed_in("the-token-of-another"), "d1", "d2") != batch
    work()
    assert start(somebody, "d1", "d2") != batch  # that one is done


def test_the_newest_batch_is_the_first_of_the_list(somebody: Client) -> None:
    made = [start(somebody, f"d{n}").pk for n in range(3)]
    assert [a.attributes["href"] for a in find(somebody.get("/batches/"), "td.c-title a")] == [f"/batches/{pk}/" for pk in reversed(made)]


@pytest.mark.parametrize(("back", "leads"), [
    ("https://evil.example/", "/health/"), ("//evil.example", "/health/"), ("", "/health/"), ("/health/?page=2", "/health/?page=2"),
    ("javascript:alert(1)", "/health/"),
])
def test_the_way_back_stays_on_this_site(back: str, leads: str, somebody: Client) -> None:
    assert start(somebody, "d1", back=back).url == leads
    assert somebody.post("/batches/check/", {"next": back})["Location"] == leads
    assert somebody.get("/batches/check/")["Location"] == "/health/"


@pytest.mark.parametrize("id", ["..", "", "a\nb", "x" * 2000, "a\0b"])
def test_an_id_that_can_be_none_is_refused(id: str, somebody: Client) -> None:
    assert somebody.post("/batches/check/", {"domain": ["d1", id]}).status_code == 400
    assert not Batch.objects.exists()


def test_a_batch_has_a_thousand_domains_at_most(somebody: Client) -> None:
    assert start(somebody, *(f"d{n}" for n in range(1200))).rows.count() == 1000
