"""Why a server could not be used: what mail servers and libraries write, read by what it means."""

import pytest

from portal.meaning.reasons import reason

HELO, REVERSE, LISTED, GREY = "introduces itself (HELO)", "reverse DNS", "block list", "greylisting"
RELAY, NULL, FULL, NOBODY, SENDER, BUSY = (
    "relaying denied", "accepts no mail: its MX", "is full", "does not know the test recipient", "refuses the test sender", "is overloaded",
)
TLS_FIRST, REFUSED, SIGN_IN = "requires encryption", "refuses the account", "requires the gateway to sign in"
CLIENT, NONE, EXPIRED, OTHER_NAME, UNKNOWN, CERTIFICATE = (
    "requires a certificate from the gateway", "has no certificate", "it has expired, or is not valid yet", "it is for a different name",
    "trusted: it is not signed by a known authority", "is for another name, or is not signed",
)
NO_TLS, NOT_TLS, VERSION, CIPHER = "offers no encryption", "might not be the one for TLS", "no TLS version in common", "cannot agree on encryption"
NOTHING, SILENT, NO_NAME, NO_WAY, NO_MAIL, CLOSED = (
    "nothing listens", "No answer came", "No server is known", "no route to this server", "not like a mail server", "closed it immediately",
)
LATER, REFUSES = "asks the gateway to try later", "answers, but refuses"


