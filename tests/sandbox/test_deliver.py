"""`manage.py sandbox deliver`: messages of one's own in a mailbox of the sandbox."""

import os
import re
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from sandbox import mail, seed
from sandbox.models import Mail, Policy, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
LETTER = b"From: Eva <eva@muster.example>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nX-Spam-Flag: NO\n\nHallo \xff\x00\n"


def deliver(*words: str) -> tuple[list[list[str]], str]:
    """What was delivered, as (file, id), and what was said of the rest."""
    out, err = StringIO(), StringIO()
    try:
        call_command("sandbox", "deliver", *words, stdout=out, stderr=err, no_color=True)
    except CommandError as problem:
        err.write(str(problem))
    return [line.rsplit(" ", 1) for line in out.getvalue().splitlines()], err.getvalue()


def test_each_file_lies_in_quarantine_below_the_gateways_headers_and_its_id_is_printed(tmp_path):
    (tmp_path / "a b.eml").write_bytes(LETTER)
    (tmp_path / "b.eml").write_bytes(b"Subject: zwei\r\n\r\n2")
    files = [str(tmp_path / "a b.eml"), str(tmp_path / "b.eml")]
    before = Mail.objects.count()
    done, said = deliver("--to", seed.ANNA, *files)
    assert [name for name, _ in done] == files and said == ""
    assert Mail.objects.count() == before + 2
    row = Mail.objects.select_related("folder__user", "source").get(fuglu_id=done[0][1])
    assert (row.folder.path, row.folder.user.email, row.subject, row.sender) == (
        "Quarantine", seed.ANNA, "Grüße", "Eva <eva@muster.example>",
    )
    raw = bytes(row.source.raw)
    assert raw.endswith(LETTER)
    head = raw.removesuffix(LETTER).decode()
    assert re.match(r"X-Fuglu-ID: [0-9a-f]{32}\r\n", head)
    assert all(f"\r\n{name}: " in head for name in ("X-Spam-Score", "X-Spam-Status", "X-Virus-Status", "X-Quarantine-Reason", "Received"))
    assert "Authentication-Results" not in head  # nobody has checked anything
    assert mail.source(raw).encode("latin-1") == raw


def test_what_is_put_into_another_folder_is_ordinary_mail(tmp_path):
    (tmp_path / "a.eml").write_bytes(LETTER)
    done, _ = deliver("--to", seed.ANNA.upper(), "--folder", "INBOX/Projekte", str(tmp_path / "a.eml"))
    row = Mail.objects.select_related("folder", "source").get(fuglu_id=done[0][1])
    assert row.folder.path == "INBOX/Projekte"
    assert b"X-Quarantine-Reason" not in bytes(row.source.raw)
    assert row.headers["X-Spam-Status"].startswith("No,")


@pytest.mark.parametrize(("words", "said"), [
    (("--to", "nobody@nordwind.example"), "There is no mailbox nobody@nordwind.example."),
    (("--to", "a mailbox"), "There is no mailbox a mailbox."),
    (("--to", seed.ANNA, "--folder", "quarantine"), "has no folder quarantine. It has: INBOX, INBOX/Projekte"),
])
def test_an_unknown_mailbox_or_folder_is_said_and_nothing_is_delivered(tmp_path, words, said):
    (tmp_path / "a.eml").write_bytes(LETTER)
    before = Mail.objects.count()
    done, problem = deliver(*words, str(tmp_path / "a.eml"))
    assert done == [] and said in problem
    assert Mail.objects.count() == before


def test_files_that_cannot_be_delivered_are_named_and_the_others_are_delivered(tmp_path):
    Policy.objects.update(mail_size_limit=1)
    (tmp_path / "large.eml").write_bytes(b"x" * (1024 * 1024 + 1))
    (tmp_path / "good.eml").write_bytes(LETTER)
    names = [str(tmp_path / name) for name in ("missing.eml", "large.eml", "good.eml")]
    done, said = deliver("--to", seed.ANNA, str(tmp_path), *names, "/dev/zero")
    assert [name for name, _ in done] == [str(tmp_path / "good.eml")]
    assert said.splitlines() == [
        f"{tmp_path}: Is a directory",
        f"{names[0]}: No such file or directory",
        f"{names[1]}: larger than 1 MB, the limit of the mailbox's policy",
        "/dev/zero: larger than 1 MB, the limit of the mailbox's policy",
        "4 of 5 not delivered.",
    ]


@pytest.mark.parametrize("content", [
    b"", b"\0" * 5000, bytes(range(256)) * 40, b"no headers at all: none\nand no blank line", b"\n\n\n", b"\xff\xfe\0<\0h\0",
    b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 5000,
])
def test_any_bytes_become_a_message_that_can_be_read(tmp_path, content, sandbox_owner):
    (tmp_path / "a").write_bytes(content)
    (_, mail_id), = deliver("--to", seed.ANNA, str(tmp_path / "a"))[0]
    found = sandbox_owner.get(f"/users/{seed.ANNA}/emails/Quarantine/{mail_id}", params={"fields": "HEADERS,SOURCE"})
    assert found.status_code == 200
    assert found.json()["source"].encode("latin-1").endswith(content)


@pytest.fixture
def sandbox_owner():
    from tests.sandbox.conftest import client

    return client(seed.demo_tokens()["end user"])


def test_a_file_comes_from_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(LETTER)))
    (_, mail_id), = deliver("--to", seed.ANNA, "-")[0]
    assert bytes(Mail.objects.get(fuglu_id=mail_id).source.raw).endswith(LETTER)


def test_a_mailbox_without_a_policy_takes_messages(tmp_path):
    User.objects.filter(email=seed.ANNA).update(policy=None)
    Policy.objects.all().delete()
    (tmp_path / "a.eml").write_bytes(LETTER)
    assert deliver("--to", seed.ANNA, str(tmp_path / "a.eml"))[1] == ""


def test_the_command_prints_nothing_else_and_ends_with_1_where_something_was_left(tmp_path):
    (tmp_path / "ä\n.eml").write_bytes(LETTER)
    command = [sys.executable, "manage.py", "sandbox", "deliver", "--to", seed.ANNA]
    env = {**os.environ, "DATA_DIR": str(tmp_path / "data")}

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, name], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False)

    done = run(str(tmp_path / "ä\n.eml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\S+/ä\\n\.eml [0-9a-f]{32}\n", done.stdout)
    done = run(str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path}/none: No such file or directory\nCommandError: 1 of 1 not delivered.\n"
