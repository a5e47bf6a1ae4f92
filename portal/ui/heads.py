"""What stands in the heads of the hubs: their tabs, as data (templates/_tabs.html shows them)."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Tab:
    label: str
    url: str
    current: bool


def domain_tabs(domain_id: str, current: str) -> list[Tab]:
    """The pages of a domain."""
    return _tabs(current, domain_id, {
        "hub": ("domain-hub", _("Overview")),
        "users": ("domain-users", _("Users")),
        "policies": ("domain-policies", _("Policies")),
        "relays": ("domain-relays", _("Relays")),
        "dkim": ("domain-dkim", "DKIM"),
        "aliases": ("domain-aliases", _("Aliases")),
        "options": ("domain-options", _("Settings")),
        "access": ("domain-access", _("Access")),
        "admins": ("domain-admins", _("Administrators")),
        "health": ("domain-health", _("Health")),
    })  # fmt: skip


def user_tabs(user_id: str, current: str) -> list[Tab]:
    """The pages of a user."""
    return _tabs(current, user_id, {"mail": ("user-hub", _("Mail"))})


def _tabs(current: str, id: str, pages: dict[str, tuple[str, str]]) -> list[Tab]:
    return [Tab(label, reverse(view, args=(id,)), name == current) for name, (view, label) in pages.items()]
