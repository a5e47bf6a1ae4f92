"""What a diagnostic of the gateway means in plain words, and what to change (openapi: EntityHealth, HealthResult).

Pure functions over the gateway's records, which are hostile text; nothing here returns markup. Where a record for DNS can be
told, it is told as a line of a zone file. A name that is none is never made into such a line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _, gettext_lazy as lazy, gettext_noop as noop, ngettext

from portal.api.health import DiagnosticEntry, EntityHealth, HealthRecord, HealthResult
from portal.meaning import dkim
from portal.meaning.dns import TTL
from portal.meaning.names import domain_name
from portal.meaning.reasons import reason

OK, WARN, BAD = "ok", "warn", "bad"
MOST_LINES, LONGEST_LINE = 200, 2000  # of what the gateway saw in one test
MOST_TESTS, MOST_LETTERS = 200, 250_000  # of a report, and of what the gateway saw in all of its tests
MOST_PROBLEMS = 20  # of one report, as chips
MOST_FOUND = 10  # records in DNS
ADDRESS = re.compile(r"\d+\.\d+\.")  # the beginning of an IPv4 address, a masked one too: an MX record cannot name one


@dataclass(frozen=True)
class Kind:
    """A kind of failure: its word in our addresses, how bad it is, and its name, to be translated when it is read."""

    id: str
    level: str
    text: str

    @property
    def name(self) -> str:
        return _(self.text)


# Worst first: mail that nobody filters, mail that cannot be delivered, mail taken for forged, and what is only not proven.
MX_INVALID = Kind("mx-elsewhere", BAD, noop("MX points elsewhere"))
MX_MISSING = Kind("mx-missing", BAD, noop("No MX record"))
RELAY = Kind("relay", BAD, noop("Relay cannot be reached"))
DKIM_INVALID = Kind("dkim-other", BAD, noop("DKIM key does not match"))
MX_NULL = Kind("mx-null", BAD, noop("Takes no mail"))
OTHER = Kind("other", WARN, noop("Another failure"))
DKIM_MISSING = Kind("dkim-missing", WARN, noop("No DKIM record"))
UNCHECKED = Kind("unchecked", WARN, noop("Could not be checked"))
UNEXPLAINED = Kind("unexplained", WARN, noop("Reported without a failed test"))
KINDS = (MX_INVALID, MX_MISSING, MX_NULL, RELAY, DKIM_INVALID, OTHER, DKIM_MISSING, UNCHECKED, UNEXPLAINED)
RANK = {kind.id: rank for rank, kind in enumerate(KINDS)}
CODES = {
    "ERROR_MX_INVALID_ENTRY": MX_INVALID,
    "ERROR_MX_MISSING_ENTRY": MX_MISSING,
    "ERROR_DKIM_INVALID_COUPLE": DKIM_INVALID,
    "ERROR_DKIM_MISSING_ENTRY": DKIM_MISSING,
}
SIGN_IN, REMEDIATION = lazy("Sign-in"), lazy("Remediation")
TESTS = {
    "MX": lazy("Incoming mail (MX)"),
    "DKIM": lazy("Signature of outgoing mail (DKIM)"),
    "SMTP": lazy("Mail server"),
    "SMTP_FALLBACK": lazy("Fallback"),
    "AUTH_IMAP": format_lazy("{} (IMAP)", SIGN_IN),
    "AUTH_LDAP": format_lazy("{} (LDAP)", SIGN_IN),
    "AUTH_OIDC": format_lazy("{} (OpenID Connect)", SIGN_IN),
    "AUTH_ENTRA": format_lazy("{} (Microsoft Entra ID)", SIGN_IN),
    "API_IMAP": format_lazy("{} (IMAP)", REMEDIATION),
    "API_EXCHANGE": format_lazy("{} (Exchange)", REMEDIATION),
    "API_O365": format_lazy("{} (Microsoft 365)", REMEDIATION),
}
PASSED = {
    "MX": lazy("Mail for this domain comes to the gateway."),
    "DKIM": lazy("The record is in DNS, and it fits the key that signs."),
}


@dataclass(frozen=True)
class Record:
    """Lines for the zone of a domain, and what they are."""

    label: str
    text: str


@dataclass(frozen=True)
class Finding:
    """One test: how it ended, what that means and what to change. `page` is the name of the address where it is changed."""

    title: str
    level: str
    name: str  # in two or three words
    log: list[str]
    kind: Kind | None = None  # None when the test passed
    meaning: str = ""
    todo: str = ""
    records: list[Record] = field(default_factory=list)
    page: str = ""
    page_name: str = ""
    found: list[str] = field(default_factory=list)  # what DNS has, as far as the gateway tells
    wanted: list[str] = field(default_factory=list)  # what it should have, in the same form


@dataclass(frozen=True)
class Diagnosis:
    """A whole report: how bad it is, one sentence, and its tests, the worst first. `seconds` since 1970, None if unknown."""

    level: str
    text: str
    findings: list[Finding]
    seconds: int | None = None
    works: bool | None = None  # the gateway's verdict, see `works`
    more: int = 0  # tests that are not listed


@dataclass(frozen=True)
class Problem:
    """What failed, as a chip: the kind's name, or the gateway's own word where it is new to us."""

    kind: Kind
    code: str = ""  # of a result that is new to us

    @property
    def word(self) -> str:
        return short(self.code) or self.kind.name


@dataclass(frozen=True)
class Failing:
    """Something that the gateway reports as failing; without problems once it is well again."""

    id: str
    type: str  # "DOMAIN", "PLATFORM" (a relay), or the gateway's own word
    name: str
    problems: list[Problem]
    tests: int  # that failed
    seconds: int | None
    saw: str = ""  # the first line of a failed test, where the name alone says little: many relays have the same

    @property
    def level(self) -> str:
        return self.problems[0].kind.level if self.problems else OK

    @property
    def key(self) -> str:
        """For the row's id in the page: a domain and a relay may have the same id."""
        return f"{self.type} {self.id}"

    @property
    def type_name(self) -> str:
        """What it is, where it is no domain."""
        return {"DOMAIN": "", "PLATFORM": _("relay")}.get(self.type, self.type[:40])

    @property
    def may_run(self) -> bool:
        """Can its diagnostic be run? What is no domain is tried as a relay: no type is documented (r:5930)."""
        return bool(self.id)


