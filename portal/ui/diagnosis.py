"""What a diagnostic of the gateway means in plain words, and what to change (openapi: EntityHealth, HealthResult).

Pure functions over the gateway's records, which are hostile text; nothing here returns markup. Where a record for DNS can be
told, it is told as a line of a zone file. A name that is none is never made into such a line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _, gettext_lazy as lazy, gettext_noop as noop, ngettext

from portal.api.health import DiagnosticEntry, EntityHealth, HealthResult

OK, WARN, BAD = "ok", "warn", "bad"
TTL = 3600  # seconds, of the records that are proposed
MOST_LINES, LONGEST_LINE = 200, 2000  # of what the gateway saw in one test
HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
ADDRESS = re.compile(r"\d+\.\d+\.")  # the beginning of an IPv4 address: an MX record cannot name one
TXT = re.compile(r"(\S+)\s+(?:\d+\s+)?(?:IN\s+)?TXT\s+(\S.*)", re.IGNORECASE | re.DOTALL)


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
OTHER = Kind("other", WARN, noop("Another failure"))
DKIM_MISSING = Kind("dkim-missing", WARN, noop("No DKIM record"))
UNCHECKED = Kind("unchecked", WARN, noop("Could not be checked"))
UNEXPLAINED = Kind("unexplained", WARN, noop("Reported without a failed test"))
KINDS = (MX_INVALID, MX_MISSING, RELAY, DKIM_INVALID, OTHER, DKIM_MISSING, UNCHECKED, UNEXPLAINED)
RANK = {kind.id: rank for rank, kind in enumerate(KINDS)}
CODES = {
    "ERROR_MX_INVALID_ENTRY": MX_INVALID,
    "ERROR_MX_MISSING_ENTRY": MX_MISSING,
    "ERROR_DKIM_INVALID_COUPLE": DKIM_INVALID,
    "ERROR_DKIM_MISSING_ENTRY": DKIM_MISSING,
}
TESTS = {
    "MX": lazy("Incoming mail (MX)"),
    "DKIM": lazy("Signature of outgoing mail (DKIM)"),
    "SMTP": lazy("Connection to the relay (SMTP)"),
    "SMTP_FALLBACK": lazy("Connection to the relay that stands in (SMTP)"),
}
PASSED = {
    "MX": lazy("Mail for this domain comes to the gateway."),
    "DKIM": lazy("DNS publishes the key that the gateway signs with."),
    "SMTP": lazy("The server answers."),
    "SMTP_FALLBACK": lazy("The server answers."),
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
    meaning: str
    todo: str
    records: list[Record]
    log: list[str]
    kind: Kind | None = None  # None when the test passed
    page: str = ""
    page_name: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """A whole report: how bad it is, one sentence, and its tests, the worst first. `seconds` since 1970, None if unknown."""

    level: str
    text: str
    findings: list[Finding]
    seconds: int | None


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
        """Can its diagnostic be run? The contract has one of domains and one of relays."""
        return bool(self.id) and self.type in ("DOMAIN", "PLATFORM")


def kind_of(test: HealthResult, about: str = "DOMAIN") -> Kind | None:
    """What kind of failure a test's result is; None when it passed. `about` is the type of what was tested."""
    if test.result == "OK":
        return None
    if test.result in CODES:
        return CODES[test.result]
    if test.result == "ERROR":
        return RELAY if about == "PLATFORM" or (test.type or "").startswith("SMTP") else UNCHECKED
    return OTHER


def problems(health: EntityHealth | None, about: str = "DOMAIN") -> list[Problem]:
    """The kinds of failure in a report, the worst first, each once. None when all is well and the gateway says so, too."""
    report = health.report if health else None
    found: dict[tuple[str, str], Problem] = {}
    for test in (report.entries if report else None) or ():
        if kind := kind_of(test, about):
            code = (test.result or test.type or "") if kind is OTHER else ""
            found[kind.id, code] = Problem(kind, code)
    if not found and (report is None or report.status is not True):
        return [Problem(UNEXPLAINED)]
    return sorted(found.values(), key=lambda one: RANK[one.kind.id])


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
    health: EntityHealth | None, name: str = "", *, keys: Sequence[str] | None = None, hosts: Sequence[str] = ()
) -> Diagnosis:
    """A report in words.

    `name` is the domain's name. `keys` are the records of getDkim: () for a domain without keys, None where they are not
    known. `hosts` are the gateway's mail servers, where another report has named them and this one does not.
    """
    report = health.report if health else None
    tests = (report.entries if report else None) or []
    findings = [finding(test, name, keys=keys, hosts=hosts) for test in tests]
    findings.sort(key=lambda one: RANK[one.kind.id] if one.kind else len(RANK))
    failed = [one for one in findings if one.kind]
    fine, seconds = bool(report and report.status), health.performedAt if health else None
    if failed and fine:
        text = ngettext(
            "One test failed. The gateway calls the whole fine all the same.",
            "%(count)s tests failed. The gateway calls the whole fine all the same.",
            len(failed),
        )
        return Diagnosis(WARN, text % {"count": len(failed)}, findings, seconds)
    if failed:
        text = ngettext("One test failed.", "%(count)s tests failed.", len(failed)) % {"count": len(failed)}
        return Diagnosis(failed[0].level, text, findings, seconds)
    if fine and findings:
        return Diagnosis(OK, _("Everything is fine."), findings, seconds)
    if fine:
        return Diagnosis(OK, _("The gateway says that everything is fine; it lists no tests."), findings, seconds)
    if findings:
        return Diagnosis(WARN, _("The gateway reports a problem, although no test failed."), findings, seconds)
    return Diagnosis(WARN, _("The gateway has no report."), findings, seconds)


