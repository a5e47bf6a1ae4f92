"""The places of `tests/places.py` on the demo data: what a browser looks at."""

from typing import Any

from tests.browser.server import Sandbox
from tests.browser.steps import ANNA, VIRUS
from tests.places import GROUPS, Place

NORDWIND, PETRA = "nordwind.example", "petra@nordwind.example"
# The frame of a message, its source as text, what stands beside a field, and what is there only after somebody did something, which tests of its own look at.
NO_PAGES = ("mail-body", "mail-source", "mail-attached", "batch", "dkim-rotate")


def looked_at(group: str) -> list[Place]:
    """The places of a group that are pages."""
    return [place for place in GROUPS[group] if place.post is None and not place.file and not place.made and not place.part_of and place.name not in NO_PAGES]


class Ids(dict[str, str]):
    """The ids of an address, each asked for when an address first has it."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox

    def __missing__(self, name: str) -> str:
        found = getattr(self, f"_{name}")()
        self[name] = str(found)
        return self[name]

    def _user(self) -> Any:
        return self.sandbox.user(ANNA)

    def _mail(self) -> Any:
        return self.sandbox.mail(ANNA, VIRUS)

    def _rule(self) -> Any:
        return blocking(self.sandbox.rules(ANNA))["id"]

    def _sender(self) -> Any:
        return blocking(self.sandbox.rules(ANNA))["value"]

    def _domain(self) -> Any:
        return self.sandbox.domain(NORDWIND)

    def _deleted(self) -> Any:
        return self.sandbox.domain("altmilch.example")

    def _unsigned(self) -> Any:
        return self.sandbox.domain("nordwind-hafen.example")

    def _domain_rule(self) -> Any:
        return blocking(self.sandbox.domain_rules(NORDWIND))["id"]

    def _domain_sender(self) -> Any:
        return blocking(self.sandbox.domain_rules(NORDWIND))["value"]

    def _policy(self) -> Any:
        return self.sandbox.get(f"/domains/{self['domain']}/policies")[0]["id"]

    def _other_policy(self) -> Any:
        return self.sandbox.get(f"/domains/{self['domain']}/policies")[1]["id"]

    def _relay(self) -> Any:
        return self.sandbox.get(f"/domains/{self['domain']}")["platforms"][0]["id"]

    def _alias(self) -> Any:
        return self.sandbox.get(f"/domains/{self['domain']}/aliases")[0]["id"]

    def _option(self) -> Any:
        self.sandbox.http.post(f"/domains/{self['domain']}/options", json={"name": "APP_COLOR", "value": "#aa3311"}).raise_for_status()
        return "APP_COLOR"

    def _admin(self) -> Any:
        account = {"login": PETRA, "displayName": "Petra", "email": PETRA, "password": "made for a test", "enabled": True, "language": "DE"}
        made = self.sandbox.http.post(f"/domains/{self['domain']}/admins", json={**account, "permissions": ["MAIL_VIEW"]})
        return made.raise_for_status().json()["id"]


def blocking(rules: list[dict[str, Any]]) -> dict[str, Any]:
    return next(rule for rule in rules if rule["type"] == "BLOCK")
