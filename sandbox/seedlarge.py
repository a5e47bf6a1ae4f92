"""The data of a large gateway, for measuring: 2,000 domains, 100,000 users, 500,000 mails, 300,000 rules.

Rows go in by the ten thousand, made one after the other: memory does not grow with them. One domain, one mailbox and one list
of rules are far larger than the others, since those are where a list gets slow.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.models import Max, Model
from django.utils import timezone

from sandbox import mail
from sandbox.emails import INBOX, QUARANTINE
from sandbox.models import Broker, Customer, Domain, Folder, Mail, MailSource, Platform, Policy, SenderRule, User
from sandbox.policies import PROPS, RELAY

DOMAINS, USERS, MAILS, RULES = 2_000, 100_000, 500_000, 300_000
BIG_DOMAIN, BIG_BOX, BIG_RULES = 20_000, 20_000, 50_000  # of each, in one place
AT_ONCE = 10_000
FIRST = ("Anna", "Beat", "Claudia", "Daniel", "Elif", "François", "Greta", "Hélène", "Ivo", "Jürg", "Käthe", "Luca", "Mia")
LAST = ("Müller", "Meier", "Schmid", "Keller", "Weber", "Huber", "Favre", "Rossi", "Brunner", "Baumann", "Zürcher", "Gerber")
SUBJECTS = (
    "Ihr Paket wartet auf Sie", "Votre colis est bloqué", "Newsletter der Woche", "Oferta especial", "Mahnung", "Invoice overdue",
    "Einladung zum Webinar", "Crypto wallet", "Rabatt auf Patronen", "Vind en ny cykel",
)
Row = TypeVar("Row", bound=Model)


def seed(say: Callable[[str], Any]) -> dict[str, int]:
    """Write all of it beside the demo's data, in one transaction: the whole of it, or nothing. Once only."""
    if Broker.objects.filter(name="Large").exists():
        say("The large data is there already.")
        return counts()
    random, now = Random(7), timezone.now().replace(microsecond=0)
    with connections["sandbox"].cursor() as cursor:
        cursor.execute("PRAGMA cache_size = -200000")
    with transaction.atomic(using="sandbox"):
        broker = Broker.objects.create(name="Large")
        customers = Customer.objects.bulk_create(
            Customer(broker=broker, name=f"Customer {n:03}", created_at=now) for n in range(200)
        )
        domains = seed_domains(customers, now)
        say(f"{len(domains):,} domains")
        with without_indexes(User, SenderRule, Folder, Mail):
            users = seed_users(domains, random, now)
            say(f"{len(users):,} users")
            seed_rules(domains, users, random, now)
            say(f"{RULES:,} rules")
            seed_mails(users, random, now)
            say(f"{MAILS:,} mails")
    with connections["sandbox"].cursor() as cursor:
        cursor.execute("PRAGMA analysis_limit = 1000")
        cursor.execute("ANALYZE")
    return counts()


def counts() -> dict[str, int]:
    tables = {"domains": Domain, "users": User, "mails": Mail, "rules": SenderRule}
    return {name: model._default_manager.count() for name, model in tables.items()}


