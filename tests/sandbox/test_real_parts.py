"""What is real in the sandbox: keys, DNS, SMTP, and mail that is sent."""

import base64
import email
import re
import time
from email import policy
from mailbox import Maildir

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

from sandbox.models import Account, DkimKey, Mail, Platform, Policy, Token, Upload, User
from tests.sandbox import servers
from tests.sandbox.conftest import client

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
MX = "10 mx1.gateway.example."


@pytest.fixture(autouse=True)
def quick(settings, tmp_path):
    settings.SANDBOX_TIMEOUT = 0.5
    settings.SANDBOX_MAIL_DIR = tmp_path / "mail"


def pem(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public(record: str):
    return load_der_public_key(base64.b64decode(record.partition("p=")[2]))


def written(settings) -> list[email.message.EmailMessage]:
    folder = Maildir(settings.SANDBOX_MAIL_DIR, factory=None)
    return [email.message_from_bytes(folder.get_bytes(key), policy=policy.default) for key in folder.keys()]  # noqa: SIM118


# --- DKIM: addDkim, getDkim, updateDomainDkim, deleteDomainDkim


def test_a_new_key_has_2048_bits_and_stands_for_each_name_of_the_domain(sysadmin, nordwind):
    path = f"/domains/{nordwind.uid}/dkim"
    assert sysadmin.get(path).status_code == 404
    made = sysadmin.post(path)
    assert made.status_code == 201
    assert [line.split(" ")[0] for line in made.json()] == [
        f"protect._domainkey.{name}"
        for name in ("nordwind.example", "nordwind-ag.example", "nordwind-logistik.example", "nordwind.test")
    ]
    assert public(made.json()[0]).key_size == 2048
    assert sysadmin.get(path).json() == made.json()
    assert sysadmin.post(path).status_code == 400
    other = sysadmin.put(path, json={"selector": "2026"}).json()
    assert other[0].startswith("2026._domainkey.nordwind.example TXT v=DKIM1; p=")
    assert public(other[0]) != public(made.json()[0])
    assert sysadmin.delete(path).status_code == 204
    assert [sysadmin.request(method, path).status_code for method in ("GET", "PUT", "DELETE")] == [404, 404, 404]


def test_a_given_key_is_kept_and_checked_against_the_public_one(sysadmin, nordwind):
    path = f"/domains/{nordwind.uid}/dkim"
    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in "ab")
    made = sysadmin.post(path, json={"privateKey": pem(key), "selector": "own"})
    assert made.status_code == 201
    assert public(made.json()[0]).public_numbers() == key.public_key().public_numbers()
    record = made.json()[0].partition("TXT ")[2]
    for spelling in (record, record.partition("p=")[2]):
        assert sysadmin.put(path, json={"privateKey": pem(key), "publicKey": spelling}).status_code == 200
    wrong = sysadmin.put(path, json={"privateKey": pem(other), "publicKey": record})
    assert wrong.status_code == 400
    assert wrong.json()["fields"] == {"publicKey": "does not belong to the private key"}
    assert DkimKey.objects.get(domain=nordwind).selector == "own"