def kind_of(test: HealthResult, about: str = "DOMAIN") -> Kind | None:
    """What kind of failure a test's result is; None when it passed. `about` is the type of what was tested."""
    if test.result == "OK":
        return None
    if test.result in CODES:
        kind = CODES[test.result]
        return MX_NULL if kind in (MX_INVALID, MX_MISSING) and _takes_no_mail(test) else kind
    if test.result == "ERROR":
        return RELAY if _of_relay(test, about) else UNCHECKED
    return OTHER


def _of_relay(test: HealthResult, about: str) -> bool:
    return about == "PLATFORM" or (test.type or "").startswith("SMTP")


def works(report: HealthRecord | None) -> bool | None:
    """The gateway's verdict, which may hold although a test failed; without one, that of the tests, or None."""
    if report is None or report.status is not None:
        return report.status if report else None
    return all(test.result == "OK" for test in report.entries) if report.entries else None


def problems(health: EntityHealth | None, about: str = "DOMAIN") -> list[Problem]:
    """The kinds of failure in a report, the worst first, each once. None when all is well and the gateway says so, too."""
    report = health.report if health else None
    found: dict[tuple[str, str], Problem] = {}
    for test in (report.entries if report else None) or ():
        if kind := kind_of(test, about):
            code = (test.result or test.type or "") if kind is OTHER else ""
            found[kind.id, code] = Problem(kind, code)
    if not found and not works(report):
        return [Problem(UNEXPLAINED)]
    return sorted(found.values(), key=lambda one: RANK[one.kind.id])[:MOST_PROBLEMS]


