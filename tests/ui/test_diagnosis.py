"""What a diagnostic means: each result in words, records that can be copied, and nothing that a hostile report could break."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from portal.api.health import DiagnosticEntry, EntityHealth, HealthRecord, HealthResult
from portal.meaning import dkim, findings
from portal.meaning.diagnosis import MOST_LETTERS, MOST_PROBLEMS, diagnosis, failing_entries, hosts_of, problems
from portal.meaning.findings import KINDS, dkim_records, finding, kind_of, mx_records

HOSTS = ["mx1.gateway.example", "mx2.gateway.example"]
LINE = "protect._domainkey.nordwind.example TXT v=DKIM1; p=MIGf"
KEY = dkim.record(LINE)


def test(type: str, result: str | None, *output: str) -> HealthResult:
    return HealthResult(type=type, result=result, output=list(output))


test.__test__ = False  # type: ignore[attr-defined]


def report(status: bool | None, *tests: HealthResult, at: int | None = 1_790_000_000) -> EntityHealth:
    return EntityHealth(performedAt=at, report=HealthRecord(status=status, entries=list(tests)))


def entry(name: str, *tests: HealthResult, type: str | None = "DOMAIN", at: int = 1_790_000_000) -> DiagnosticEntry:
    return DiagnosticEntry(id=name, name=name, type=type, health=report(False, *tests, at=at))


MX_OK, DKIM_OK = test("MX", "OK", "Passed"), test("DKIM", "OK", "Passed")
MX_ELSEWHERE = test("MX", "ERROR_MX_INVALID_ENTRY", "Found: mx.old.example", f"Required: {', '.join(HOSTS)}", "Fail")
MX_MISSING = test("MX", "ERROR_MX_MISSING_ENTRY", "Lookup for MX entry", "Fail: No MX entry found")
DKIM_MISSING = test("DKIM", "ERROR_DKIM_MISSING_ENTRY", "Lookup", "Fail: not found")
DKIM_OTHER = test("DKIM", "ERROR_DKIM_INVALID_COUPLE", "Lookup", "Fail: does not match")


@pytest.mark.parametrize(("result", "kind", "level"), [
    (MX_ELSEWHERE, "mx-elsewhere", "bad"),
    (MX_MISSING, "mx-missing", "bad"),
    (DKIM_OTHER, "dkim-other", "bad"),
    (DKIM_MISSING, "dkim-missing", "warn"),
    (test("SMTP", "ERROR", "Connecting"), "relay", "bad"),
    (test("SMTP_FALLBACK", "ERROR"), "relay", "bad"),
    (test("MX", "ERROR"), "unchecked", "warn"),
    (test("DKIM", "ERROR"), "unchecked", "warn"),
    (test("SPF", "ERROR_SPF_TOO_LONG"), "other", "warn"),
    (test("SPF", None), "other", "warn"),
    (test("SPF", ""), "other", "warn"),
])
def test_each_result_has_its_kind_and_its_words(result: HealthResult, kind: str, level: str) -> None:
    found = finding(result, "nordwind.example")
    assert found.kind and (found.kind.id, found.level) == (kind, level)
    assert found.meaning and found.todo and found.name


def test_an_error_of_a_relay_is_one_of_its_connection_whatever_the_test_is_called() -> None:
    kind = kind_of(test("TLS", "ERROR"), "PLATFORM")
    assert kind is not None and kind.id == "relay"


@pytest.mark.parametrize(("type", "title"), [
    ("SMTP", "Mail server"), ("SMTP_FALLBACK", "Fallback"), ("AUTH_IMAP", "Sign-in (IMAP)"), ("AUTH_LDAP", "Sign-in (LDAP)"),
    ("AUTH_OIDC", "Sign-in (OpenID Connect)"), ("AUTH_ENTRA", "Sign-in (Microsoft Entra ID)"), ("API_IMAP", "Remediation (IMAP)"),
    ("API_EXCHANGE", "Remediation (Exchange)"), ("API_O365", "Remediation (Microsoft 365)"), ("dkim", "Signature of outgoing mail (DKIM)"),
    ("AUTH_SAML", "AUTH_SAML"), ("", "Test"),
])
def test_each_test_is_called_by_its_name_and_a_new_one_by_the_gateways(type: str, title: str) -> None:
    assert finding(test(type, "OK")).title == title


def test_a_failed_test_of_a_relay_says_why_also_with_a_result_that_is_new() -> None:
    log = ("Connecting to ldap.example:636", "Fail: the bind was refused: invalid credentials")
    for result in ("ERROR", "ERROR_BIND"):
        assert "The server refuses the account or its password." in finding(test("AUTH_LDAP", result, *log), about="PLATFORM").meaning
    assert "account" not in finding(test("MX", "ERROR", *log)).meaning


@pytest.mark.parametrize(("health", "works"), [
    (report(True, MX_OK, DKIM_MISSING), True), (report(False, MX_OK), False), (report(None, MX_OK), True),
    (report(None, MX_OK, MX_MISSING), False), (report(None), None), (EntityHealth(), None), (None, None),
])
def test_the_verdict_is_the_gateways_and_ours_only_where_it_gives_none(health: EntityHealth | None, works: bool | None) -> None:
    assert diagnosis(health).works is works


def test_what_passed_asks_for_nothing() -> None:
    found = finding(MX_OK, "nordwind.example")
    assert (found.kind, found.level, found.name, found.todo, found.records) == (None, "ok", "OK", "", [])
    assert found.log == ["Passed"]


def test_mx_records_are_lines_to_copy() -> None:
    found = finding(MX_ELSEWHERE, "nordwind.example")
    (record,) = found.records
    assert record.text.split("\n") == [
        "nordwind.example. 3600 IN MX 10 mx1.gateway.example.",
        "nordwind.example. 3600 IN MX 20 mx2.gateway.example.",
    ]


def test_where_the_report_names_no_server_those_of_another_report_are_proposed() -> None:
    assert finding(MX_MISSING, "nordwind.example").records == []
    assert "contact the gateway operator" in finding(MX_MISSING, "nordwind.example").todo
    hosts = hosts_of([entry("a.example", MX_MISSING), entry("b.example", DKIM_OTHER, MX_ELSEWHERE)])
    assert hosts == HOSTS
    (record,) = finding(MX_MISSING, "nordwind.example", hosts=hosts).records
    assert [line.split()[-1] for line in record.text.split("\n")] == ["mx1.gateway.example.", "mx2.gateway.example."]


def test_mail_servers_are_read_with_commas_with_blanks_and_with_a_dot_at_the_end() -> None:
    for line in ("Required: a.example, b.example", " required:a.example. b.example.", "REQUIRED :a.example,,b.example,a.example"):
        assert findings.required_hosts(test("MX", "ERROR_MX_MISSING_ENTRY", line)) == ["a.example", "b.example"]


@pytest.mark.parametrize("line", ["Found: .", "found: 0 .", "Found:", "Found: alpenmilch.example. 60 IN MX 0 .", "Fail: null MX", "Answer: MX 0 ."])
@pytest.mark.parametrize("result", ["ERROR_MX_INVALID_ENTRY", "ERROR_MX_MISSING_ENTRY"])
def test_a_null_mx_is_a_domain_that_takes_no_mail(line: str, result: str) -> None:
    found = finding(test("MX", result, "Lookup for MX entry", line, f"Required: {', '.join(HOSTS)}", "Fail"), "alpenmilch.example")
    assert (found.kind, found.name) == (findings.MX_NULL, "Accepts no mail")
    assert "accepts no mail" in found.meaning
    assert found.records[0].text.startswith("alpenmilch.example. 3600 IN MX 10 mx1.gateway.example.")


@pytest.mark.parametrize("lines", [(), ("Found: mx.example",), ("Found: .", "Found: mx.example"), ("Lookup for x.example.",)])
def test_other_mx_records_are_no_null_mx(lines: tuple[str, ...]) -> None:
    assert kind_of(test("MX", "ERROR_MX_INVALID_ENTRY", *lines, "Fail")) is findings.MX_INVALID


def test_what_dns_has_stands_beside_what_it_should_have() -> None:
    found = finding(MX_ELSEWHERE, "nordwind.example")
    assert (found.found, found.wanted) == (["mx.old.example"], HOSTS)
    other = test("DKIM", "ERROR_DKIM_INVALID_COUPLE", "Lookup", "Found: v=DKIM1; p=AAAA", "Fail")
    found = finding(other, "Nordwind.example", keys=[KEY, dkim.record(LINE.replace("nordwind", "other"))])
    assert (found.found, found.wanted) == (["v=DKIM1; p=AAAA"], ["v=DKIM1; p=MIGf"])
    assert finding(DKIM_OTHER, "nordwind.example", keys=[KEY]).wanted == []  # nothing to compare it with
    assert len(finding(test("MX", "ERROR_MX_INVALID_ENTRY", *["Found: x.example"] * 500), "x.example").found) == findings.MOST_FOUND


def test_an_address_is_no_mx_record_but_is_told() -> None:
    found = finding(test("MX", "ERROR_MX_INVALID_ENTRY", "Required: 192.0.2.7"), "nordwind.example")
    assert found.records == []
    assert "192.0.2.7" in found.todo


@pytest.mark.parametrize("name", [
    "", "nordwind", "a b.example", "nord\nwind.example", "x.example\n. 60 IN MX 0 evil.example", '"x".example', "x.example;", "<b>.example",
    ".example", "a..example", "-.example", "x" * 64 + ".example", "a." * 200 + "example", "x.example\0",
])
def test_a_name_that_is_none_never_becomes_a_line_of_a_zone(name: str) -> None:
    assert mx_records(name, HOSTS) == []
    assert mx_records("nordwind.example", [*HOSTS, name]) == []


def test_the_missing_dkim_record_is_the_one_of_this_domain() -> None:
    keys = [dkim.record(LINE.replace("nordwind", "other")), KEY]
    (record,) = finding(DKIM_MISSING, "nordwind.example", keys=keys).records
    assert record.text == 'protect._domainkey.nordwind.example. 3600 IN TXT "v=DKIM1; p=MIGf"'


def test_a_long_key_is_cut_into_strings_that_dns_can_hold() -> None:
    (record,) = dkim_records("nordwind.example", [dkim.record(LINE + "A" * 400)])
    pieces = re.findall(r'"([^"]*)"', record.text)
    assert [len(piece) for piece in pieces] == [255, len("v=DKIM1; p=MIGf") + 400 - 255]
    assert "".join(pieces) == "v=DKIM1; p=MIGf" + "A" * 400


def test_a_quote_in_a_key_does_not_end_the_string() -> None:
    (record,) = dkim_records("nordwind.example", [dkim.record('s._domainkey.nordwind.example TXT v=1" 60 IN A 192.0.2.1 \\')])
    assert record.text.endswith(r'TXT "v=1\" 60 IN A 192.0.2.1 \\"')


def test_a_record_of_another_form_is_shown_as_it_came() -> None:
    assert [one.text for one in dkim_records("nordwind.example", [dkim.record("v=DKIM1; p=MIGf")])] == ["v=DKIM1; p=MIGf"]


def test_without_keys_one_is_led_to_where_they_are_made() -> None:
    found = finding(DKIM_MISSING, "nordwind.example", keys=())
    assert (found.records, found.page) == ([], "domain-dkim")
    assert "not signed" in found.meaning
    assert "has none to sign with" in finding(DKIM_OTHER, "nordwind.example", keys=()).meaning


def test_keys_that_could_not_be_read_are_not_said_to_be_missing() -> None:
    found = finding(DKIM_MISSING, "nordwind.example", keys=None)
    assert "not signed" not in found.meaning
    assert "DKIM page" in found.todo


@pytest.mark.parametrize(("health", "level", "text"), [
    (report(True, MX_OK, DKIM_OK), "ok", "Everything is fine."),
    (report(True, MX_OK, DKIM_MISSING), "warn", "One test failed. The gateway still reports everything as OK."),
    (report(True, MX_ELSEWHERE, DKIM_MISSING), "warn", "2 tests failed. The gateway still reports everything as OK."),
    (report(False, MX_OK, DKIM_OK), "warn", "The gateway reports a problem, although no test failed."),
    (report(None, MX_OK), "ok", "Everything is fine."),
    (report(None, MX_OK, MX_MISSING), "bad", "One test failed."),
    (report(False, MX_OK, MX_ELSEWHERE), "bad", "One test failed."),
    (report(False, DKIM_MISSING, MX_MISSING), "bad", "2 tests failed."),
    (report(True), "ok", "The gateway reports that everything is fine, but lists no tests."),
    (report(False), "warn", "The gateway has no report."),
    (EntityHealth(), "warn", "The gateway has no report."),
    (None, "warn", "The gateway has no report."),
])
def test_the_gateways_verdict_and_its_tests_are_both_told(health: EntityHealth | None, level: str, text: str) -> None:
    found = diagnosis(health)
    assert (found.level, found.text) == (level, text)


def test_the_worst_test_comes_first() -> None:
    found = diagnosis(report(False, DKIM_OK, DKIM_MISSING, MX_OK, MX_MISSING))
    assert [one.name for one in found.findings] == ["No MX record", "No DKIM record", "OK", "OK"]


def test_failures_are_sorted_by_kind_then_by_failed_tests_then_by_age_then_by_name() -> None:
    found = failing_entries([
        entry("dkim.example", MX_OK, DKIM_OTHER), entry("b.example", MX_MISSING), entry("a.example", MX_MISSING),
        entry("two.example", MX_MISSING, DKIM_MISSING), entry("old.example", MX_MISSING, at=1_700_000_000),
        entry("Relay", test("SMTP", "ERROR"), type="PLATFORM"), entry("past.example", MX_ELSEWHERE),
        entry("signed.example", MX_OK, DKIM_MISSING),
    ])  # fmt: skip
    assert [one.name for one in found] == [
        "past.example", "two.example", "old.example", "a.example", "b.example", "Relay", "dkim.example", "signed.example",
    ]  # fmt: skip
    assert [one.level for one in found] == ["bad"] * 7 + ["warn"]


def test_what_is_listed_without_a_failed_test_is_said_to_be_so() -> None:
    for one in (entry("a"), entry("a", MX_OK), DiagnosticEntry(id="a"), DiagnosticEntry(id="a", health=report(True, MX_OK))):
        (found,) = failing_entries([one])
        assert [problem.word for problem in found.problems] == ["Problem without a failed test"]


def test_a_new_code_and_a_new_type_are_shown_with_their_own_word() -> None:
    (found,) = failing_entries([entry("x", test("SPF", "ERROR_SPF_TOO_LONG", "Looking at x"), type="CUSTOMER")])
    assert [(problem.kind.id, problem.word) for problem in found.problems] == [("other", "ERROR_SPF_TOO_LONG")]
    assert (found.type_name, found.saw, found.may_run) == ("CUSTOMER", "Looking at x", True)


def test_ten_thousand_lines_are_cut_and_it_shows() -> None:
    found = finding(test("MX", "OK", *(["x" * 10_000] * 10_000)))
    assert len(found.log) == findings.MOST_LINES + 1
    assert found.log[-1] == "…"
    assert max(map(len, found.log)) == findings.LONGEST_LINE


def test_of_very_many_tests_the_worst_are_explained_and_the_others_counted() -> None:
    log = "x" * 2000
    many = [test("MX", "OK", log)] * 300 + [test(f"T{n}", f"ERROR_{n}", *[log] * 100) for n in range(300)] + [MX_MISSING]
    found = diagnosis(report(False, *many), "a.example")
    assert (found.text, found.level, len(found.findings), found.more) == ("301 tests failed.", "bad", 200, 401)
    assert found.findings[0].kind is findings.MX_MISSING
    assert sum(len(line) for one in found.findings for line in one.log) <= MOST_LETTERS + 200
    (row,) = failing_entries([entry("a.example", *many)])
    assert (row.tests, len(row.problems)) == (301, MOST_PROBLEMS)


words = st.sampled_from(["MX", "DKIM", "SMTP", "OK", "ERROR", *findings.CODES]) | st.text(max_size=20)
lines = st.lists(st.text(max_size=60) | st.text(max_size=40).map("Required: {}".format), max_size=6)
tests = st.builds(HealthResult, type=st.none() | words, result=st.none() | words, output=st.none() | lines)
reports = st.none() | st.builds(
    EntityHealth,
    performedAt=st.none() | st.integers(),
    report=st.none() | st.builds(HealthRecord, status=st.none() | st.booleans(), entries=st.none() | st.lists(tests, max_size=5)),
)


@given(reports, st.text(max_size=80), st.none() | st.lists(st.text(max_size=200).map(dkim.record), max_size=4), lines)
def test_whatever_a_report_holds_it_is_told_in_words(health: Any, name: str, keys: Any, hosts: list[str]) -> None:
    found = diagnosis(health, name, keys=keys, hosts=hosts)
    assert found.level in ("ok", "warn", "bad")
    assert found.text
    for one in found.findings:
        assert one.title and one.name
        for record in one.records:
            if record.label == "MX records":
                for line in record.text.split("\n"):
                    assert re.fullmatch(r"[\w.-]+ 3600 IN MX \d+ [\w.-]+", line, re.ASCII)
    known = {kind.id for kind in KINDS}
    assert {problem.kind.id for problem in problems(health)} <= known
    (listed,) = failing_entries([msgspec.structs.replace(DiagnosticEntry(), health=health)])
    assert listed.problems
