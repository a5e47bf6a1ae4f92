"""Why a server could not be used, as the log of a diagnostic tells it. The lines are hostile text."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _, gettext_noop as noop

# What the lines of a failed test tell, the first that fits. They come from mail servers and libraries, mostly in English.
REASONS = (
    (
        r"(?:helo|ehlo)\b.{0,60}(?:reject|refus|invalid|not (?:found|accept|valid|exist|resolv|fully)|fqdn|qualified|syntax)"
        r"|(?:reject|invalid|bad|need).{0,30}\b(?:helo|ehlo)\b",
        noop(
            "The mail server does not accept the name by which the gateway introduces itself (HELO). Contact the "
                "gateway operator."
        ),
    ),
    (
        r"cannot find your (?:reverse )?hostname|(?:no|missing|without|invalid).{0,20}(?:reverse[ -]?dns|rdns|\bptr\b)"
        r"|reverse (?:dns|lookup|mapping)"
        r"|\b5\.7\.25\b|client host rejected: cannot find",
        noop("The mail server requires a name for the gateway's address in DNS (reverse DNS). Contact the gateway operator."),
    ),
    (
        r"spamhaus|barracuda|spamcop|sorbs|\b(?:dns)?[rd]?bl\b|black-?list|block-? ?list|deny ?list|blocked using"
        r"|listed (?:in|at|by|on)\b|banned",
        noop("The mail server refuses the gateway's address: it is on a block list."),
    ),
    (
        r"gr[ae]y-?list",
        noop(
            "The mail server delays mail from addresses it does not know (greylisting). This is normal: check again "
                "in a few minutes."
        ),
    ),
    (
        r"relay(?:ing)?\b.{0,40}(?:denied|prohibited|not (?:allowed|permitted|accepted)|refused|disabled)|unable to relay"
        r"|not (?:allowed|permitted) to relay"
        r"|(?:we|does) (?:do )?not relay|no relaying|rcpthosts|\b5\.7\.(?:54|64)\b",
        noop(
            "The mail server accepts no mail for this domain from the gateway (relaying denied). Set up the domain there."
        ),
    ),
    (
        r"null ?mx|\b5\.1\.10\b|does not accept (?:e-?)?mail|accepts no (?:e-?)?mail",
        noop("The domain accepts no mail: its MX record says so (MX 0 .)."),
    ),
    (
        r"quota|(?:mailbox|disk|storage|partition).{0,20}\bfull\b|insufficient (?:system |disk )?(?:storage|resources"
        r"|space)|out of (?:storage|space|disk)"
        r"|\b[45]\.2\.2\b|\b4\.3\.1\b|no space left",
        noop("The mail server or the mailbox is full."),
    ),
    (
        r"user unknown|unknown (?:user|recipient|mailbox)|no such (?:user|recipient|mailbox)"
        r"|recipient (?:address )?rejected|recipient.{0,20}not found"
        r"|(?:user|mailbox|recipient|account).{0,30}(?:unavailable|does ?n.t exist|not exist|disabled|inactive)|\b5\.1\.1\b",
        noop("The mail server does not know the test recipient."),
    ),
    (
        r"sender (?:address )?rejected|sender.{0,20}(?:denied|refused|not allowed|verif)|\bspf\b|\bdmarc\b|\b5\.7\.(?:23"
        r"|26)\b|\b5\.1\.[78]\b",
        noop("The mail server refuses the test sender."),
    ),
    (
        r"too many|rate.?limit|connection limit|limit exceeded|throttl|max(?:imum)? (?:number of )?connections"
        r"|\b4\.3\.2\b|server (?:is )?(?:too )?busy",
        noop("The mail server is overloaded, or has too many connections from the gateway. Check again later."),
    ),
    (
        r"must issue a starttls|starttls (?:command )?(?:first|required|is required)|(?:encryption|tls|ssl"
        r"|secure connection).{0,20}(?:is )?required"
        r"|requires (?:tls|ssl|encryption|starttls)",
        noop("The server requires encryption, but the gateway used none. Choose TLS for this relay."),
    ),
    (
        r"\b(?:535|534)\b|5\.7\.8\b|authenticat\w+ (?:failed|unsuccessful|failure|rejected|error)|AUTHENTICATIONFAILED"
        r"|auth(?:entication)?\W{0,3}failed"
        r"|(?:login|bind|logon) (?:failed|denied|incorrect)|invalid (?:credentials|user ?name|password)|(?:bad|wrong"
        r"|incorrect) (?:user ?name|password|credentials)"
        r"|\[AUTH\]|LOGIN failed|error code 49\b|(?:user ?name|password).{0,20}not accepted",
        noop("The server refuses the account or its password."),
    ),
    (
        r"\b530\b|authenticat\w* (?:is )?(?:required|needed)|auth(?:entication)? first|not authenticated"
        r"|anonymous.{0,20}(?:not allowed|disallowed|refused)",
        noop("The server requires the gateway to sign in, but no account is set."),
    ),
    (
        r"(?:did not return a|client) certificate|certificate (?:is )?required|certificate_required",
        noop("The server requires a certificate from the gateway, which presents none."),
    ),
    (
        r"\bno (?:peer |server |suitable |tls |ssl )?certificate|certificate.{0,60}\b(?:missing|not (?:found|available"
        r"|present|configured|installed))"
        r"|missing.{0,30}certificate",
        noop("The server has no certificate for its name. Install one there."),
    ),
    (
        r"certificate.{0,30}expired|expired.{0,30}certificate|cert_has_expired|not yet valid"
        r"|certificate.{0,30}out of date|notafter",
        noop("The server's certificate is not trusted: it has expired, or is not valid yet."),
    ),
    (
        r"hostname mismatch|(?:host ?name|name|certificate|altname\w*).{0,80}(?:mismatch|does ?n.t match|not match"
        r"|not valid for)|no (?:subject )?(?:alternative|matching).{0,30}name"
        r"|altname_invalid|subjectaltname|certificate.{0,30}(?:another|other|wrong|different) (?:host ?)?name",
        noop("The server's certificate is not trusted: it is for a different name from this relay's."),
    ),
    (
        r"self.?signed|issuer|unknown.?ca\b|unknown (?:certificate )?authority|untrusted|not trusted|unable to (?:get"
        r"|verify)|verify failed"
        r"|CERTIFICATE_VERIFY_FAILED|PKIX|certification path|authority (?:is )?(?:unknown|invalid)|trust anchor",
        noop("The server's certificate is not trusted: it is not signed by a known authority."),
    ),
    (
        r"certificate",
        noop("The server's certificate is not trusted: it has expired, is for another name, or is not signed by a known "
            "authority."),
    ),
    (
        r"no (?:start)?tls|(?:start)?tls (?:is )?not (?:supported|offered|available|advertised|enabled)"
        r"|starttls extension not|starttls.{0,40}(?:not|un)\w*"
        r"|\b454\b.{0,20}tls",
        noop("The server offers no encryption on this port."),
    ),
    (
        r"wrong.version.number|packet length too long|record too long|http request|plaintext connection"
        r"|first record does not look like",
        noop("Encryption could not be set up: this port might not be the one for TLS."),
    ),
    (
        r"unsupported.protocol|protocol.version|version.too.(?:low|high)|no.protocols.available|unsupported (?:ssl|tls)"
        r"|(?:ssl|tls).{0,10}version"
        r"|unsupported.{0,20}version|no appropriate protocol|tlsv?1(?:\.[01])? (?:is )?(?:not|disabled)",
        noop("The server and the gateway have no TLS version in common: one of them allows only old ones, or only new ones."),
    ),
    (
        r"no.shared.cipher|no.cipher|cipher.{0,20}(?:mismatch|suite)|handshake.failure|(?:dh|ee|ca"
        r"|rsa)?[ _]key[ _]too[ _]small|dh.key|bad.ecpoint|legacy.sigalg",
        noop("The server and the gateway cannot agree on encryption: the server's is too old or too weak."),
    ),
    (
        r"\bssl\b|handshake|unknown protocol|\btls\b.{0,30}(?:alert|error|fail)",
        noop("Encryption could not be set up: this port might not be the one for TLS."),
    ),
    (
        r"connection (?:was )?refused|ECONNREFUSED|WinError 10061|actively refused",
        noop("The server refuses the connection: nothing listens on this port, or a firewall blocks the gateway."),
    ),
    (
        r"timed.?out|time.?out|ETIMEDOUT",
        noop("No answer came in time: a firewall may be blocking the connection, or this port is not for mail."),
    ),
    (
        r"name or service not known|nodename nor servname|getaddrinfo|gaierror|NXDOMAIN|no address|unknown host|ENOTFOUND"
        r"|EAI_\w+"
        r"|(?:host|name|domain).{0,20}not (?:be )?(?:found|resolve)|could not (?:be )?resolve|name resolution"
        r"|label (?:empty|too long)",
        noop("No server is known by this name: it may be misspelled, or missing in DNS."),
    ),
    (
        r"no route to host|(?:network|host) (?:is )?unreachable|EHOSTUNREACH|ENETUNREACH",
        noop("There is no route to this server: the gateway cannot reach its address."),
    ),
    (
        r"SMTPConnectError: \(-1|(?:invalid|unexpected|bad|no) (?:smtp )?(?:greeting|banner)|not an? (?:smtp|mail) server"
        r"|HTTP/1",
        noop("Something answers there, but not like a mail server."),
    ),
    (
        r"unexpectedly closed|disconnected|connection (?:reset|closed|lost)|broken pipe|ECONNRESET",
        noop("The server accepted the connection and closed it immediately: it may reject this gateway, or not speak SMTP."),
    ),
    (
        r"\b4\d\d[ -]4\.\d\.\d\b|^\W*4\d\d[ -]|answered 4\d\d\b|\(4\d\d,|try again|temporar|service (?:not|un)available",
        noop("The mail server asks the gateway to try later. Check again in a few minutes."),
    ),
    (
        r"answered 5\d\d\b|\(5\d\d,|^\W*5\d\d[ -]|\b5\d\d[ -]5\.\d{1,3}\.\d{1,3}\b",
        noop("The mail server answers, but refuses to talk to the gateway."),
    ),
)  # fmt: skip


SAYS_WHY = re.compile(r"fail|error|exception|^\W*(?:\w{1,9}: ?)?[45]\d\d[ -]", re.IGNORECASE)
SAYS_NOTHING = re.compile(r"\W*(?:fail(?:ed|ure)?|error)?\W*", re.IGNORECASE)
TRIED = re.compile(r"\W*(?:connecting|trying|looking|lookup|resolving|checking|testing)\b", re.IGNORECASE)


def reason(log: Sequence[str]) -> str:
    """Why a test failed; where we do not know the words, those that the gateway ended with.

    The lines before tell what was tried, with a host name in them that may look like anything.
    """
    lines = [line.strip()[:2000] for line in "\n".join(log[-200:])[-20_000:].split("\n") if line.strip()]
    telling = [line for line in lines if not SAYS_NOTHING.fullmatch(line) and not TRIED.match(line)]
    said = "\n".join([line for line in telling if SAYS_WHY.search(line)] or telling or lines[-1:])
    for pattern, text in REASONS:
        if re.search(pattern, said, re.IGNORECASE | re.MULTILINE):
            return _(text)
    if not lines:
        return _("It failed, but the gateway does not say why.")
    return _("It failed. The gateway says: “%(line)s”") % {"line": lines[-1][:300]}
