"""The words people read for what the API names with words of its own."""

from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, gettext_lazy as lazy, gettext_noop as _  # translated when they are read

from portal.api.rights import Right
from portal.meaning import names

# What an operation does, as a person would say it.
OPERATIONS = {
    "releaseEmail": _("release a message"),
    "addMailboxRule": _("add a sender rule to a mailbox"),
    "addDomainRule": _("add a sender rule to a domain"),
    "updateMailboxRule": _("change a sender rule of a mailbox"),
    "updateDomainRule": _("change a sender rule of a domain"),
    "deleteMailboxRule": _("remove a sender rule of a mailbox"),
    "deleteDomainRule": _("remove a sender rule of a domain"),
    "getUserFilterRules": _("list the sender rules of a mailbox"),
    "getDomainFilterRules": _("list the sender rules of a domain"),
    "listUsers": _("list users"),
    "listDomainUsers": _("list the users of a domain"),
    "getUser": _("view a user"),
    "listDomains": _("list domains"),
    "getDomain": _("view a domain"),
    "getFolders": _("list the folders of a mailbox"),
    "getFolderContent": _("list the messages in a folder"),
    "getEmail": _("view a message"),
    "downloadEmailAttachmentPart": _("download an attachment"),
    "getAllEmailAttachments": _("download all attachments"),
    "createDomain": _("create a domain"),
    "editDomain": _("change a domain"),
    "deleteDomain": _("delete a domain"),
    "listDomainPolicies": _("list the policies of a domain"),
    "getDomainPolicy": _("view a policy"),
    "createPolicy": _("create a policy"),
    "editPolicy": _("change a policy"),
    "deletePolicy": _("delete a policy"),
    "listDomainAliases": _("list the aliases of a domain"),
    "addDomainAlias": _("add aliases to a domain"),
    "editDomainAliases": _("replace the aliases of a domain"),
    "deleteDomainAlias": _("delete an alias of a domain"),
    "getDkim": _("view the DKIM records of a domain"),
    "addDkim": _("create the DKIM keys of a domain"),
    "updateDomainDkim": _("replace the DKIM keys of a domain"),
    "deleteDomainDkim": _("delete the DKIM keys of a domain"),
    "listDomainOptions": _("list the settings of a domain"),
    "setDomainOption": _("change a setting of a domain"),
    "deleteDomainOption": _("reset a setting of a domain"),
    "listUsersAccess": _("view user access in a domain"),
    "affectUsersAccess": _("change user access in a domain"),
    "listDomainAdmins": _("list the administrators of a domain"),
    "getDomainAdmin": _("view an administrator of a domain"),
    "createAdminAccess": _("add an administrator to a domain"),
    "defineAdminAccess": _("change the permissions of an administrator"),
    "revokeAdminAccess": _("revoke an administrator's access"),
    "listPermissions": _("list the permissions that can be granted"),
    "listAdmins": _("list administrators"),
    "getAdmin": _("view an administrator's account"),
    "getHealthErrors": _("list health problems"),
    "getDomainHealth": _("view the health check of a domain"),
    "runDomainDiagnostic": _("run the health check of a domain"),
    "getDiagnosticOfExistingRelay": _("view the health check of a relay"),
    "runDiagnosticOnExistingRelay": _("run the health check of a relay"),
    "tryRelayConfiguration": _("test a relay configuration"),
}
# What a sender rule does, as the activity log keeps it: `ALLOW sender: mailbox or domain`.
RULES = {"ALLOW": _("%(sender)s allowed for %(place)s"), "BLOCK": _("%(sender)s blocked for %(place)s")}
# States of a user or a domain (openapi: User.status, Domain.status).
STATES = {
    "ENABLED": _("Enabled"),
    "DISABLED": _("Disabled"),
    "DELETED": _("Deleted"),
    "PENDING": _("Pending"),
}
# The gateway's languages, by the names their speakers use (openapi: Language).
LANGUAGES = (("FR", "Français"), ("EN", "English"), ("DE", "Deutsch"), ("ES", "Español"), ("DA", "Dansk"), ("NB", "Norsk bokmål"))
# Why a mail is held, in one or two words; the keys are those of portal.meaning.verdict.
REASONS = {
    "SPAM": _("Spam"),
    "VIRUS": _("Virus"),
    "ADVERT": _("Advertising"),
    "BLACKLISTED": _("Blocked sender"),
    "SENDER_VERIFY": _("Sender verification"),
    "BAD_HEADERS": _("Malformed"),
    "BAD_ENCODING": _("Broken encoding"),
    "BAD_ATTACHMENTS": _("Forbidden file"),
}
# What administrators may be allowed to do. The contract names no permission: a gateway's own name is shown where it is not here.
PERMISSIONS: dict[str, str] = {
    Right.DOMAIN_VIEW: _("View the domain and its settings"),
    Right.DOMAIN_EDIT: _("Change the domain and its settings"),
    Right.USER_VIEW: _("View users"),
    Right.USER_EDIT: _("Change users"),
    Right.MAIL_VIEW: _("View messages"),
    Right.MAIL_RELEASE: _("Release held messages"),
    Right.RULE_VIEW: _("View allowed and blocked senders"),
    Right.RULE_EDIT: _("Allow and block senders"),
    Right.GRANT: _("Manage permissions"),
    Right.IMPERSONATE: _("Act as a user"),
}
# The same names, where they are about what the owner of a mailbox may do with it.
OWN_PERMISSIONS = {**PERMISSIONS, Right.USER_VIEW: _("View their own settings"), Right.USER_EDIT: _("Change their own settings")}
# Settings that the contract names, and values that a setting has to choose from.
OPTIONS = {"APP_URL": _("Host name of the application"), "DOMAIN_ADMIN": _("Address of the domain's administrator")}
VALUES = {"NEVER": _("Never"), "DAILY": _("Daily"), "WEEKLY": _("Weekly"), "MONTHLY": _("Monthly")}
# How the gateway speaks to a mail server (PlatformDTO.transportType).
ENCRYPTION = (
    ("SMTPS_MAY", lazy("encrypt if the server offers it")),
    ("SMTPS_ENCRYPT", lazy("always encrypt")),
    ("SMTP", lazy("no encryption")),
)


