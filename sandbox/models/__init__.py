"""What the embedded gateway stores. Names are the API's own, in Python's spelling (creationDate -> creation_date)."""

from sandbox.models.base import Identified, Language
from sandbox.models.domains import (
    Broker,
    Customer,
    DkimKey,
    Domain,
    DomainAlias,
    Health,
    OutgoingProvider,
    Platform,
    Policy,
    users_access,
)
from sandbox.models.mail import Folder, Mail, MailSource, Upload
from sandbox.models.people import Account, EmailAlias, EmailAliasRecipient, Grant, Token, User
from sandbox.models.rules import AttachmentRule, OptionValue, SenderRule, UriRule

__all__ = [
    "Account", "AttachmentRule", "Broker", "Customer", "DkimKey", "Domain", "DomainAlias", "EmailAlias", "EmailAliasRecipient",
    "Folder", "Grant", "Health", "Identified", "Language", "Mail", "MailSource", "OptionValue", "OutgoingProvider", "Platform",
    "Policy", "SenderRule", "Token", "Upload", "UriRule", "User", "users_access",
]