def stored(model: type[Row], rows: Iterable[Row]) -> Iterator[Row]:
    """Store rows by the many, and give them back with their keys. The ORM's bulk_create takes 45 at a time, and minutes."""
    connection = connections["sandbox"]
    fields = model._meta.concrete_fields
    names, marks = ", ".join(f'"{field.column}"' for field in fields), ", ".join("?" for _ in fields)
    first = (model._default_manager.aggregate(last=Max("pk"))["last"] or 0) + 1
    rows = iter(rows)
    while batch := list(islice(rows, AT_ONCE)):
        for row in batch:
            if row.pk is None:
                row.pk, first = first, first + 1
        values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in batch]
        with connection.cursor() as cursor:
            # Straight to SQLite: the names are those of our own models, and the values are parameters.
            cursor.connection.executemany(f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({marks})', values)  # noqa: S608
        yield from batch


@contextmanager
def without_indexes(*models: type[Model]) -> Iterator[None]:
    """Take the indexes of tables away and make them again: sorting once is far quicker than half a million insertions."""
    with connections["sandbox"].cursor() as cursor:
        tables = [model._meta.db_table for model in models]
        marks = ", ".join("%s" for _ in tables)
        known = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        cursor.execute(f"{known} AND tbl_name IN ({marks})", tables)
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _, sql in found:
            cursor.execute(sql)


def seed_domains(customers: list[Customer], now: datetime) -> list[Domain]:
    domains = list(stored(Domain, (
        Domain(
            customer=customers[n % len(customers)], name=f"company-{n:04}.example", creation_date=now - timedelta(hours=n),
            status=("ENABLED", "ENABLED", "ENABLED", "DISABLED", "PENDING")[n % 5], external_id=f"X-{n * 7919 % 10_007}",
        )
        for n in range(DOMAINS)
    )))
    flags = {"quarantine": True, "retention": False, "archive": False, "incoming": True, "outgoing": False}
    policies = stored(Policy, (
        Policy(domain=domain, name=f"Policy-{domain.name}", relay_props=RELAY, quarantine_props=PROPS["quarantine"], **flags)
        for domain in domains
    ))
    for domain, policy in zip(domains, policies, strict=True):
        domain.policy = policy
    Domain.objects.bulk_update(domains, ["policy"], batch_size=500)
    Platform.objects.bulk_create(
        Platform(domain=domain, name="Mailserver", transport_dest=f"mx.{domain.name}", default=True) for domain in domains
    )
    return domains


def seed_users(domains: list[Domain], random: Random, now: datetime) -> list[int]:
    """The keys of the users; the first ones are those of the largest domain."""

    def rows() -> Iterator[User]:
        for n in range(USERS):
            first, last = random.choice(FIRST), random.choice(LAST)
            domain = domains[0] if n < BIG_DOMAIN else domains[n % len(domains)]
            yield User(
                domain=domain, customer_id=domain.customer_id, broker_id=domain.customer.broker_id,
                email=f"user{n * 7919 % 100_003:06}.{last.lower().replace('ü', 'ue')}@{domain.name}",
                firstname=first, lastname=f"{last} {n % 997}", status=random.choices(User.Status.values, (90, 7, 3))[0],
                language=random.choice(("DE", "FR", "EN")), creation_date=now - timedelta(minutes=random.randrange(900_000)),
                last_connection_date=now - timedelta(minutes=random.randrange(90_000)) if n % 3 else None,
            )

    return [user.pk for user in stored(User, rows())]


def seed_rules(domains: list[Domain], users: list[int], random: Random, now: datetime) -> None:
    def rows() -> Iterator[SenderRule]:
        for n in range(RULES):
            kind = ("ALLOW", "BLOCK", "PROTECTED")[n % 3]
            owner: dict[str, Any]
            if n < BIG_RULES:
                owner = {"domain": domains[0]}
            elif n % 2:
                owner = {"domain": domains[n % len(domains)]}
            else:
                owner = {"user_id": users[n % len(users)]}
            yield SenderRule(
                value=f"sender{n * 7919 % 300_007:06}@partner-{n % 5_003:04}.example", type=kind,
                spf_on=True if kind == "ALLOW" else None, created_date=now - timedelta(minutes=random.randrange(500_000)),
                expire_at=now + timedelta(days=random.randrange(1, 400)) if n % 4 == 0 else None, **owner,
            )

    for _ in stored(SenderRule, rows()):
        pass


def seed_mails(users: list[int], random: Random, now: datetime) -> None:
    """Held mail: for one mailbox as much as a list must bear, for the others a few each."""
    folders = (Folder(user_id=user, path=path) for path in (QUARANTINE, INBOX) for user in users)
    boxes = [folder.pk for folder in stored(Folder, folders)][:len(users)]

    def letters() -> Iterator[tuple[Mail, bytes]]:
        for n in range(MAILS):
            yield letter(n, boxes[0] if n < BIG_BOX else boxes[1 + n % (len(boxes) - 1)], random, now)

    found = letters()
    while batch := list(islice(found, AT_ONCE)):
        rows = list(stored(Mail, (row for row, _ in batch)))
        for _ in stored(MailSource, (
            MailSource(mail_id=row.pk, raw=raw, content=BODY, find_body=BODY.casefold())
            for row, (_, raw) in zip(rows, batch, strict=True)
        )):
            pass


BODY = "Guten Tag\n\nNur heute: alles zum halben Preis. Jetzt bestellen und sparen.\n"


def letter(n: int, folder: int, random: Random, now: datetime) -> tuple[Mail, bytes]:
    """A mail and its columns, written down at once: to read 500,000 of them would take longer than all the rest."""
    subject = f"[SPAM] {random.choice(SUBJECTS)} {n * 7919 % 500_009}"
    sender = f"{random.choice(FIRST)} <offer{n % 4_001}@bulk-{n % 1_009}.example>"
    sent = now - timedelta(seconds=random.randrange(30 * 86_400))
    score = f"{5 + n % 120 / 10}"
    headers = {
        "X-Fuglu-ID": f"{random.getrandbits(128):032x}", "X-Spam-Score": score, "X-Quarantine-Reason": "SPAM",
        "Received-SPF": ("pass", "fail", "none")[n % 3], "Date": sent.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "Message-ID": f"<{n:08x}@bulk-{n % 1_009}.example>", "From": sender, "To": "recipient@company-0000.example",
        "Subject": subject, "MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    raw = ("".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n" + BODY.replace("\n", "\r\n")).encode()
    texts = {
        "fuglu_id": headers["X-Fuglu-ID"], "message_id": headers["Message-ID"][1:-1], "subject": subject, "sender": sender,
        "to": headers["To"], "cc": "", "bcc": "",
    }
    return Mail(
        folder_id=folder, received_date=sent + timedelta(seconds=4), sent_date=sent, headers=headers, attachments=[],
        size=len(raw), infected=False, important=False, **texts, **mail.searchable(**texts),
    ), raw