def failing_entry(entry: DiagnosticEntry) -> Failing:
    """An entry of getHealthErrors, or one whose diagnostic was just run."""
    type = entry.type or "DOMAIN"
    report = entry.health.report if entry.health else None
    failed = [test for test in (report.entries if report else None) or () if kind_of(test, type)]
    id = "" if entry.id is None else str(entry.id)
    seconds = entry.health.performedAt if entry.health else None
    saw = "" if type == "DOMAIN" else next((short(test.output[0], 120) for test in failed if test.output), "")
    return Failing(id, type, entry.name or id or "?", problems(entry.health, type), len(failed), seconds, saw)


def failing_entries(entries: Iterable[DiagnosticEntry]) -> list[Failing]:
    """What getHealthErrors answers, the worst first: by kind, then more failed tests, then longer known, then by name."""
    found = []
    for entry in entries:
        one = failing_entry(entry)
        if not one.problems:  # listed as failing, so it is; only the report does not say how
            one = replace(one, problems=[Problem(UNEXPLAINED)])
        found.append(one)
    return sorted(found, key=lambda one: (RANK[one.problems[0].kind.id], -one.tests, one.seconds or 0, one.name.casefold()))


def diagnosis(
    health: EntityHealth | None,
    name: str = "",
    *,
    about: str = "DOMAIN",
    keys: Sequence[dkim.Record] | None = None,
    hosts: Sequence[str] = (),
) -> Diagnosis:
    """A report in words.

    `name` is the domain's name. `about` is the type of what was tested, "PLATFORM" for a relay. `keys` are the records of
    getDkim: none for a domain without keys, None where they are not known. `hosts` are the gateway's mail servers, where
    another report has named them and this one does not.
    """
    report = health.report if health else None
    tests = [(kind_of(test, about), test) for test in (report.entries if report else None) or ()]
    tests.sort(key=lambda one: RANK[one[0].id] if one[0] else len(RANK))
    failed = [kind for kind, _test in tests if kind]
    findings, room = [], MOST_LETTERS
    for _kind, test in tests[:MOST_TESTS]:
        one = finding(test, name, about=about, keys=keys, hosts=hosts)
        log = _until(room, one.log)
        room -= sum(map(len, log))
        findings.append(replace(one, log=log))
    fine = works(report)
    if failed:
        text = ngettext("One test failed.", "%(count)s tests failed.", len(failed))
        if fine:
            text = ngettext(
                "One test failed. The gateway calls the whole fine all the same.",
                "%(count)s tests failed. The gateway calls the whole fine all the same.",
                len(failed),
            )
        text, level = text % {"count": len(failed)}, WARN if fine else str(failed[0].level)
    elif fine:
        text, level = (
            _("Everything is fine.") if findings else _("The gateway says that everything is fine; it lists no tests."),
            OK,
        )
    else:
        text = _("The gateway reports a problem, although no test failed.") if findings else _("The gateway has no report.")
        level = WARN
    more = len(tests) - len(findings)
    return Diagnosis(level, text, findings, health.performedAt if health else None, fine, more)


def _until(letters: int, lines: list[str]) -> list[str]:
    """The first lines of a log that have no more letters than these."""
    for place, line in enumerate(lines):
        letters -= len(line)
        if letters < 0:
            return [*lines[:place], "…"]
    return lines


def finding(
    test: HealthResult,
    name: str = "",
    *,
    about: str = "DOMAIN",
    keys: Sequence[dkim.Record] | None = None,
    hosts: Sequence[str] = (),
) -> Finding:
    """One test in words; the arguments are those of `diagnosis`."""
    type, kind = test.type or "", kind_of(test, about)
    title = str(TESTS.get(type.upper(), short(type) or _("Test")))
    log = [line[:LONGEST_LINE] for line in (test.output or ())[:MOST_LINES]]
    if len(test.output or ()) > MOST_LINES:
        log.append("…")
    if kind is None:
        meaning = _("The server answers as it should.") if _of_relay(test, about) else str(PASSED.get(type.upper(), ""))
        return Finding(title, OK, _("Passed"), log, meaning=meaning)
    failed = Finding(title, kind.level, kind.name, log, kind)
    match kind.id:
        case "mx-elsewhere" | "mx-missing" | "mx-null":
            return _mx(failed, kind, test, name, required_hosts(test) or list(hosts))
        case "dkim-other":
            return _dkim_other(failed, test, name, keys)
        case "dkim-missing":
            return _dkim_missing(failed, name, keys)
        case "relay":
            return _relay(failed, test)
        case "unchecked":
            return _unchecked(failed, mx_records(name, hosts) if type == "MX" else [])
        case _other:
            return _new_to_us(failed, test, about)


