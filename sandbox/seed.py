"""The data that the sandbox starts with: two customers, their people and their mail. The same every time, but for the day."""

import base64
import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from sandbox import mail, seedmail
from sandbox.auth import PERMISSIONS, READ_ONLY, digest
from sandbox.dkim import BITS, SELECTOR, pem_of, public_of
from sandbox.emails import INBOX, QUARANTINE
from sandbox.health import OTHER_KEY, entry
from sandbox.models import (
    Account,
    Broker,
    Customer,
    DkimKey,
    Domain,
    DomainAlias,
    Folder,
    Grant,
    Health,
    Mail,
    MailSource,
    OutgoingProvider,
    Platform,
    Policy,
    SenderRule,
    Token,
    User,
)
from sandbox.names import domain_of

YEAR = timedelta(days=365)
# Who the demo signs in as: login, and the word in the token. The order is that of the sign-in page.
PERSONAS = {
    "system administrator": ("operations@gateway.example", "SYSADMIN"),
    "customer's administrator": ("julia.brandt@nordwind.example", "ADMIN"),
    "helpdesk (read only)": ("helpdesk@rheintal-it.example", "HELPDESK"),
    "end user": ("anna.keller@nordwind.example", "USER"),
}
# Two more that cannot sign in, for tests: a token that is over, and one of an account that is switched off.
DEAD = {
    "expired": ("julia.brandt@nordwind.example", "ADMIN"),
    "disabled": ("former.admin@nordwind.example", "ADMIN"),
}

ANNA = "anna.keller@nordwind.example"
BUSY = "info@nordwind.example"  # more held mail than fits on three pages
EMPTY = "beat.zurbriggen@nordwind.example"  # no held mail at all
LONGEST = "maximiliana-friederike.von-und-zu-hohenstein-wartenberg-lichten1@nordwind.example"  # 64 letters before the @
HOSTILE = "nils.schroeder@nordwind.example"  # whose name is markup
IDN = str(domain_of("grüne-fracht.example"))

PEOPLE = {
    "nordwind.example": ("DE", (
        "Anna Keller", "Beat Zurbriggen", "Jürg Müller", "Ursula Brändli", "Thomas Weiß", "Käthe Großmann", "Björn Östlund",
        "Silvia Roth", "Markus Hösli", "Petra Lüthi", "Stefan Kübler", "Nadja Bär", "Reto Caduff", "Sabine Jäger",
        "Oliver Schütz", "Heidi Rüegg", "Daniel Wyss", "Claudia Nägeli", "Martin Nordwind", "Julia Brandt", "Iris Zäch",
        "Kevin Fröhlich", "Lara Süess",
    )),
    "nordwind-hafen.example": ("DA", (
        "Søren Kjær", "Mette Ågård", "Jørgen Sørensen", "Astrid Bæk", "Lærke Holm", "Bjørn Møller", "Åse Østergaard",
    )),
    IDN: ("DE", ("Greta Grün", "Paul Grün", "Mia Förster", "Emil Kröger")),
    "alpenmilch.example": ("DE", (
        "Lea Amsler", "Urs Bühler", "Vreni Käser", "Hansjörg Äschlimann", "Rahel Stöckli", "Simon Flückiger", "Monika Gämperle",
        "Peter Zgraggen", "Ruth Schönbächler", "Noah Lüscher",
    )),
    "atelier-lumiere.example": ("FR", (
        "Zoé Lefèvre", "François Gérard", "Hélène Béranger", "Noël Dubœuf", "Éloïse d'Amboise", "José Núñez",
        "Íñigo Muñoz", "Begoña Ibáñez", "Chloé Çelik",
    )),
    "alpenmilch-neu.example": ("DE", ("Flurina Caflisch",)),
    "altmilch.example": ("DE", ("Alfred Alt", "Berta Alt", "Konrad Alt")),
}
PLAIN = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "é": "e", "è": "e", "ê": "e", "ë": "e", "ï": "i",
    "î": "i", "í": "i", "ó": "o", "ú": "u", "á": "a", "ñ": "n", "ç": "c", "œ": "oe", "'": "", " ": ".",
})


