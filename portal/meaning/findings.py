"""What one test of a diagnostic means in plain words, and what to change (openapi: HealthResult).

Pure functions over the gateway's records, which are hostile text; nothing here returns markup. Where a record for DNS can be
told, it is told as a line of a zone file. A name that is none is never made into such a line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _, gettext_lazy as lazy, gettext_noop as noop

from portal.api.health import HealthResult
from portal.meaning import dkim
from portal.meaning.dns import TTL
from portal.meaning.names import domain_name
from portal.meaning.reasons import reason

OK, WARN, BAD = "ok", "warn", "bad"
MOST_LINES, LONGEST_LINE = 200, 2000  # of what the gateway saw in one test
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
MX_NULL = Kind("mx-null", BAD, noop("Accepts no mail"))
OTHER = Kind("other", WARN, noop("Other failure"))
DKIM_MISSING = Kind("dkim-missing", WARN, noop("No DKIM record"))
UNCHECKED = Kind("unchecked", WARN, noop("Could not be checked"))
UNEXPLAINED = Kind("unexplained", WARN, noop("Problem without a failed test"))
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
    "MX": lazy("Mail for this domain reaches the gateway."),
    "DKIM": lazy("The record is in DNS and matches the key that signs."),
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
        return Finding(title, OK, _("OK"), log, meaning=meaning)
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
        meaning = _("Mail for this domain bypasses the gateway: it is not filtered.")
        todo = _("Replace the domain's MX records with these. No other MX record may remain.")
    elif kind is MX_NULL:
        meaning = _("The domain accepts no mail: its MX record says so (MX 0 .), and no sender even tries.")
        todo = _("If it should receive mail, replace that record with these.")
    else:
        meaning = _("DNS does not say where mail for this domain goes, so senders cannot deliver it to the gateway.")
        todo = _("Add these MX records at the domain's DNS provider.")
    records = mx_records(name, required)
    if not records:
        todo = _("Point the domain's MX records to the gateway's mail servers, and nothing else.")
    if required and not records:
        todo += " " + _("The gateway requires: %(hosts)s.") % {"hosts": ", ".join(map(short, required[:10]))}
    if not required:
        todo += " " + _("The report does not name them: contact the gateway operator.")
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
            "DNS has a different key from the one that signs, so receivers treat the signature as forged. Compare "
            "the value: is it complete, present once, and under this name only?"
        ),
        todo=_("Replace the record with this one. The old one must go: two records with the same name are as good as none."),
        todo_elsewhere=_("Replace the record with the one on the DKIM page. The old one must go."),
        without_keys=(
            _("DNS publishes a DKIM key for this domain, but the gateway has none to sign with."),
            _("Create DKIM keys (system administrators only) and publish their record, or remove the old one from DNS."),
        ),
    )


def _dkim_missing(failed: Finding, name: str, keys: Sequence[dkim.Record] | None) -> Finding:
    return _dkim(
        failed,
        name,
        keys,
        meaning=_("Not in DNS yet. After publishing, it can take from minutes to a day to be visible everywhere."),
        todo=_("Add this TXT record at the domain's DNS provider."),
        todo_elsewhere=_("Publish the record shown on the DKIM page."),
        without_keys=(
            _(
                "Outgoing mail of this domain is not signed. Signing is optional, but unsigned mail is more often "
                "classed as spam."
            ),
            _("Create DKIM keys (system administrators only), then publish their record."),
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
    page, page_name = "domain-dkim", _("DKIM for this domain")
    return replace(failed, meaning=meaning, todo=todo, records=records, page=page, page_name=page_name)


def _relay(failed: Finding, test: HealthResult) -> Finding:
    todo = _("Check the relay's name, port and encryption, and whether its firewall lets the gateway in.")
    page, page_name = "domain-relays", _("Relays for this domain")
    return replace(failed, meaning=reason(test.output or ()), todo=todo, page=page, page_name=page_name)


def _unchecked(failed: Finding, records: list[Record]) -> Finding:
    """Nothing is known; `records` have to be there, whatever is."""
    meaning = _("The gateway could not check this, so it may be right or wrong.")
    todo = _("Run the health check again in a few minutes. If nothing changes, contact the gateway operator.")
    return replace(failed, meaning=meaning, todo=todo, records=records)


def _new_to_us(failed: Finding, test: HealthResult, about: str) -> Finding:
    meaning = _("The gateway reports “%(code)s”, a result that this dashboard does not know yet.") % {
        "code": short(test.result or "?")
    }
    if _of_relay(test, about):
        meaning += " " + reason(test.output or ())
    return replace(failed, meaning=meaning, todo=_("Check what the gateway saw, and contact its operator."))


def in_dns(test: HealthResult) -> list[str]:
    """What the gateway found in DNS: its lines `Found: …`, a host, or the value of a record."""
    lines = (line[:LONGEST_LINE].partition(":") for line in (test.output or ())[:MOST_LINES])
    return [value.strip() or "." for word, colon, value in lines if colon and word.strip().casefold() == "found"][:MOST_FOUND]


def _takes_no_mail(test: HealthResult) -> bool:
    """Is a null MX (RFC 7505) all that there is? The root is written as a dot, or as nothing."""
    lines = [line[:LONGEST_LINE] for line in (test.output or ())[:MOST_LINES]]
    if hosts := in_dns(test):
        return all(re.fullmatch(r"(?:.*\bMX\s+)?(?:\d{1,5}\s+)?\.", host, re.IGNORECASE) for host in hosts)
    return any(re.search(r"\bnull[ -]?MX\b|\bMX\s+\d{1,5}\s+\.(?:\s|$)", line, re.IGNORECASE) for line in lines)


def required_hosts(test: HealthResult) -> list[str]:
    """The mail servers that a test wants to find: its lines `Required: a, b`."""
    hosts = []
    for line in (test.output or ())[:MOST_LINES]:
        word, colon, rest = line[:LONGEST_LINE].partition(":")
        if colon and word.strip().casefold() == "required":
            hosts += [host.rstrip(".") for host in re.split(r"[,\s]+", rest)]
    return list(dict.fromkeys(host for host in hosts if host))[:20]


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
