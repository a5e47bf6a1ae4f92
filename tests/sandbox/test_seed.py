"""The data that the sandbox starts with, and the command that makes it."""

import base64
import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from sandbox import seed
from sandbox.models import Account, Domain, Mail, MailSource, Token, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


def test_the_four_demo_tokens_come_in_order_and_stay_the_same():
    tokens = seed.demo_tokens()
    assert list(tokens) == ["system administrator", "customer's administrator", "helpdesk (read only)", "end user"]
    assert seed.demo_tokens() == tokens
    claims = [json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")) for token in tokens.values()]
    assert [claim["authorities"] for claim in claims] == [["SYSADMIN"], ["ADMIN"], ["HELPDESK"], ["USER"]]
    assert claims[3]["sub"] == seed.ANNA
    assert all(claim["exp"] - claim["iat"] == 365 * 86400 for claim in claims)


def test_tokens_are_made_anew_when_the_key_of_the_installation_changes(settings, anna):
    old = seed.demo_tokens()["end user"]
    settings.SECRET_KEY = "another key, as long as a key should be, 50 letters"
    new = seed.demo_tokens()["end user"]
    assert new != old
    assert anna.get("/users").status_code == 401
    anna.headers["Authorization"] = f"Bearer {new}"
    assert anna.get("/users").status_code == 200


def test_seeding_again_makes_the_same_people_and_the_same_mail():
    def everything():
        return [
            list(User.objects.order_by("email").values_list("email", "firstname", "status", "language")),
            list(Mail.objects.order_by("fuglu_id").values_list("fuglu_id", "subject", "sender", "folder__path", "size")),
        ]

    before = everything()
    seed.empty()
    assert not seed.is_seeded()
    assert not any(model.objects.exists() for model in (Domain, User, Mail, MailSource, Token))
    seed.seed()
    assert seed.is_seeded()
    assert everything() == before


def test_the_quarantine_looks_fresh():
    held = Mail.objects.filter(folder__path="Quarantine")
    assert held.count() > 200
    assert not held.filter(sent_date__gt=timezone.now()).exists()
    assert not held.filter(sent_date__lt=timezone.now() - timedelta(days=22)).exists()
    assert held.filter(sent_date__gt=timezone.now() - timedelta(days=2)).count() > 10


def test_the_story_of_the_helpdesk_is_the_newest_mail_of_its_mailbox():
    newest = Mail.objects.filter(folder__user__email=seed.ANNA, folder__path="Quarantine").order_by("-sent_date").first()
    assert newest.sender == "Rheintal Papier AG <rechnung@rheintal-papier.example>"
    assert "spf=pass" in newest.headers["Authentication-Results"]
    assert "dmarc=pass" in newest.headers["Authentication-Results"]
    assert 5.0 < float(newest.headers["X-Spam-Score"]) < 6.0


def test_every_state_and_every_reason_is_there():
    assert set(Domain.objects.values_list("status", flat=True)) == {"ENABLED", "DISABLED", "PENDING", "DELETED"}
    assert set(User.objects.values_list("status", flat=True)) == {"ENABLED", "DISABLED", "PENDING"}
    reasons = {row.headers.get("X-Quarantine-Reason") for row in Mail.objects.filter(folder__path="Quarantine")}
    assert reasons == {
        None, "SPAM", "VIRUS", "ADVERT", "BLACKLISTED", "SENDER_VERIFY", "BAD_HEADERS", "BAD_ENCODING", "BAD_ATTACHMENTS",
    }
    assert Mail.objects.filter(infected=True).count() == 1
    assert Mail.objects.filter(size__gt=5_000_000).count() == 1
    assert max(len(email.partition("@")[0]) for email in User.objects.values_list("email", flat=True)) == 64


def test_all_people_live_under_reserved_names():
    names = [*Domain.objects.values_list("name", flat=True), *User.objects.values_list("email", flat=True)]
    assert not [name for name in names if not re.search(r"\.(example|test)$", name)]


def test_the_command_seeds_once_and_prints_the_tokens():
    seed.empty()
    first, second, fresh = StringIO(), StringIO(), StringIO()
    call_command("sandbox", "seed", stdout=first)
    account = Account.objects.first().pk
    call_command("sandbox", "seed", stdout=second)
    assert first.getvalue() == second.getvalue()
    assert Account.objects.first().pk == account
    assert all(token in first.getvalue() for token in seed.demo_tokens().values())
    User.objects.all().delete()
    call_command("sandbox", "seed", "--fresh", stdout=fresh)
    assert User.objects.filter(email=seed.ANNA).exists()