def is_seeded() -> bool:
    """Is the data there? Cheap, and False also where the tables are missing."""
    try:
        return Account.objects.exists()
    except DatabaseError:
        return False


@transaction.atomic(using="sandbox")
def seed() -> None:
    """Write all of it, unless it is there."""
    if is_seeded():
        return
    random = Random(20)
    now = timezone.now().replace(microsecond=0)
    domains = seed_domains(now)
    users = seed_users(domains, now, random)
    seed_accounts(domains, users, now)
    seed_rules(domains, users, now)
    seed_mail(users, now, random)
    seed_health(domains, now)


@transaction.atomic(using="sandbox")
def empty() -> None:
    """Remove everything, for a fresh start."""
    for model in (Account, Broker, OutgoingProvider):  # all other tables hang on these
        model.objects.all().delete()


def demo_tokens() -> dict[str, str]:
    """Who the demo can be, and the token of each: the same again after every restart."""
    return {who: secret_of(who, login, authority) for who, (login, authority) in PERSONAS.items()}


def dead_tokens() -> dict[str, str]:
    """Tokens that must be refused: `expired`, and `disabled` for an account that is switched off."""
    return {who: secret_of(who, login, authority) for who, (login, authority) in DEAD.items()}


def secret_of(name: str, login: str, authority: str) -> str:
    """A seeded token. Only its hash is stored, so it is made again from the same claims and this installation's key."""
    row = Token.objects.get(name=name, account__login=login)
    made, end = (int(moment.timestamp()) for moment in (row.created_at, row.created_at + YEAR))
    secret = signed({"version": 3, "sub": login, "iat": made, "exp": end, "authorities": [authority]})
    if row.digest != digest(secret):  # SECRET_KEY has changed since: the old text is dead, this one takes its place
        row.digest = digest(secret)
        row.save(update_fields=["digest"])
    return secret


def signed(claims: dict[str, Any]) -> str:
    """A JSON Web Token. Its look is all that matters: the sandbox finds it by its hash and never reads it."""

    def encoded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    head = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{head}.{encoded(salted_hmac('sandbox.token', head, algorithm='sha256').digest())}"


def seed_accounts(domains: dict[str, Domain], users: dict[str, User], now: datetime) -> None:
    """The people of PERSONAS and DEAD, with their rights and their tokens."""
    nordwind = domains["nordwind.example"].customer
    scopes = {
        "julia.brandt@nordwind.example": PERMISSIONS,
        "helpdesk@rheintal-it.example": READ_ONLY,
        "former.admin@nordwind.example": PERMISSIONS,
    }
    accounts = {}
    for login, authority in dict.fromkeys((*PERSONAS.values(), *DEAD.values())):
        accounts[login] = Account.objects.create(
            login=login, sysadmin=authority == "SYSADMIN", enabled=login != DEAD["disabled"][0],
            user=users.get(login),
        )
        if login in scopes:
            Grant.objects.create(
                account=accounts[login], scope_type=Grant.Scope.CUSTOMER, scope_id=nordwind.pk, permissions=list(scopes[login]),
            )
    for who, (login, _) in {**PERSONAS, **DEAD}.items():
        made = now - 2 * YEAR if who == "expired" else now
        Token.objects.create(account=accounts[login], name=who, created_at=made, expiration=made + YEAR, digest=who)
    demo_tokens()  # the digests follow from the rest: asking for the tokens writes them
    dead_tokens()