def _mx(failed: Finding, kind: Kind, test: HealthResult, name: str, required: list[str]) -> Finding:
    """Mail goes past the gateway, or nowhere. `required` are the servers that it should go to, as far as they are known."""
    if kind is MX_INVALID:
        meaning = _("Mail for this domain goes past the gateway: nobody filters it.")
        todo = _("Replace the MX records of the domain by these. No other MX record may stay.")
    elif kind is MX_NULL:
        meaning = _("The domain takes no mail: its MX record says so (MX 0 .), and no sender even tries.")
        todo = _("If it should get mail, replace that record with these.")
    else:
        meaning = _("DNS does not say where mail for this domain goes: senders cannot deliver it to the gateway.")
        todo = _("Add these MX records at the DNS provider of the domain.")
    records = mx_records(name, required)
    if not records:
        todo = _("Let the MX records of the domain name the gateway's mail servers, and nothing else.")
    if required and not records:
        todo += " " + _("The gateway requires: %(hosts)s.") % {"hosts": ", ".join(map(short, required[:10]))}
    if not required:
        todo += " " + _("The report does not say what they are called: ask whoever runs the gateway.")
    there = [] if kind is MX_MISSING else in_dns(test)
    return replace(failed, meaning=meaning, todo=todo, records=records, found=there, wanted=required if there else [])


def _dkim_other(failed: Finding, test: HealthResult, name: str, keys: Sequence[dkim.Record] | None) -> Finding:
    there = in_dns(test)
    own = [key.value for key in keys or () if key.domain.casefold() == name.casefold()]
    return _dkim(
        replace(failed, found=there, wanted=own if there else []),
        name,
        keys,
        meaning=_(
            "DNS has another key than the one that signs, so receivers take the signature for forged. Compare the value: "
            "is all of it there, once, and under this name only?"
        ),
        todo=_("Replace the record by this one. The old one must go: two records of one name are as good as none."),
        todo_elsewhere=_("Replace the record by the one on the page of the DKIM keys. The old one must go."),
        without_keys=(
            _("DNS publishes a DKIM key for this domain, but the gateway has none to sign with."),
            _("Let a system administrator create DKIM keys and publish their record, or remove the old one from DNS."),
        ),
    )


def _dkim_missing(failed: Finding, name: str, keys: Sequence[dkim.Record] | None) -> Finding:
    return _dkim(
        failed,
        name,
        keys,
        meaning=_("Not in DNS yet. After it is published it may take from minutes to a day until it is seen everywhere."),
        todo=_("Add this TXT record at the DNS provider of the domain."),
        todo_elsewhere=_("Publish the record that the page of the DKIM keys shows."),
        without_keys=(
            _("Outgoing mail of this domain is not signed. It may stay so, but such mail is sooner taken for spam."),
            _("Let a system administrator create DKIM keys, then publish their record."),
        ),
    )


def _dkim(
    failed: Finding,
    name: str,
    keys: Sequence[dkim.Record] | None,
    *,
    meaning: str,
    todo: str,
    todo_elsewhere: str,
    without_keys: tuple[str, str],
) -> Finding:
    """A record to publish, or to make first: `todo_elsewhere` is said where it is not known here, `without_keys` where it is
    known that the gateway has no keys.
    """
    records = dkim_records(name, keys or ())
    if keys is not None and not keys:
        meaning, todo = without_keys
    elif not records:
        todo = todo_elsewhere
    page, page_name = "domain-dkim", _("DKIM of this domain")
    return replace(failed, meaning=meaning, todo=todo, records=records, page=page, page_name=page_name)


def _relay(failed: Finding, test: HealthResult) -> Finding:
    todo = _("Check the name, port and encryption of the relay, and whether its firewall lets the gateway in.")
    page, page_name = "domain-relays", _("Relays of this domain")
    return replace(failed, meaning=reason(test.output or ()), todo=todo, page=page, page_name=page_name)


