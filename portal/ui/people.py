"""The lists of users: of all domains, and of one."""

from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

from portal.api import users
from portal.ui import exports
from portal.ui.lists import Filter, List
from portal.ui.tables import RemoteTable
from portal.ui.words import status_name


class UserTable(RemoteTable):
    row_template, base = "users/_rows.html", "user-list"
    email = Column(_("Address"), orderable=True)
    name = Column(_("Name"))
    status = Column(_("Status"))
    policy = Column(_("Policy"))
    lastConnectionDate = Column(_("Last sign-in"))  # noqa: N815 (the API's name)
    id = Column(_("ID"))


EXPORTED = (
    exports.Column(_("Address"), lambda row: row.email),
    exports.Column(_("ID"), lambda row: str(row.id or "")),
    exports.Column(_("First name"), lambda row: row.firstname),
    exports.Column(_("Last name"), lambda row: row.lastname),
    exports.Column(_("Status"), lambda row: status_name(row.status)),
    exports.Column(_("Policy"), lambda row: row.policy and row.policy.name),
    exports.Column(_("Last sign-in"), lambda row: exports.day(row.lastConnectionDate)),
)
FILTERS = {
    "email": Filter(_("Address"), sends=lambda typed: f"*{typed.replace('*', '')}*"),
    "platformName": Filter(_("Relay name")),
}
USERS = List("users", users.LIST, users.User, UserTable, EXPORTED, FILTERS, further=("id",))
USERS_OF_DOMAIN = List(
    "domain-users",
    users.LIST_OF_DOMAIN,
    users.User,
    UserTable,
    EXPORTED,
    FILTERS,
    further=("policy", "lastConnectionDate", "id"),
)