def seed_domains(now: datetime) -> dict[str, Domain]:
    """Two customers of one broker, with domains in every state."""
    broker = Broker.objects.create(name="Rheintal IT")
    nordwind = Customer.objects.create(
        broker=broker, name="Nordwind Logistik AG", description="Spedition, Olten", external_id="RT-1001",
        created_at=now - 3 * YEAR,
    )
    alpenmilch = Customer.objects.create(broker=broker, name="Alpenmilch Genossenschaft", created_at=now - 2 * YEAR)
    provider = OutgoingProvider.objects.create(name="Mailversand", spf_provider="spf.mailversand.example")
    rows = (
        Domain(customer=nordwind, name="nordwind.example", description="Hauptdomain", default_language="DE",
               external_id="RT-1001-1", auto_provisioning_on=True, outgoing_subnets=["192.0.2.0/28", "198.51.100.16/29"],
               creation_date=now - 3 * YEAR),
        Domain(customer=nordwind, name="nordwind-hafen.example", description="Kontor Aarhus, geschlossen", status="DISABLED",
               default_language="DA", creation_date=now - 2 * YEAR),
        Domain(customer=nordwind, name=IDN, description="grüne-fracht.example", default_language="DE", wblist_priority="DOMAIN",
               creation_date=now - YEAR),
        Domain(customer=alpenmilch, name="alpenmilch.example", default_language="DE", external_id="am_100%",
               creation_date=now - 2 * YEAR),
        Domain(customer=alpenmilch, name="atelier-lumiere.example", description="Agence, Lausanne", default_language="FR",
               sender_verify_on=False, creation_date=now - YEAR),
        Domain(customer=alpenmilch, name="alpenmilch-neu.example", status="PENDING", default_language="DE",
               creation_date=now - timedelta(days=2)),
        Domain(customer=alpenmilch, name="altmilch.example", status="DELETED", default_language="DE",
               creation_date=now - 2 * YEAR, deletion_date=now - timedelta(days=9), purge_date=now + timedelta(days=21)),
    )
    domains = {row.name: row for row in Domain.objects.bulk_create(rows)}
    policies = [Policy(domain=row, name=f"Policy-{row.name}", **services(retention=row.customer == nordwind)) for row in rows]
    policies.append(Policy(domain=rows[0], name="Geschäftsleitung", **services(archive=True)))
    Policy.objects.bulk_create(policies)
    for row, policy in zip(rows, policies, strict=False):
        row.policy = policy
    Domain.objects.bulk_update(rows, ["policy"])
    Platform.objects.bulk_create([
        *(Platform(domain=row, name="Mailserver", transport_dest=f"mx.{row.name}", default=True) for row in rows),
        Platform(
            domain=rows[0], name="Exchange Zürich", transport_dest="exchange.nordwind.example", transport_type="SMTPS_ENCRYPT",
            transport_port=465, fallback_transport_dest="192.0.2.25", fallback_transport_type="SMTP", fallback_transport_port=25,
            auth_type="ldap", auth_data={"host": "ldap.nordwind.example", "port": 636, "use_ssl": True, "base_dn": "dc=nordwind"},
        ),
    ])
    DomainAlias.objects.bulk_create(
        DomainAlias(domain=rows[0], name=name) for name in ("nordwind-logistik.example", "nordwind.test", "nordwind-ag.example")
    )
    rows[0].outgoing_providers.add(provider)
    return domains