def _unchecked(failed: Finding, records: list[Record]) -> Finding:
    """Nothing is known; `records` have to be there, whatever is."""
    meaning = _("The gateway could not look it up. That proves nothing, neither good nor bad.")
    todo = _("Run the diagnostic again in a few minutes. If it stays so, ask whoever runs the gateway.")
    return replace(failed, meaning=meaning, todo=todo, records=records)


def _new_to_us(failed: Finding, test: HealthResult, about: str) -> Finding:
    meaning = _("The gateway reports “%(code)s”, a result that is new to this dashboard.") % {"code": short(test.result or "?")}
    if _of_relay(test, about):
        meaning += " " + reason(test.output or ())
    return replace(failed, meaning=meaning, todo=_("See what the gateway saw, and ask whoever runs it."))


def last_words(health: EntityHealth) -> str:
    """The last line that the gateway wrote about each test that failed, for a list."""
    tests = (health.report.entries if health.report else None) or ()
    return " · ".join(dict.fromkeys(short(test.output[-1], 160) for test in tests if kind_of(test) and test.output))[:500]


def in_dns(test: HealthResult) -> list[str]:
    """What the gateway found in DNS: its lines `Found: …`, a host, or the value of a record."""
    said = (line[:LONGEST_LINE].partition(":") for line in (test.output or ())[:MOST_LINES])
    return [found.strip() or "." for word, colon, found in said if colon and word.strip().casefold() == "found"][:MOST_FOUND]


def _takes_no_mail(test: HealthResult) -> bool:
    """Is a null MX (RFC 7505) all that there is? The root is written as a dot, or as nothing."""
    said = [line[:LONGEST_LINE] for line in (test.output or ())[:MOST_LINES]]
    found = in_dns(test)
    if found:
        return all(re.fullmatch(r"(?:.*\bMX\s+)?(?:\d{1,5}\s+)?\.", one, re.IGNORECASE) for one in found)
    return any(re.search(r"\bnull[ -]?MX\b|\bMX\s+\d{1,5}\s+\.(?:\s|$)", line, re.IGNORECASE) for line in said)


def required_hosts(test: HealthResult) -> list[str]:
    """The mail servers that a test wants to find: its lines `Required: a, b`."""
    hosts = []
    for line in (test.output or ())[:MOST_LINES]:
        word, colon, rest = line[:LONGEST_LINE].partition(":")
        if colon and word.strip().casefold() == "required":
            hosts += [host.rstrip(".") for host in re.split(r"[,\s]+", rest)]
    return list(dict.fromkeys(host for host in hosts if host))[:20]


def hosts_of(entries: Iterable[DiagnosticEntry]) -> list[str]:
    """The gateway's mail servers, as the first report that names them does: all domains of one gateway have the same."""
    for entry in entries:
        for test in (entry.health.report.entries if entry.health and entry.health.report else None) or ():
            if test.result in CODES and (hosts := required_hosts(test)):
                return hosts
    return []


def mx_records(domain: str, hosts: Sequence[str]) -> list[Record]:
    """`example.org. 3600 IN MX 10 mx1.gateway.example.`, a line for each host, to be copied at once; [] unless all are names."""
    try:
        domain, *names = map(domain_name, (domain, *hosts))
    except ValidationError:
        return []
    if not names or any(map(ADDRESS.match, names)):
        return []
    return [Record(_("MX records"), "\n".join(f"{domain}. {TTL} IN MX {10 * n} {host}." for n, host in enumerate(names, 1)))]


def dkim_records(domain: str, keys: Iterable[dkim.Record]) -> list[Record]:
    """The domain's own records as lines of a zone file; as they came where they have another form."""
    own = [key for key in keys if not key.name or key.domain.casefold() == domain.casefold()]
    return [Record(_("TXT record"), key.zone if key.name else short(key.line, LONGEST_LINE)) for key in own[:5]]


def short(text: str, most: int = 60) -> str:
    """A word of the gateway's, cut where no word is that long."""
    return text if len(text) <= most else text[: most - 1] + "…"