@pytest.mark.parametrize("body", [
    {"privateKey": "nonsense"}, {"privateKey": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"},
    {"privateKey": pem(ed25519.Ed25519PrivateKey.generate())}, {"publicKey": "MIIB"}, {"selector": "a b"}, {"selector": "ä"},
    {"selector": "x" * 64}, {"bits": 1024}, [], 5,
])
def test_what_is_no_key_is_refused_and_nothing_is_made(sysadmin, nordwind, body):
    assert sysadmin.post(f"/domains/{nordwind.uid}/dkim", json=body).status_code == 400
    assert not DkimKey.objects.filter(domain=nordwind).exists()


@pytest.mark.parametrize("modulus", [2**2047 + 1, (2**4423 - 1) * (2**4253 - 1)], ids=["of other primes", "long"])
def test_a_key_that_is_too_long_to_check_is_refused_at_once(sysadmin, nordwind, modulus):
    numbers = (0, modulus, 65537, 3, 2**4423 - 1, 2**4253 - 1, 1, 1, 1)
    parts = [element(0x02, number.to_bytes(number.bit_length() // 8 + 1)) for number in numbers]
    key = base64.b64encode(element(0x30, b"".join(parts))).decode()
    began = time.process_time()
    assert sysadmin.post(f"/domains/{nordwind.uid}/dkim", json={"privateKey": key}).status_code == 400
    assert time.process_time() - began < 1


def element(tag: int, content: bytes) -> bytes:
    """DER (X.690)."""
    return bytes([tag]) + (b"\x82" + len(content).to_bytes(2) if len(content) > 255 else bytes([len(content)])) + content


# --- DNS: runDomainDiagnostic, getDomainHealth, getHealthErrors


def diagnosed(sysadmin, domain) -> tuple[bool, dict[str, str]]:
    report = sysadmin.post(f"/domains/{domain.uid}/health").json()["report"]
    return report["status"], {entry["type"]: entry["result"] for entry in report["entries"]}


def test_a_domain_whose_mail_comes_here_and_whose_key_is_published_is_well(sysadmin, nordwind, settings):
    record = sysadmin.post(f"/domains/{nordwind.uid}/dkim").json()[0].partition("TXT ")[2]
    pieces = " ".join(f'"{record[at:at + 200]}"' for at in range(0, len(record), 200))
    known = {
        (nordwind.name, "MX"): [MX, "20 mx2.gateway.example."], (f"protect._domainkey.{nordwind.name}", "TXT"): [pieces],
    }
    with servers.dns_server(known) as settings.SANDBOX_RESOLVER:
        assert diagnosed(sysadmin, nordwind) == (True, {"MX": "OK", "DKIM": "OK"})
        others = [one["name"] for one in sysadmin.get("/health").json()]  # those of the demo's data
        sysadmin.put(f"/domains/{nordwind.uid}/dkim")
        assert diagnosed(sysadmin, nordwind) == (False, {"MX": "OK", "DKIM": "ERROR_DKIM_INVALID_COUPLE"})
    assert nordwind.name not in others
    assert sorted(one["name"] for one in sysadmin.get("/health").json()) == sorted([*others, nordwind.name])


@pytest.mark.parametrize(("records", "expected"), [
    ({}, (False, "ERROR_MX_MISSING_ENTRY")),
    ({("nordwind.example", "TXT"): ["x"]}, (False, "ERROR_MX_MISSING_ENTRY")),
    ({("nordwind.example", "MX"): ["10 mail.elsewhere.example."]}, (False, "ERROR_MX_INVALID_ENTRY")),
    ({("nordwind.example", "MX"): [MX, "20 mail.elsewhere.example."]}, (False, "ERROR_MX_INVALID_ENTRY")),
    ({("nordwind.example", "MX"): [MX]}, (True, "OK")),
])
def test_what_the_mx_records_say(sysadmin, nordwind, settings, records, expected):
    with servers.dns_server(records) as settings.SANDBOX_RESOLVER:
        ok, results = diagnosed(sysadmin, nordwind)
    assert (ok, results["MX"]) == expected
    assert results["DKIM"] == "ERROR_DKIM_MISSING_ENTRY"


def test_a_null_mx_is_found_and_names_no_host(sysadmin, nordwind, settings):
    path = f"/domains/{nordwind.uid}"
    with servers.dns_server({(nordwind.name, "MX"): ["0 ."]}) as settings.SANDBOX_RESOLVER:
        entry = sysadmin.post(f"{path}/health").json()["report"]["entries"][0]
        assert sysadmin.delete(path).status_code == 204  # its mail does not come here
    assert entry["result"] == "ERROR_MX_INVALID_ENTRY"
    assert entry["output"] == [
        "Lookup for MX entry in DNS for nordwind.example", "Found: .", "Required: mx1.gateway.example, mx2.gateway.example", "Fail",
    ]


@pytest.mark.parametrize("how", ["none", "dead", "silent", "servfail", "nonsense"])
def test_a_resolver_that_does_not_answer_is_an_error_and_never_a_false_ok(sysadmin, nordwind, settings, how):
    if how in ("none", "dead", "nonsense"):
        settings.SANDBOX_RESOLVER = {"none": "", "dead": f"127.0.0.1:{servers.free_port()}", "nonsense": "not a host"}[how]
        found = diagnosed(sysadmin, nordwind)
    else:
        with servers.dns_server({}, silent=how == "silent", rcode=2) as settings.SANDBOX_RESOLVER:
            found = diagnosed(sysadmin, nordwind)
    assert found == (False, {"MX": "ERROR", "DKIM": "ERROR"})
    assert "Fail" in sysadmin.get(f"/domains/{nordwind.uid}/health").json()["report"]["entries"][0]["output"][-1]


def test_a_domain_whose_mail_still_comes_here_is_not_stopped_unless_one_says_so(sysadmin, nordwind, settings):
    path = f"/domains/{nordwind.uid}"
    with servers.dns_server({(nordwind.name, "MX"): [MX]}) as settings.SANDBOX_RESOLVER:
        assert sysadmin.delete(path).status_code == 422
        assert sysadmin.patch(path, json={"status": "DISABLED"}).status_code == 422
        assert sysadmin.patch(path, json={"description": "x"}).status_code == 204
        assert sysadmin.delete(path, headers={"X-Ignore-MX": "1"}).status_code == 204


# --- SMTP: tryRelayConfiguration, runDiagnosticOnExistingRelay, getDiagnosticOfExistingRelay


def tried(who, host: str, port: int, **more) -> list[str]:
    body = {"transportDest": host, "transportPort": port, "authType": "local", "apiType": None, **more}
    report = who.post("/health/try-relay", json=body).json()["report"]
    assert report["status"] == all(entry["result"] == "OK" for entry in report["entries"])
    return [entry["result"] for entry in report["entries"]]


def test_a_relay_that_answers_is_well_and_the_one_in_reserve_is_asked_too(sysadmin):
    with servers.smtp_server() as (host, port, _):
        assert tried(sysadmin, host, port) == ["OK"]
        more = {"fallbackTransportDest": host, "fallbackTransportPort": servers.free_port()}
        assert tried(sysadmin, host, port, **more) == ["OK", "ERROR"]


def test_dead_silent_and_talking_something_else_are_errors(sysadmin):
    assert tried(sysadmin, "127.0.0.1", servers.free_port()) == ["ERROR"]
    for greeting in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"554 go away\r\n", b"220 x"):
        with servers.tcp_server(greeting) as port:
            assert tried(sysadmin, "127.0.0.1", port) == ["ERROR"]
    for port in (0, 70000):
        assert tried(sysadmin, "127.0.0.1", port) == ["ERROR"]


@pytest.mark.parametrize("host", ["192.0.2.1", "mx.nordwind.example", "", "::2", "10.0.0.1", "a" * 300])
def test_nothing_but_loopback_is_connected_to_unless_allowed(sysadmin, host):
    body = {"transportDest": host, "transportPort": 25, "authType": "local", "apiType": None}
    entry = sysadmin.post("/health/try-relay", json=body).json()["report"]["entries"][0]
    assert entry["result"] == "ERROR"
    assert "loopback only" in entry["output"][-1]


def test_an_existing_relay_keeps_its_last_diagnostic(sysadmin, nordwind):
    platform = Platform.objects.filter(domain=nordwind).first()
    path = f"/platforms/{platform.uid}/health"
    assert sysadmin.get(path).json()["report"]["status"] is False
    with servers.smtp_server() as (host, port, _):
        Platform.objects.filter(pk=platform.pk).update(transport_dest=host, transport_port=port)
        assert sysadmin.post(path).json()["report"]["status"] is True
        Platform.objects.filter(pk=platform.pk).update(transport_type="SMTPS_ENCRYPT")
        assert sysadmin.post(path).json()["report"]["entries"][0]["output"][-1] == "Fail: the relay offers no TLS"
        Platform.objects.filter(pk=platform.pk).update(transport_type="SMTPS_MAY")
        assert sysadmin.post(path).json()["report"]["status"] is True
    assert sysadmin.get(path).json()["report"]["status"] is True


# --- Mail: uploadAttachment, downloadAttachment, deleteAttachment, sendEmail, releaseEmail, executeTask, getTemporaryAuthToken


def upload(who, name="Offerte ü.pdf", data=b"%PDF", kind="application/pdf"):
    answer = who.post("/emails/attachments", files={"file": (name, data, kind)})
    assert answer.status_code == 200
    return answer.json()


def test_an_uploaded_file_is_its_owners_alone(anna, sysadmin, admin):
    file = upload(anna)
    assert (file["name"], file["type"], file["size"]) == ("Offerte ü.pdf", "application/pdf", 4)
    assert anna.get(file["uri"]).content == b"%PDF"
    assert [who.get(file["uri"]).status_code for who in (sysadmin, admin)] == [404, 404]
    assert admin.delete(file["uri"]).status_code == 404
    assert anna.delete(file["uri"]).status_code == 204
    assert anna.get(file["uri"]).status_code == 404


@pytest.mark.parametrize("call", [
    {"json": {}}, {"data": {"file": "a"}}, {"files": {"other": b"a"}}, {"files": [("file", b"a"), ("file", b"b")]},
    {"files": {"file": b"a"}, "data": {"more": "x"}}, {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
    {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
])
def test_what_is_no_upload_is_refused(anna, call):
    assert anna.post("/emails/attachments", **call).status_code == 400
    assert not Upload.objects.exists()


def test_a_hostile_file_name_names_no_place(anna):
    assert upload(anna, name="../../etc/passwd")["name"] == "passwd"


def test_sent_mail_is_a_correct_message_with_its_files_which_are_gone_then(anna, keller, settings):
    User.objects.filter(pk=keller.pk).update(signature="<i>Anna</i>")
    files = [upload(anna), upload(anna, "x.eml", b"From: x\r\n\r\nx", "message/rfc822")]
    body = {
        "to": ["Beat <beat@partner.example>"], "cc": ["c@partner.example"], "bcc": ["secret@partner.example"],
        "subject": "Grüße – 50 €", "body": "<p>Hallo <b>Beat</b></p><script>x()</script>", "ack": True, "important": True,
        "attachments": [{"name": "Angebot.pdf", "uid": files[0]["uid"]}, {"name": "x.eml", "uid": files[1]["uid"]}],
    }
    with servers.smtp_server() as (host, port, inbox):
        settings.SANDBOX_SMTP = f"{host}:{port}"
        answer = anna.post(f"/users/{keller.email}/emails/send", json=body)
    assert (answer.status_code, answer.content) == (200, b"")
    [(sender, recipients, raw)] = inbox.taken
    assert (sender, recipients) == (keller.email, ["beat@partner.example", "c@partner.example", "secret@partner.example"])
    message = email.message_from_bytes(raw, policy=policy.default)
    assert message.defects == []
    assert b"secret@" not in raw
    assert (message["From"], message["To"], message["Cc"], message["Subject"]) == (
        f"Anna Keller <{keller.email}>", "beat@partner.example", "c@partner.example", "Grüße – 50 €",
    )
    assert message["Message-ID"]
    assert message["Date"].datetime
    assert (message["Importance"], message["Disposition-Notification-To"]) == ("high", keller.email)
    assert message.get_body(("plain",)).get_content().split() == ["Hallo", "Beat", "Anna"]
    assert "<i>Anna</i>" in message.get_body(("html",)).get_content()
    assert [(part.get_filename(), part.get_content_type()) for part in message.iter_attachments()] == [
        ("Angebot.pdf", "application/pdf"), ("x.eml", "application/octet-stream"),
    ]
    assert next(message.iter_attachments()).get_content() == b"%PDF"
    assert not Upload.objects.exists()
    sent = anna.get(f"/users/{keller.uid}/emails/Sent", params={"subject": "grüsse"}).json()
    assert [(line["subject"], line["bcc"]) for line in sent] == [("Grüße – 50 €", ["secret@partner.example"])]


def test_an_answer_refers_to_its_mail_and_marks_it_answered(anna, keller, settings):
    origin = Mail.objects.filter(folder__user=keller, folder__path="INBOX")[0]
    body = {"to": ["x@partner.example"], "originId": origin.message_id, "body": "ok"}
    assert anna.post(f"/users/{keller.uid}/emails/send", json=body).status_code == 200
    [message] = written(settings)
    assert message["In-Reply-To"] == f"<{origin.message_id}>"
    assert message["Delivered-To"] == "x@partner.example"
    assert Mail.objects.get(pk=origin.pk).answered


@pytest.mark.parametrize("body", [
    {}, {"to": []}, {"to": ["nobody"]}, {"to": ["a@b.example\r\nBcc: x@y.example"]},
    {"to": ["a@b.example"], "subject": "x\r\nBcc: y"},
    {"to": ["a@b.example"], "attachments": [{"name": "x", "uid": "unknown"}]}, {"to": "a@b.example"},
    {"to": ["a@b.example"], "more": 1}, {"to": ["ü@b.example"]}, {"to": ["a@b.example"], "attachments": [{"uid": "x"}]},
])
def test_what_cannot_be_sent_is_refused_and_nothing_is_sent(anna, keller, settings, body):
    assert anna.post(f"/users/{keller.uid}/emails/send", json=body).status_code == 400
    assert not settings.SANDBOX_MAIL_DIR.exists()


def test_a_relay_that_refuses_leaves_the_files_to_try_again(anna, keller, settings):
    file = upload(anna)
    body = {"to": ["gone@partner.example"], "attachments": [{"name": "a", "uid": file["uid"]}]}
    with servers.smtp_server() as (host, port, inbox):
        settings.SANDBOX_SMTP = f"{host}:{port}"
        inbox.refused.add("gone@partner.example")
        assert anna.post(f"/users/{keller.uid}/emails/send", json=body).status_code == 400
    assert anna.post(f"/users/{keller.uid}/emails/send", json=body).status_code == 400  # nobody listens any more
    assert anna.get(file["uri"]).status_code == 200


def test_one_sends_as_oneself_only(admin, sysadmin, keller):
    body = {"to": ["a@b.example"]}
    assert [who.post(f"/users/{keller.uid}/emails/send", json=body).status_code for who in (admin, sysadmin)] == [403, 403]


def test_a_released_mail_is_handed_over_without_its_tag(anna, box, keller, settings):
    row = Mail.objects.filter(folder__user=keller, folder__path="Quarantine", subject__startswith="[SPAM]", infected=False)[0]
    assert anna.post(f"{box}/{row.fuglu_id}/release").status_code == 204
    [message] = written(settings)
    assert message["Delivered-To"] == "anna.keller@nordwind.example"
    assert not message["Subject"].startswith("[SPAM]")


def test_a_mail_that_cannot_be_handed_over_stays_held(anna, box, settings):
    row = Mail.objects.filter(folder__path="Quarantine", folder__user__email="anna.keller@nordwind.example", infected=False)[0]
    settings.SANDBOX_SMTP = f"127.0.0.1:{servers.free_port()}"
    assert anna.post(f"{box}/{row.fuglu_id}/release").status_code == 400
    assert anna.get(f"{box}/{row.fuglu_id}").status_code == 200


@pytest.mark.parametrize("command", ["send_welcome_mail", "send_token_mail", "send_password_reset_mail"])
def test_the_link_in_the_mail_has_a_token_that_works(admin, keller, settings, command):
    answer = admin.post("/tasks", json={"command": command, "params": {"recipient": keller.email}})
    assert (answer.status_code, answer.content) == (202, b"")
    [message] = written(settings)
    assert message["To"] == keller.email
    url = re.search(r"https?://\S+", message.get_content())[0]
    assert url.startswith(settings.SANDBOX_APP_URL)
    who = client(url.partition("/sign-in/link/?token=")[2])
    assert [row["email"] for row in who.get("/users").json()] == [keller.email]


@pytest.mark.parametrize(("status", "task"), [
    (400, {"command": "dance", "params": {}}), (400, {"command": "send_token_mail"}),
    (400, {"command": "send_token_mail", "params": {}}),
    (400, {"command": "send_token_mail", "params": {"recipient": "a@b.example", "validity": 0}}),
    (400, {"command": "send_welcome_mail", "params": {"recipient": "a@b.example", "validity": 4}}),
    (422, {"command": "send_token_mail", "params": {"recipient": "nobody@nordwind.example"}}),
    (422, {"command": "send_token_mail", "params": {"recipient": "lea.amsler@alpenmilch.example"}}),
    (422, {"command": "remediate_message", "params": {"recipient": "anna.keller@nordwind.example", "id": "x"}}),
])
def test_a_task_that_is_not_valid_is_refused(admin, settings, status, task):
    assert admin.post("/tasks", json=task).status_code == status
    assert not settings.SANDBOX_MAIL_DIR.exists()


def test_a_task_is_taken_also_when_the_relay_is_gone(admin, keller, settings):
    settings.SANDBOX_SMTP = f"127.0.0.1:{servers.free_port()}"
    task = {"command": "send_token_mail", "params": {"recipient": keller.email}}
    assert admin.post("/tasks", json=task).status_code == 202


def test_a_mail_can_be_reported_and_taken_back(admin, keller, settings):
    row = Mail.objects.filter(folder__user=keller, folder__path="INBOX")[0]
    for command in ("send_spamfight_spam_mail", "send_spamfight_clean_mail", "remediate_message"):
        task = {"command": command, "params": {"recipient": keller.email, "id": row.message_id}}
        assert admin.post("/tasks", json=task).status_code == 202
    assert len(written(settings)) == 2
    assert Mail.objects.get(pk=row.pk).folder.path == "Quarantine"


def test_a_temporary_token_is_for_oneself_or_by_impersonation_and_ends(anna, admin, helpdesk, keller):
    answer = anna.get("/token")
    assert answer.status_code == 202
    found = answer.json()
    assert found["url"].endswith(f"/sign-in/link/?token={found['token']}")
    assert client(found["token"]).get(f"/users/{keller.uid}").status_code == 200
    Token.objects.filter(temporary=True).update(expiration="2026-01-01T00:00Z")
    assert client(found["token"]).get("/users").status_code == 401
    assert admin.get("/token", params={"username": keller.email, "validity": "1"}).status_code == 202
    assert helpdesk.get("/token", params={"username": keller.email}).status_code == 403
    assert admin.get("/token", params={"username": "lea.amsler@alpenmilch.example"}).status_code == 404
    assert admin.get("/token", params={"username": keller.email, "validity": "0"}).status_code == 400
    Policy.objects.update(quarantine=False, retention=False, archive=False)
    assert admin.get("/token", params={"username": keller.email}).status_code == 400


def test_nobody_becomes_somebody_who_may_do_more(account, nordwind):
    small = account("small@nordwind.example", "DOMAIN", nordwind.pk, ("USER_VIEW", "IMPERSONATE"))
    assert small.get("/token", params={"username": "julia.brandt@nordwind.example"}).status_code == 403
    assert small.get("/token", params={"username": "anna.keller@nordwind.example"}).status_code == 202


def test_a_token_for_a_mailbox_whose_address_is_somebodys_login_is_the_mailboxs_own(sysadmin, account, nordwind):
    account("boss@nordwind.example", sysadmin=True)
    made = {"email": "boss@nordwind.example", "status": "ENABLED", "domainId": nordwind.uid}
    assert sysadmin.post("/users", json=made).status_code == 201
    secret = sysadmin.get("/token", params={"username": "boss@nordwind.example"}).json()["token"]
    assert len(client(secret).get("/users").json()) == 1


@pytest.mark.parametrize("off", ["user", "account", "domain"])
def test_nobody_is_sent_a_link_that_would_not_let_them_in(admin, sysadmin, keller, settings, off):
    if off == "user":
        admin.patch(f"/users/{keller.uid}", json={"status": "DISABLED"})
    elif off == "account":
        Account.objects.filter(user=keller).update(enabled=False)
    else:
        assert sysadmin.delete(f"/domains/{keller.domain.uid}").status_code == 204
    for command in ("send_welcome_mail", "send_token_mail", "send_password_reset_mail"):
        answer = sysadmin.post("/tasks", json={"command": command, "params": {"recipient": keller.email}})
        assert (answer.status_code, answer.json()["fields"]) == (422, {"recipient": "a link would not let in"})
    assert sysadmin.get("/token", params={"username": keller.email}).status_code in (400, 403)
    assert not settings.SANDBOX_MAIL_DIR.exists()