@pytest.mark.parametrize(("line", "said"), [
    ("450 4.7.1 <mx1.gateway.example>: Helo command rejected: Host not found", HELO),
    ("504 5.5.2 <gateway>: Helo command rejected: need fully-qualified hostname", HELO),
    ("550 Invalid HELO name (See RFC2821 4.1.1.1)", HELO),
    ("SMTPHeloError: (501, b'Syntactically invalid HELO argument(s)')", HELO),
    ("550 5.7.1 Client host rejected: cannot find your reverse hostname, [198.51.100.7]", REVERSE),
    ("550 5.7.25 The IP address sending this message does not have a PTR record setup", REVERSE),
    ("554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org", LISTED),
    ("550 5.7.606 Access denied, banned sending IP [198.51.100.7]", LISTED),
    ("450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help", GREY),
    ("451 4.7.1 Graylisting in action, please come back later", GREY),
    ("554 5.7.1 <a@b.example>: Relay access denied", RELAY),
    ("550 5.7.64 TenantAttribution; Relay Access Denied", RELAY),
    ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", RELAY),
    ("550 relay not permitted", RELAY),
    ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", RELAY),
    ("556 5.1.10 Recipient address has null MX", NULL),
    ("552 5.2.2 The email account that you tried to reach is over quota", FULL),
    ("452 4.3.1 Insufficient system storage", FULL),
    ("452 4.2.2 Mailbox full", FULL),
    ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table", NOBODY),
    ("550 No such user here", NOBODY),
    ("553 5.1.8 <x@gateway.example>: Sender address rejected: Domain not found", SENDER),
    ("550 5.7.23 The message was rejected because of Sender Policy Framework violation", SENDER),
    ("421 4.7.0 Too many connections from your host", BUSY),
    ("451 4.3.2 System not accepting network messages", BUSY),
    ("530 5.7.0 Must issue a STARTTLS command first", TLS_FIRST),
    ("454 4.7.0 TLS required", TLS_FIRST),
    ("535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", REFUSED),
    ("535 5.7.139 Authentication unsuccessful, the request did not meet the criteria", REFUSED),
    ("imaplib.error: b'[AUTHENTICATIONFAILED] Invalid credentials (Failure)'", REFUSED),
    ("LDAP: error code 49 - 80090308: LdapErr: DSID-0C090447, AcceptSecurityContext error, data 52e", REFUSED),
    ("530 5.7.1 Authentication required", SIGN_IN),
    ("550 5.7.1 Client was not authenticated", SIGN_IN),
    ("SSLError: tlsv13 alert certificate required", CLIENT),
    ("Error: peer did not return a certificate", CLIENT),
    ("Fail: certificate of the domain missing", NONE),
    ("Error: no peer certificate available", NONE),
    ("Fail: the certificate for mail.example is missing", NONE),
    ("SSLCertVerificationError: certificate verify failed: certificate has expired (_ssl.c:1006)", EXPIRED),
    ("Error: CERT_HAS_EXPIRED", EXPIRED),
    ("Fail: certificate is not yet valid", EXPIRED),
    ("certificate verify failed: Hostname mismatch, certificate is not valid for 'mail.example'. (_ssl.c:1006)", OTHER_NAME),
    ("javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching mail.example found", OTHER_NAME),
    ("ERR_TLS_CERT_ALTNAME_INVALID: Hostname/IP does not match certificate's altnames", OTHER_NAME),
    ("certificate verify failed: self-signed certificate (_ssl.c:1006)", UNKNOWN),
    ("certificate verify failed: unable to get local issuer certificate", UNKNOWN),
    ("SSLHandshakeException: PKIX path building failed: unable to find valid certification path to requested target", UNKNOWN),
    ("Fail: certificate revoked", CERTIFICATE),
    ("Fail: the relay offers no TLS", NO_TLS),
    ("SMTPNotSupportedError: STARTTLS extension not supported by server.", NO_TLS),
    ("502 5.5.1 STARTTLS is not available", NO_TLS),
    ("454 4.7.0 TLS not available due to local problem", NO_TLS),
    ("SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", NOT_TLS),
    ("SSLError: [SSL] record layer failure", NOT_TLS),
    ("SSLError: [SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1006)", VERSION),
    ("SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version", VERSION),
    ("SSLHandshakeException: No appropriate protocol (protocol is disabled or cipher suites are inappropriate)", VERSION),
    ("SSLHandshakeException: Server chose TLSv1, but that protocol version is not enabled or not supported by the client.", VERSION),
    ("Error: TLS version 1.0 is not supported", VERSION),
    ("SSLError: [SSL: NO_SHARED_CIPHER] no shared cipher", CIPHER),
    ("SSLError: [SSL: DH_KEY_TOO_SMALL] dh key too small", CIPHER),
    ("SSLError: [SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure", CIPHER),
    ("ConnectionRefusedError: [Errno 111] Connection refused", NOTHING),
    ("TimeoutError: timed out", SILENT),
    ("gaierror: [Errno -2] Name or service not known", NO_NAME),
    ("Fail: Host mail.example not found: 3(NXDOMAIN)", NO_NAME),
    ("OSError: [Errno 113] No route to host", NO_WAY),
    ("SMTPConnectError: (-1, b'')", NO_MAIL),
    ("SMTPServerDisconnected: Connection unexpectedly closed", CLOSED),
    ("450 4.7.1 Try again later", LATER),
    ("421 4.3.0 Service not available, closing transmission channel", LATER),
    ("SMTPConnectError: (554, b'go away')", REFUSES),
    ("550 5.7.1 Access denied", REFUSES),
])
def test_an_answer_is_read_by_what_it_means(line: str, said: str) -> None:
    for log in ([line], ["Connecting to mail.quota.example:25", f"Fail: {line}"], ["220 mail.example ESMTP", line, "Fail"], [line, "QUIT", "221 Bye"]):
        assert said in reason(log), log


def test_what_was_tried_is_not_the_reason() -> None:
    assert "The gateway says: “Fail: the moon is full”" in reason(["Connecting to helo-rejected.timeout.example:465", "Fail: the moon is full"])
    assert "does not say why" in reason([])


@pytest.mark.parametrize("text", ["relay " * 4000, "certificate " * 4000, "name " * 4000, "5" * 20_000, "helo " * 4000, "(" * 20_000])
def test_a_log_without_an_end_is_read(text: str) -> None:
    assert reason([text, "fail " + text])
