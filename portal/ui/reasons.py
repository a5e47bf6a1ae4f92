"""Why a server could not be used, as the log of a diagnostic tells it. The lines are hostile text."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _, gettext_noop as noop

# What the lines of a failed test tell, the first that fits. They come from mail servers and libraries, mostly in English.
REASONS = (
    (
        r"\b(?:535|5\.7\.8)\b|authenticat\w+ (?:failed|unsuccessful|required)|(?:login|bind|logon) failed|invalid credentials",
        noop("The server refuses the account or its password."),
    ),
    (
        r"certificate|CERTIFICATE_VERIFY_FAILED|self.signed|hostname mismatch",
        noop("The server's certificate is not trusted: it has run out, is for another name, or nobody known signed it."),
    ),
    (
        r"no (?:start)?tls|(?:start)?tls (?:is )?not (?:supported|offered|available)|starttls extension not",
        noop("The server offers no encryption on this port."),
    ),
    (
        r"wrong.version.number|\bssl\b|handshake|unknown protocol",
        noop("The encryption could not be set up: this port may not be the one for TLS."),
    ),
    (
        r"connection (?:was )?refused|ECONNREFUSED|WinError 10061",
        noop("The server refuses the connection: nothing listens on this port, or a firewall keeps the gateway out."),
    ),
    (
        r"timed.?out|time.?out|ETIMEDOUT",
        noop("No answer came in time: a firewall may swallow the connection, or this port is not for mail."),
    ),
    (
        r"name or service not known|nodename nor servname|getaddrinfo|gaierror|NXDOMAIN|no address|unknown host"
        r"|(?:host|name).{0,20}not (?:found|resolve)|could not (?:be )?resolve|name resolution|label (?:empty|too long)",
        noop("No server is known by this name: it may be misspelled, or missing in DNS."),
    ),
    (
        r"no route to host|(?:network|host) (?:is )?unreachable|EHOSTUNREACH|ENETUNREACH",
        noop("No way leads to this server: its address cannot be reached from the gateway."),
    ),
    (
        r"SMTPConnectError: \(-1|(?:invalid|unexpected|bad|no) (?:smtp )?(?:greeting|banner)|not an? (?:smtp|mail) server|HTTP/1",
        noop("Something answers there, but not as a mail server does."),
    ),
    (
        r"unexpectedly closed|disconnected|connection (?:reset|closed|lost)|broken pipe|ECONNRESET",
        noop("The server took the connection and closed it at once: it may not accept this gateway, or not speak SMTP."),
    ),
    (
        r"answered [45]\d\d\b|\([45]\d\d,|^\W*[45]\d\d[ -]",
        noop("The mail server answers, but refuses to talk to the gateway."),
    ),
)  # fmt: skip


def reason(log: Sequence[str]) -> str:
    """Why a test failed; where we do not know the words, those that the gateway ended with.

    The lines before tell what was tried, with a host name in them that may look like anything.
    """
    lines = [line.strip()[:2000] for line in "\n".join(log[-200:])[-20_000:].split("\n") if line.strip()]
    last = lines[-1] if lines else ""
    said = "\n".join(line for line in lines if re.search("fail|error|exception", line, re.IGNORECASE)) or last
    for pattern, text in REASONS:
        if re.search(pattern, said, re.IGNORECASE | re.MULTILINE):
            return _(text)
    if not last:
        return _("It failed, and the gateway does not say why.")
    return _("It failed. The gateway says: “%(line)s”") % {"line": last[:300]}