def finding(test: HealthResult, name: str = "", *, keys: Sequence[str] | None = None, hosts: Sequence[str] = ()) -> Finding:
    """One test in words; the arguments are those of `diagnosis`."""
    type, kind = test.type or "", kind_of(test)
    title = str(TESTS.get(type, short(type) or _("Test")))
    log = [line[:LONGEST_LINE] for line in (test.output or ())[:MOST_LINES]]
    if len(test.output or ()) > MOST_LINES:
        log.append("…")
    if kind is None:
        return Finding(title, OK, _("Passed"), str(PASSED.get(type, "")), "", [], log)
    meaning, todo, records, page, page_name = "", "", [], "", ""
    match kind.id:
        case "mx-elsewhere" | "mx-missing":
            required = required_hosts(test) or list(hosts)
            records = mx_records(name, required)
            if kind is MX_INVALID:
                meaning = _("Mail for this domain goes past the gateway: nobody filters it.")
                todo = _("Replace the MX records of the domain by these. No other MX record may stay.")
            else:
                meaning = _("DNS does not say where mail for this domain goes: senders cannot deliver it to the gateway.")
                todo = _("Add these MX records at the DNS provider of the domain.")
            if not records:
                todo = _("Let the MX records of the domain name the gateway's mail servers, and nothing else.")
            if required and not records:
                todo += " " + _("The gateway requires: %(hosts)s.") % {"hosts": ", ".join(map(short, required[:10]))}
            if not required:
                todo += " " + _("The report does not say what they are called: ask whoever runs the gateway.")
        case "dkim-other":
            meaning = _("DNS publishes another key than the one the gateway signs with: receivers take the mail for forged.")
            todo = _("Replace the record by this one. The old one must go: two records of one name are as good as none.")
            page, page_name = "domain-dkim", _("DKIM of this domain")
            records = dkim_records(name, keys or ())
            if keys is not None and not keys:
                meaning = _("DNS publishes a DKIM key for this domain, but the gateway has none to sign with.")
                todo = _("Let a system administrator create DKIM keys and publish their record, or remove the old one from DNS.")
            elif not records:
                todo = _("Replace the record by the one on the page of the DKIM keys. The old one must go.")
        case "dkim-missing":
            meaning = _("DNS does not publish the key of the gateway's signature: receivers cannot check who sent the mail.")
            todo = _("Add this TXT record at the DNS provider of the domain.")
            page, page_name = "domain-dkim", _("DKIM of this domain")
            records = dkim_records(name, keys or ())
            if keys is not None and not keys:
                meaning = _("Outgoing mail of this domain is not signed. It may stay so, but such mail is sooner taken for spam.")
                todo = _("Let a system administrator create DKIM keys, then publish their record.")
            elif not records:
                todo = _("Publish the record that the page of the DKIM keys shows.")
        case "relay":
            meaning = _("The gateway cannot hand mail over to this server.")
            todo = _("Check the name, port and encryption of the relay, and whether its firewall lets the gateway in.")
            page, page_name = "domain-relays", _("Relays of this domain")
        case "unchecked":
            meaning = _("The gateway could not look it up. That proves nothing, neither good nor bad.")
            todo = _("Run the diagnostic again in a few minutes. If it stays so, ask whoever runs the gateway.")
        case _other:
            meaning = _("The gateway reports “%(code)s”, a result that is new to this dashboard.")
            meaning %= {"code": short(test.result or "?")}
            todo = _("See what the gateway saw, and ask whoever runs it.")
    return Finding(title, kind.level, kind.name, meaning, todo, records, log, kind, page, page_name)


def last_words(health: EntityHealth) -> str:
    """The last line that the gateway wrote about each test that failed, for a list."""
    tests = (health.report.entries if health.report else None) or ()
    return " · ".join(dict.fromkeys(short(test.output[-1], 160) for test in tests if kind_of(test) and test.output))[:500]


def required_hosts(test: HealthResult) -> list[str]:
    """The mail servers that a test wants to find: its lines `Required: a, b`."""
    hosts = []
    for line in (test.output or ())[:MOST_LINES]:
        word, colon, rest = line[:LONGEST_LINE].partition(":")
        if colon and word.strip().casefold() == "required":
            hosts += [host.strip().rstrip(".") for host in rest.split(",")]
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
    names = [host for host in hosts if HOST.fullmatch(host) and not ADDRESS.match(host)]
    if not names or not HOST.fullmatch(domain) or len(names) != len(hosts):
        return []
    return [Record(_("MX records"), "\n".join(f"{domain}. {TTL} IN MX {10 * n} {host}." for n, host in enumerate(names, 1)))]


def dkim_records(domain: str, keys: Sequence[str]) -> list[Record]:
    """The domain's own of getDkim's records as lines of a zone file; as they came where they have another form."""
    own = []
    for key in keys[:100]:
        found = TXT.fullmatch(key.strip())
        if found is None or not HOST.fullmatch(name := found[1].rstrip(".")):
            own.append(Record(_("TXT record"), short(key, LONGEST_LINE)))
        elif name.casefold().endswith(f"._domainkey.{domain}".casefold()):
            own.append(Record(_("TXT record"), f"{name}. {TTL} IN TXT {quoted(found[2])}"))
    return own[:5]


def quoted(text: str) -> str:
    """A text as the strings of a TXT record, which are 255 bytes long at most (RFC 1035, 3.3)."""
    plain = " ".join(text.strip().strip('"').split())
    pieces = [plain[at : at + 255] for at in range(0, min(len(plain), 4000), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def short(text: str, most: int = 60) -> str:
    """A word of the gateway's, cut where no word is that long."""
    return text if len(text) <= most else text[: most - 1] + "…"
