"""The words people read for what the API names with words of its own."""

from django.utils.translation import gettext as _


def operation_name(operation: str) -> str:
    """What an operation does, as a person would say it; its id where nobody has said it yet."""
    names = {
        "releaseEmail": _("release mail"),
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
        "getUser": _("read a user"),
        "listDomains": _("list domains"),
        "getDomain": _("read a domain"),
        "getFolders": _("list the folders of a mailbox"),
        "getFolderContent": _("list the mail of a folder"),
        "getEmail": _("read a mail"),
        "downloadEmailAttachmentPart": _("download an attachment"),
        "getAllEmailAttachments": _("download all attachments"),
    }
    return names.get(operation, operation)


def status_name(status: str | None) -> str:
    """A state of a user or a domain (openapi: User.status, Domain.status)."""
    names = {"ENABLED": _("Enabled"), "DISABLED": _("Disabled"), "DELETED": _("Deleted"), "PENDING": _("Pending")}
    return names.get(status or "", status or "")


def reason_name(reason: str) -> str:
    """Why a mail is held, in one or two words; `reason` as in portal.ui.verdict."""
    names = {
        "SPAM": _("Spam"),
        "VIRUS": _("Virus"),
        "ADVERT": _("Advertising"),
        "BLACKLISTED": _("Blocked sender"),
        "SENDER_VERIFY": _("Sender not verified"),
        "BAD_HEADERS": _("Malformed"),
        "BAD_ENCODING": _("Bad encoding"),
        "BAD_ATTACHMENTS": _("Forbidden file"),
    }
    return names.get(reason, "")
