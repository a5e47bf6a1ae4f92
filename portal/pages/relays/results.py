"""What a diagnostic found, in plain words."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _, gettext_noop

from portal.api.health import EntityHealth, HealthRecord, HealthResult, TriedRelay

TESTS = {"SMTP": gettext_noop("Mail server"), "SMTP_FALLBACK": gettext_noop("Fallback")}
# What the lines of a failed test tell, the first that fits. They come from mail servers and libraries, mostly in English.
REASONS = (
    (
        r"\b(?:535|5\.7\.8)\b|authenticat\w+ (?:failed|unsuccessful|required)|(?:login|bind|logon) failed|invalid credentials",
        gettext_noop("The server refuses the account or its password."),
    ),
    (
        r"certificate|CERTIFICATE_VERIFY_FAILED|self.signed|hostname mismatch",
        gettext_noop("The server's certificate is not trusted: it has run out, is for another name, or nobody known signed it."),
    ),
    (
        r"no (?:start)?tls|(?:start)?tls (?:is )?not (?:supported|offered|available)|starttls extension not",
        gettext_noop("The server offers no encryption on this port."),
    ),
    (
        r"wrong.version.number|\bssl\b|handshake|unknown protocol",
        gettext_noop("The encryption could not be set up: this port may not be the one for TLS."),
    ),
    (
        r"connection (?:was )?refused|ECONNREFUSED|WinError 10061",
        gettext_noop("The server refuses the connection: nothing listens on this port, or a firewall keeps the gateway out."),
    ),
    (
        r"timed.?out|time.?out|ETIMEDOUT",
        gettext_noop("No answer came in time: a firewall may swallow the connection, or this port is not for mail."),
    ),
    (
        r"name or service not known|nodename nor servname|getaddrinfo|gaierror|NXDOMAIN|no address|unknown host"
        r"|(?:host|name).{0,20}not (?:found|resolve)|could not (?:be )?resolve|name resolution|label (?:empty|too long)",
        gettext_noop("No server is known by this name: it may be misspelled, or missing in DNS."),
    ),
    (
        r"no route to host|(?:network|host) (?:is )?unreachable|EHOSTUNREACH|ENETUNREACH",
        gettext_noop("No way leads to this server: its address cannot be reached from the gateway."),
    ),
    (
        r"SMTPConnectError: \(-1|(?:invalid|unexpected|bad|no) (?:smtp )?(?:greeting|banner)|not an? (?:smtp|mail) server|HTTP/1",
        gettext_noop("Something answers there, but not as a mail server does."),
    ),
    (
        r"unexpectedly closed|disconnected|connection (?:reset|closed|lost)|broken pipe|ECONNRESET",
        gettext_noop("The server took the connection and closed it at once: it may not accept this gateway, or not speak SMTP."),
    ),
    (
        r"answered [45]\d\d\b|\([45]\d\d,|^\W*[45]\d\d[ -]",
        gettext_noop("The mail server answers, but refuses to talk to the gateway."),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One test: what was tested, how it went, and the gateway's own lines about it."""

    what: str
    ok: bool
    text: str
    lines: list[str]


@dataclass(frozen=True)
class Told:
    """A diagnostic: `ok` is the gateway's verdict, None where it gave none; `at` is when it ran, where that is known."""

    ok: bool | None
    text: str
    at: datetime | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def just_now(self) -> bool:
        """Also for a time to come: the gateway's clock may be ahead of ours."""
        return self.at is not None and self.at > datetime.now(UTC) - timedelta(minutes=1)


def tell(health: EntityHealth | TriedRelay) -> Told:
    """An EntityHealth, or what TRY_RELAY answers, in words."""
    report = health.report
    if report is None and isinstance(health, TriedRelay):
        report = HealthRecord(status=health.status, entries=health.entries)
    findings = [_finding(one) for one in (report and report.entries) or ()]
    ok = report.status if report and report.status is not None else (all(one.ok for one in findings) if findings else None)
    text = _("It works.") if ok else _("The gateway gave no result.") if ok is None else _("It does not work.")
    return Told(ok, text, _moment(health.performedAt), findings)


def too_long() -> Told:
    """No answer within the time that we wait."""
    return Told(
        None,
        _(
            "The test took too long, so its result is not known. It often does where nothing answers: "
            "look at the host and the port, then try again in a minute."
        ),
    )


def _finding(test: HealthResult) -> Finding:
    ok = test.result == "OK"
    kind = test.type or ""
    what = _(TESTS[kind]) if kind in TESTS else kind or _("Test")
    lines = test.output or []
    return Finding(what, ok, _("The server answers as it should.") if ok else _reason("\n".join(lines)), lines)


def _reason(output: str) -> str:
    """Why a test failed; where we do not know the words, those that the gateway ended with.

    The lines before tell what was tried, with a host name in them that may look like anything.
    """
    lines = [line.strip()[:2000] for line in output[-20_000:].split("\n") if line.strip()]
    last = lines[-1] if lines else ""
    said = "\n".join(line for line in lines if re.search("fail|error|exception", line, re.IGNORECASE)) or last
    for pattern, text in REASONS:
        if re.search(pattern, said, re.IGNORECASE | re.MULTILINE):
            return _(text)
    last = last[:300]
    if not last:
        return _("It failed, and the gateway does not say why.")
    return _("It failed. The gateway says: “%(line)s”") % {"line": last}


def _moment(seconds: int | None) -> datetime | None:
    """Health alone counts in seconds (conventions.md, gap 11)."""
    try:
        found = datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
    except (ValueError, OverflowError, OSError):
        return None
    return found if found and 1 < found.year < 9999 else None