def operation_name(operation: str) -> str:
    """What an operation does; its id where nobody has said it yet."""
    return gettext(OPERATIONS[operation]) if operation in OPERATIONS else operation


def target_name(target: str) -> str:
    """What an action was done to, as the activity log has it; a sender rule in the reader's language."""
    kind, _space, rule = target.partition(" ")
    sender, colon, place = rule.rpartition(": ")
    return gettext(RULES[kind]) % {"sender": sender, "place": place} if kind in RULES and colon else target


def status_name(status: str | None) -> str:
    """A state in the reader's language; the API's own word where it is new to us."""
    return gettext(STATES[status]) if status in STATES else status or ""


def language_name(language: str | None) -> str:
    """A language by the name its speakers use; the gateway's own word where it is new to us. It is told in either case."""
    return dict(LANGUAGES).get((language or "").upper(), language or "")


def reason_name(reason: str) -> str:
    """Why a mail is held, "" where the headers do not say."""
    return gettext(REASONS[reason]) if reason in REASONS else ""


def permission_name(permission: str, *, own: bool = False) -> str:
    """What a permission allows; its own name where it is new to us. `own`: as it is said of one's own mailbox."""
    known = OWN_PERMISSIONS if own else PERMISSIONS
    return gettext(known[permission]) if permission in known else permission


def option_name(option: str, description: str | None = None) -> str:
    """What a setting is about: in our words, in the reader's language; else as the gateway describes it, else its own name."""
    return gettext(OPTIONS[option]) if option in OPTIONS else description or option


def value_name(value: str) -> str:
    """A value of a setting that has several to choose from; the gateway's own word where it is new to us."""
    return gettext(VALUES[value]) if value in VALUES else value


def readable(name: Any) -> str:
    """A domain name with its own letters, where it is written as xn--…; "" for any other."""
    return names.readable(name) if isinstance(name, str) else ""


def with_letters(address: Any) -> str:
    """A domain or an address with its own letters, where its domain is written as xn--…."""
    return names.with_letters(address) if isinstance(address, str) else ""


def size(octets: Any) -> str:
    """Bytes as a person says them; "" where the API said nothing."""
    return filesizeformat(octets) if isinstance(octets, int) and 0 <= octets < 2**63 else ""