def seed_health(domains: dict[str, Domain], now: datetime) -> None:
    """What the last diagnostics found: each kind of failure once, and a domain that is well but for its signature."""
    for name in ("alpenmilch.example", IDN):
        private = generate_private_key(public_exponent=65537, key_size=BITS)
        halves = {"private_key": pem_of(private), "public_key": public_of(private)}
        DkimKey.objects.create(domain=domains[name], selector=SELECTOR, **halves)
    hosts = settings.SANDBOX_MX
    found = {
        "nordwind.example": (3, "OK", "ERROR_DKIM_MISSING_ENTRY"),
        "nordwind-hafen.example": (95, "ERROR_MX_MISSING_ENTRY", "ERROR_DKIM_MISSING_ENTRY"),
        IDN: (12, "ERROR_MX_INVALID_ENTRY", "OK"),
        "alpenmilch.example": (40, "OK", "ERROR_DKIM_INVALID_COUPLE"),
        "alpenmilch-neu.example": (2900, "ERROR_MX_INVALID_ENTRY", "ERROR_DKIM_MISSING_ENTRY"),
    }
    said = {
        "OK": ["Passed"],
        "ERROR_MX_MISSING_ENTRY": ["Fail: No MX entry found"],
        "ERROR_MX_INVALID_ENTRY": ["Found: mx.former-provider.example", f"Required: {', '.join(hosts)}", "Fail"],
        "ERROR_DKIM_INVALID_COUPLE": [OTHER_KEY],
    }
    for name, (minutes, mx, dkim) in found.items():
        said["ERROR_DKIM_MISSING_ENTRY"] = [f'Fail: DKIM DNS entry not found for domain "{name}" and selector "{SELECTOR}"']
        entries = [
            entry("MX", mx, f"Lookup for MX entry in DNS for {name}", *said[mx]),
            entry("DKIM", dkim, f"Lookup for dkim entry in DNS for {name}", *said[dkim]),
        ]
        ok = mx == "OK" and dkim != "ERROR_DKIM_INVALID_COUPLE"
        at = now - timedelta(minutes=minutes)
        Health.objects.create(domain=domains[name], performed_at=at, ok=ok, entries=entries)
    relay = Platform.objects.get(name="Exchange Zürich")
    refused = entry("SMTP", "ERROR", f"Connecting to {relay.transport_dest}:{relay.transport_port}", "Fail: Connection refused")
    stands_in = entry("SMTP_FALLBACK", "OK", f"Connecting to {relay.fallback_transport_dest}:25", "Passed")
    Health.objects.create(platform=relay, performed_at=now - timedelta(hours=5), ok=False, entries=[refused, stands_in])


def services(*, retention: bool = False, archive: bool = False) -> dict[str, Any]:
    """The columns of a policy that holds mail."""
    kinds = ("Spam", "Virus", "Advert", "Blacklisted", "SenderVerify", "BadHeaders", "BadEncoding", "BadAttachments")
    kept = {"storeMailOut": True, "storeCleanMailIn": True}
    return {
        "quarantine": True, "retention": retention, "archive": archive, "incoming": True, "outgoing": False,
        "mail_size_limit": 25, "spam_score": seedmail.LIMIT,
        "relay_props": {
            "relaySpam": False, "relayAdvert": False, "advertPrefix": "[WERBUNG]", "prefixSpam": "[SPAM]",
            "relayBadHeaders": False, "relayBadAttachments": False, "spamScoreLimit": 15.0,
        },
        "quarantine_props": {"duration": 31, **{f"store{kind}": True for kind in kinds}},
        "retention_props": {"duration": 14, **kept} if retention else None,
        "archive_props": {
            "duration": 120, "archiveByCopy": False, **kept, **{f"store{kind}": False for kind in kinds if kind != "Virus"},
        } if archive else None,
    }


def seed_users(domains: dict[str, Domain], now: datetime, random: Random) -> dict[str, User]:
    """Everybody in PEOPLE, and a few with a story of their own."""
    rows = []
    for name, (language, people) in PEOPLE.items():
        domain = domains[name]
        for person in people:
            first, _, last = person.partition(" ")
            rows.append(User(
                domain=domain, email=f"{person.lower().translate(PLAIN)}@{name}", firstname=first, lastname=last,
                language=language,
                status="PENDING" if domain.status == "PENDING" else random.choices(User.Status.values, (90, 7, 3))[0],
                creation_date=now - timedelta(days=random.randrange(30, 700), minutes=random.randrange(1440)),
                last_connection_date=now - timedelta(hours=random.randrange(2, 900)) if random.random() < 0.6 else None,
                mfa_type=random.choice(("TOTP", "NONE", None)),
            ))
    users = {row.email: row for row in rows}
    for email, first, last in (
        (BUSY, "", "Nordwind Info"),
        (HOSTILE, "<img src=x onerror=alert(1)>", "\"><script>alert('Schröder')</script>"),
        (LONGEST, "Maximiliana-Friederike", "von und zu Hohenstein-Wartenberg-Lichtenfels"),
        ("50%_rabatt@nordwind.example", "Rabatt", "Aktion"),  # letters that mean something to a database
    ):
        users[email] = User(
            domain=domains["nordwind.example"], email=email, firstname=first, lastname=last, language="DE",
            creation_date=now - timedelta(days=100),
        )
    for email in (ANNA, EMPTY, "martin.nordwind@nordwind.example", "julia.brandt@nordwind.example"):
        users[email].status = User.Status.ENABLED
    users["martin.nordwind@nordwind.example"].policy = Policy.objects.get(name="Geschäftsleitung")
    users["martin.nordwind@nordwind.example"].platform = Platform.objects.get(name="Exchange Zürich")
    for user in users.values():
        user.save()
    return users


