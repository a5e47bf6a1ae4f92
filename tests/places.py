"""Every address of the portal, by group: what it posts, whom it asks and what it writes. A new page is added here, and once.

The tests of all pages take them from here: every failure and every language (`tests/pages/test_every_page.py`), second clicks, secrets, a
hostile gateway, plain links and forms, and in the browser axe and the telephone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

from portal.ui.pasted import fingerprint

# The ids of `tests/answers.py`; the browser tests have those of the demo data.
IDS = {
    "user": "u1", "mail": "m1", "rule": "r1", "sender": "shop.example", "domain": "d1", "deleted": "d9", "unsigned": "unsigned",
    "domain_rule": "r1", "domain_sender": "shop.example", "policy": "p1", "other_policy": "p2", "relay": "p1", "alias": "a1", "option": "APP_COLOR",
    "admin": "a1", "batch": "4711",
}
MAIL = "/users/{user}/mail/Quarantine/{mail}/"
RELEASE = {"allow": "mailbox", "days": "30", "description": "typed by hand", "confirmed": "1"}
POLICY = {
    "name": "typed by hand", "mailSizeLimit": "21", "spamScore": "7,2", "relayProps.spamScoreLimit": "10", "incoming": "on",
}
RULE = {"days": "365", "description": "typed by hand"}
DOMAIN_TYPED = {
    "name": "nordwind.example", "description": "typed by hand", "status": "ENABLED", "defaultLanguage": "DE", "wblistPriority": "USER",
}
NEW_DOMAIN = {**DOMAIN_TYPED, "name": "neu.example", "transportType": "SMTP", "fallbackTransportType": "SMTP"}
RELAY_TYPED = {"name": "typed by hand", "transportDest": "mx.nordwind.example", "transportPort": "587", "transportType": "SMTP", "authType": "local"}
MAY_SEE = "may-" + b"MAIL_VIEW".hex()  # the switch of a permission
ACCOUNT = {"login": "petra@nordwind.example", "displayName": "Petra", "email": "petra@nordwind.example", "language": "DE"}


@dataclass(frozen=True)
class Place:
    """An address with names for its ids, what is posted to it, and whom it asks.

    `asks`: the gateway has a part in it. `panels`: what fails is told inside the page. `file`: its bytes pass through;
    `made`: it is a file of our own making.
    `writes`: the method of the one call that changes something. `target`: the id that htmx replaces, "-" for one without an id.
    `shows`: a POST that changes nothing and answers with a page. `part_of`: the page that this address leads to when it is
    opened by itself.
    """

    path: str
    post: dict[str, Any] | None = None
    asks: bool = True
    panels: bool = False
    file: bool = False
    made: bool = False
    writes: str = ""
    target: str = ""
    shows: bool = False
    part_of: str = ""

    @property
    def url(self) -> str:
        return self.at(IDS)

    def at(self, ids: Mapping[str, str]) -> str:
        return self.path.format_map(ids)

    @property
    def name(self) -> str:
        match = resolve(urlsplit(self.url).path)
        return match.url_name or match.route

    @property
    def id(self) -> str:
        return f"{'POST' if self.post is not None else 'GET'} {self.url}"

    def open(self, somebody: Client, *, fragment: bool = False) -> HttpResponse:
        headers = {}
        if fragment:
            headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/users/u1/mail/Quarantine/?subject=Rechnung"}
            headers |= {"HX-Target": self.target} if self.target != "-" else {}
        if self.post is None:
            return somebody.get(self.url, headers=headers)
        return somebody.post(self.url, {**self.post, "once": uuid4().hex}, headers=headers)  # a fresh form each time


GROUPS: dict[str, list[Place]] = {
    "people": [
        Place("/", asks=False),
        Place("/activity/", asks=False),
        Place("/account/", asks=False),
        Place("/account/", {"language": "browser", "theme": "browser", "time_zone": "Europe/Zurich", "rows": "40"}, asks=False),
        Place("/account/columns/", {"list": "users", "column": ["email", "status"], "next": "/users/"}, asks=False),
    ],
    "users": [
        Place("/mailbox/", asks=False),
        Place("/search/?q=keller", panels=True),
        Place("/search/suggestions/?q=keller", panels=True, target="suggestions", part_of="/search/?q=keller"),
        Place("/users/"),
        Place("/users/{user}/"),
        Place("/users/{user}/folders/"),
        Place("/users/{user}/panels/folders/?shown=Quarantine", target="folders", part_of="/users/u1/folders/?shown=Quarantine"),
        Place("/users/{user}/mail/", asks=False),
        Place("/users/{user}/subfolders/?path=INBOX", target="-"),
        Place("/users/{user}/mail/Quarantine/?subject=Rechnung"),
        Place("/users/{user}/panels/mail/Quarantine/?subject=R%C3%A4der", target="held", part_of="/users/u1/mail/Quarantine/?subject=R%C3%A4der"),
    ],
    "messages": [
        Place(MAIL),
        Place(f"{MAIL}reading/?view=html", target="reading", part_of="/users/u1/mail/Quarantine/m1/?view=html"),
        Place(f"{MAIL}body/"),
        Place(f"{MAIL}source/"),
        Place(f"{MAIL}attached/1/"),
        Place(f"{MAIL}attachments/", file=True),
        Place(f"{MAIL}attachments/2/?name=Rechnung.pdf", file=True),
        Place(f"{MAIL}release/?allow=mailbox"),
        Place(f"{MAIL}release/", RELEASE, writes="POST", target="reading"),
        Place(f"{MAIL}block/"),
        Place(f"{MAIL}block/", {}, writes="POST", target="reading"),
        Place("/users/{user}/rules/{rule}/?value={sender}"),
        Place("/users/{user}/rules/{rule}/?value={sender}", RULE, writes="PUT", target="-"),
        Place("/users/{user}/rules/{rule}/?value={sender}", {**RULE, "delete": "1"}, writes="DELETE", target="-"),
    ],
    "domains": [
        Place("/domains/"),
        Place("/domains/?format=csv", made=True),
        Place("/domains/?format=xlsx", made=True),
        Place("/domains/panels/counts/?status=PENDING", panels=True, target="tabs", part_of="/domains/?status=PENDING"),
        Place("/domains/health-marks/?rows=0123456789ab", panels=True, target="domain-marks"),
        Place("/domains/{domain}/"),
        Place("/domains/{domain}/setup/", target="domain-setup"),
        Place("/domains/{domain}/users/"),
        Place("/domains/{domain}/users/?format=csv", made=True),
        Place("/domains/{domain}/users/?format=gateway", file=True),
        Place("/domains/{domain}/panels/users/?email=k&page=2", target="domain-users", part_of="/domains/d1/users/?email=k&page=2"),
        Place("/domains/{domain}/rules/senders/{domain_rule}/?value={domain_sender}"),
        Place("/domains/{domain}/rules/senders/{domain_rule}/?value={domain_sender}", RULE, writes="PUT", target="-"),
        Place("/domains/{domain}/rules/senders/{domain_rule}/?value={domain_sender}", {**RULE, "delete": "1"}, writes="DELETE", target="-"),
        Place("/domains/new/", panels=True),
        Place("/domains/new/", NEW_DOMAIN, panels=True, writes="POST"),
        Place(
            "/domains/new/name/?name=M%C3%BCnchen.example", asks=False, target="name-sent", part_of="/domains/new/?name=M%C3%BCnchen.example",
        ),
        Place("/domains/{domain}/edit/"),
        Place("/domains/{domain}/edit/", DOMAIN_TYPED, writes="PATCH"),
        Place("/domains/{domain}/delete/"),
        Place("/domains/{domain}/delete/", {"name": "nordwind.example"}, writes="DELETE"),
        Place("/domains/{deleted}/restore/"),
        Place("/domains/{deleted}/restore/", {}, writes="PATCH"),
    ],
    "policies": [
        Place("/domains/{domain}/policies/"),
        Place("/domains/{domain}/panels/policies/", target="domain-policies", part_of="/domains/d1/policies/"),
        Place("/domains/{domain}/policies/new/?from={policy}"),
        Place("/domains/{domain}/policies/new/", POLICY, writes="POST"),
        Place("/domains/{domain}/policies/compare/?a={policy}&b={other_policy}"),
        Place("/policies/scale/?typed=1&spamScore=5&relayProps.spamScoreLimit=10&score=7", asks=False, target="scale"),
        Place("/policies/{policy}/"),
        Place("/policies/{policy}/", POLICY, writes="PATCH"),
        Place("/policies/{policy}/delete/"),
        Place("/policies/{policy}/delete/", {}, writes="DELETE"),
        Place("/policies/{policy}/default/", {}, writes="PATCH"),
    ],
    "relays": [
        Place("/domains/{domain}/relays/"),
        Place("/domains/{domain}/relays/new/"),
        Place("/domains/{domain}/relays/new/", RELAY_TYPED, writes="PATCH"),
        Place("/domains/{domain}/relays/{relay}/"),
        Place("/domains/{domain}/relays/{relay}/", RELAY_TYPED, writes="PATCH"),
        Place("/domains/{domain}/relays/{relay}/delete/"),
        Place("/domains/{domain}/relays/{relay}/delete/", {}, writes="PATCH"),
        Place("/domains/{domain}/relays/{relay}/health/", target="check-1"),
        Place("/domains/{domain}/relays/{relay}/health/", {}, writes="POST", target="check-1"),
        Place("/health/relay/", asks=False),
        Place("/health/relay/", {**RELAY_TYPED, "try": "1"}, panels=True, shows=True, target="tried"),
    ],
    "aliases": [
        Place("/domains/{domain}/aliases/"),
        Place("/domains/{domain}/aliases/", {"names": "new.example"}, writes="POST"),
        Place("/domains/{domain}/aliases/replace/"),
        Place("/domains/{domain}/aliases/replace/", {"names": "new.example", "against": fingerprint(["alias.example"]), "confirmed": "1"}, writes="PUT"),
        Place("/domains/{domain}/aliases/{alias}/delete/"),
        Place("/domains/{domain}/aliases/{alias}/delete/", {}, writes="DELETE"),
    ],
    "dkim": [
        Place("/domains/{domain}/dkim/"),
        Place("/domains/{domain}/dkim/check/"),
        Place("/domains/{domain}/panels/dkim-check/", target="dkim-check", part_of="/domains/d1/dkim/check/"),
        Place("/domains/{domain}/dkim/check/", {}, writes="POST", target="dkim-check"),
        Place("/domains/{domain}/dkim/check/again/", {"since": ""}, panels=True, target="dkim-check"),
        Place("/domains/{unsigned}/dkim/new/"),
        Place("/domains/{unsigned}/dkim/new/", {"source": "make"}, writes="POST"),
        Place("/domains/{domain}/dkim/replace/"),
        Place("/domains/{domain}/dkim/replace/", {"source": "make"}, writes="PUT"),
        Place("/domains/{domain}/dkim/rotate/"),
        Place("/domains/{domain}/dkim/rotate/", {"step": "prepare", "source": "make", "selector": "next"}),
        Place("/domains/{domain}/dkim/delete/"),
        Place("/domains/{domain}/dkim/delete/", {}, writes="DELETE"),
    ],
    "options": [
        Place("/domains/{domain}/options/?q=colour"),
        Place("/domains/{domain}/options/{option}/", target="row-of-the-option"),
        Place("/domains/{domain}/options/{option}/", {"value": "#00ff00"}, writes="POST"),
        Place("/domains/{domain}/options/{option}/reset/"),
        Place("/domains/{domain}/options/{option}/reset/", {}, writes="DELETE"),
        Place("/domains/{domain}/other-option/"),
        Place("/domains/{domain}/other-option/", {"name": "SECRET_OF_A_FEW", "private_value": "x"}, writes="POST"),
    ],
    "access": [
        Place("/domains/{domain}/access/"),
        Place("/domains/{domain}/access/", {MAY_SEE: "on"}, writes="PUT"),
        Place("/domains/{domain}/admins/?search=petra"),
        Place("/domains/{domain}/panels/admins/", target="domain-admins", part_of="/domains/d1/admins/"),
        Place("/domains/{domain}/add-admin/?search=petra"),
        Place("/domains/{domain}/add-admin/accounts/?search=petra", target="accounts", part_of="/domains/d1/add-admin/?search=petra"),
        Place("/domains/{domain}/add-admin/", {"account": "a2", MAY_SEE: "on"}, writes="POST"),
        Place("/domains/{domain}/new-admin/"),
        Place("/domains/{domain}/new-admin/", {**ACCOUNT, "password": "made for a test", MAY_SEE: "on"}, writes="POST"),
        Place("/domains/{domain}/admins/{admin}/"),
        Place("/domains/{domain}/admins/{admin}/", {MAY_SEE: "on"}, writes="PUT"),
        Place("/domains/{domain}/admins/{admin}/revoke/"),
        Place("/domains/{domain}/admins/{admin}/revoke/", {}, writes="DELETE"),
    ],
    "health": [
        Place("/health/"),
        Place("/health/panel/", target="home-health", part_of="/health/"),
        Place("/health/?kind=mx-missing&name=nord&page=2"),
        Place("/health/", {"type": "DOMAIN", "id": "d1"}, writes="POST", target="-"),
        Place("/health/", {"type": "PLATFORM", "id": "p1"}, writes="POST", target="-"),
        Place("/domains/{domain}/health/"),
        Place("/domains/{domain}/panels/health/", target="domain-health", part_of="/domains/d1/health/"),
        Place("/domains/{domain}/health/", {}, writes="POST", target="domain-health"),
        Place("/domains/{domain}/health/", {"relay": "p1"}, writes="POST"),
    ],
    "batches": [
        Place("/batches/", asks=False),
        Place("/batches/{batch}/", asks=False, target="progress"),
        Place("/batches/{batch}/stop/", {}, asks=False, target="strip-4711"),
        Place("/batches/{batch}/resume/", {}, asks=False, target="strip-4711"),
        Place("/batches/check/", {"domain": ["d1", "d2"], "next": "/health/?kind=relay"}, asks=False),
        Place("/batches/release/", {"user": "u1", "folder": "Quarantine", "mail": ["m1", "m2"]}, asks=False, target="job"),
    ],
}
PLACES = [place for places in GROUPS.values() for place in places]
# Pages for people who are not signed in, and what has no page at all.
OPEN = {"sign-in", "sign-in-link", "sign-out", "language", "readyz", "styleguide/", "^sandbox/api(?P<rest>/.*)$"}

WHOLE = [place for place in PLACES if not place.part_of]
PARTS = [place for place in PLACES if place.part_of]
ASKING = [place for place in WHOLE if place.asks and not place.panels]
GETS = [place for place in WHOLE if place.post is None]
WRITING = [place for place in PLACES if place.writes]
FRAGMENTS = [place for place in PLACES if place.target]


def ids(things: list[Any]) -> list[str]:
    return [thing.id for thing in things]
