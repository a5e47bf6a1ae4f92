"""What an account may do, and what it takes for an operation."""

from enum import StrEnum


class Needs(StrEnum):
    """Who may do an operation, as the contract states it."""

    UNSTATED = ""  # some right on the object, and no name for it
    SYSADMIN = "sysadmin"
    SYSADMIN_IF_RESTRICTED = "sysadmin if restricted"
    TARGET_USER_OR_SYSADMIN = "target user or sysadmin"
    OWNER = "owner"
    OWNER_TO_READ = "owner for content and source"  # who is none gets the headers
    SIGNED_IN_USER = "signed-in user"
    GRANT = "GRANT"
    IMPERSONATE = "impersonate"


class Right(StrEnum):
    """What an account may hold on an object. The contract names none; what a gateway has besides is shown as it says it."""

    DOMAIN_VIEW = "DOMAIN_VIEW"
    DOMAIN_EDIT = "DOMAIN_EDIT"
    USER_VIEW = "USER_VIEW"
    USER_EDIT = "USER_EDIT"
    MAIL_VIEW = "MAIL_VIEW"
    MAIL_RELEASE = "MAIL_RELEASE"
    RULE_VIEW = "RULE_VIEW"
    RULE_EDIT = "RULE_EDIT"
    GRANT = "GRANT"
    IMPERSONATE = "IMPERSONATE"