def seed_rules(domains: dict[str, Domain], users: dict[str, User], now: datetime) -> None:
    nordwind, anna = domains["nordwind.example"], users[ANNA]
    made = now - timedelta(days=40)
    SenderRule.objects.bulk_create([
        SenderRule(domain=nordwind, value="zoll.example", type="ALLOW", spf_on=True, created_date=made,
                   description="Zollbehörde"),
        SenderRule(domain=nordwind, value="leads-and-more.example", type="BLOCK", created_date=made),
        SenderRule(domain=nordwind, value="martin.nordwind@nordwind.example", type="PROTECTED", created_date=made,
                   description="Geschäftsleitung: gegen CEO-Betrug"),
        SenderRule(domain=nordwind, value="messe.example", type="ALLOW", spf_on=False, created_date=made,
                   expire_at=now + timedelta(days=20), description="nur bis nach der Messe"),
        SenderRule(domain=nordwind, value="altlieferant.example", type="ALLOW", spf_on=True, created_date=made,
                   expire_at=now - timedelta(days=3), description="abgelaufen"),
        SenderRule(user=anna, value="newsletter@logistik-heute.example", type="ALLOW", spf_on=True, created_date=made),
        SenderRule(user=anna, value="lotterie.example", type="BLOCK", created_date=made, description="<b>nie wieder</b>"),
    ])


def seed_mail(users: dict[str, User], now: datetime, random: Random) -> None:
    """Folders for everybody, and what is in them."""
    folders = {}
    for user in users.values():
        for path in (INBOX, QUARANTINE, "Sent", *(["INBOX/Projekte", "INBOX/Projekte/2026"] if user.email == ANNA else [])):
            folders[user.email, path] = Folder(user=user, path=path)
    Folder.objects.bulk_create(folders.values())
    rows: list[Mail] = []
    sources: list[MailSource] = []

    def store(user: User, path: str, letter: seedmail.Letter, age: timedelta, **flags: bool) -> None:
        to = seedmail.person(f"{user.firstname} {user.lastname}".strip(), user.email).decode()
        sent = now - age
        raw = seedmail.deliver(letter, to, sent, random)
        recent = age < timedelta(days=1)
        row = Mail(folder=folders[user.email, path], recent=recent, **mail.columns(raw, sent + timedelta(seconds=4)), **flags)
        rows.append(row)
        sources.append(MailSource(mail=row, **mail.source_columns(raw)))

    def some_time() -> timedelta:
        return timedelta(minutes=random.randrange(40, 21 * 1440))

    for age, letter in seedmail.special_mail(random):
        store(users[ANNA], QUARANTINE, letter, age)
    for user in users.values():
        held = {ANNA: 0, EMPTY: 0, BUSY: 137}.get(user.email, random.randrange(1, 7))
        for _ in range(held):
            store(user, QUARANTINE, seedmail.bulk_mail(random), some_time())
        colleague = f"Kollegium {user.domain.name}", f"team@{user.domain.name}"
        for _ in range(random.randrange(1, 4)):
            store(user, INBOX, seedmail.clean_mail(random, *colleague), some_time(), seen=random.random() < 0.7)
    for path in ("INBOX/Projekte", "Sent"):
        store(users[ANNA], path, seedmail.clean_mail(random, "Anna Keller", ANNA), some_time(), seen=True, answered=True)
    Mail.objects.bulk_create(rows)
    MailSource.objects.bulk_create(sources)
