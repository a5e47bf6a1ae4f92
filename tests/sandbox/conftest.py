"""Clients of the sandbox, one for each kind of caller. Every answer they get is held to the contract."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from cleanmail_admin.upstream import SandboxTransport
from sandbox import auth, seed
from sandbox.models import (
    Account,
    AttachmentRule,
    Customer,
    DkimKey,
    Domain,
    EmailAlias,
    Grant,
    Mail,
    Platform,
    Policy,
    Token,
    Upload,
    UriRule,
    User,
)
from tests.sandbox import contract

Client = httpx.Client


def client(secret: str | None) -> Client:
    """A client with a token, or without one."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return Client(
        transport=SandboxTransport(), base_url="http://sandbox", headers=headers, event_hooks={"response": [contract.check]},
    )


def stored(request: pytest.FixtureRequest, module: Any = None) -> bool:
    """Has any test a database? pytest-django makes none where nobody asks for it."""
    return any(item.get_closest_marker("django_db") for item in request.session.items if module in (None, item.module))


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> None:
    """The data is made once; each test's own writes are rolled back."""
    if stored(request):
        with django_db_blocker.unblock():
            seed.seed()


@pytest.fixture(scope="module", autouse=True)
def data_of_the_module(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> None:
    """Made again where tests that commit ran before in this process; outside of any test, so that it stays for all of them."""
    if stored(request, request.module):
        with django_db_blocker.unblock():
            seed.seed()


@pytest.fixture(autouse=True)
def data(request: pytest.FixtureRequest) -> None:
    """Made again where a test that commits has emptied the database behind itself."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        seed.seed()


@pytest.fixture
def nobody() -> Client:
    return client(None)


@pytest.fixture
def sysadmin() -> Client:
    return client(seed.demo_tokens()["system administrator"])


@pytest.fixture
def admin() -> Client:
    """The administrator of Nordwind."""
    return client(seed.demo_tokens()["customer's administrator"])


@pytest.fixture
def helpdesk() -> Client:
    """Somebody who may read everything of Nordwind, and change nothing."""
    return client(seed.demo_tokens()["helpdesk (read only)"])


@pytest.fixture
def anna() -> Client:
    """The end user who owns Anna Keller's mailbox."""
    return client(seed.demo_tokens()["end user"])


@pytest.fixture
def stranger(account: Callable[..., Client]) -> Client:
    """The administrator of the other customer."""
    other = Customer.objects.get(name="Alpenmilch Genossenschaft")
    return account("lea.amsler@alpenmilch.example", Grant.Scope.CUSTOMER, other.pk, auth.PERMISSIONS)


@pytest.fixture
def account() -> Callable[..., Client]:
    """Makes an account with one grant, and its client."""

    def make(login: str, scope: str = "", key: int = 0, permissions: tuple[str, ...] = (), **columns: Any) -> Client:
        row = Account.objects.create(login=login, **columns)
        if scope:
            Grant.objects.create(account=row, scope_type=scope, scope_id=key, permissions=list(permissions))
        Token.objects.create(
            account=row, name="test", digest=auth.digest(f"secret of {login}"), created_at=timezone.now(),
            expiration=timezone.now() + timedelta(hours=1),
        )
        return client(f"secret of {login}")

    return make


@pytest.fixture
def nordwind() -> Domain:
    return Domain.objects.get(name="nordwind.example")


@pytest.fixture
def alpenmilch() -> Domain:
    return Domain.objects.get(name="alpenmilch.example")


@pytest.fixture
def keller() -> User:
    """Anna Keller's mailbox account."""
    return User.objects.get(email=seed.ANNA)


@pytest.fixture
def held(keller: User) -> Callable[[str], Mail]:
    """Finds one of Anna's held mails by a piece of its subject."""
    return lambda subject: Mail.objects.get(folder__user=keller, folder__path="Quarantine", subject__contains=subject)


@pytest.fixture
def box(keller: User) -> str:
    """The address of Anna's quarantine."""
    return f"/users/{keller.uid}/emails/Quarantine"


@pytest.fixture
def ids() -> dict[str, str]:
    """One object of everything in the customer Nordwind, most of it in its first domain."""
    domain, anna = Domain.objects.get(name="nordwind.example"), User.objects.get(email=seed.ANNA)
    now = timezone.now()
    User.objects.filter(pk=anna.pk).update(signature="<b>")
    admin = Account.objects.create(login="minor@nordwind.example")
    Grant.objects.create(account=admin, scope_type="DOMAIN", scope_id=domain.pk, permissions=["DOMAIN_VIEW"])
    token = Token.objects.create(account=admin, name="t", digest="t", created_at=now)
    DkimKey.objects.create(domain=domain, selector="protect", private_key="", public_key="")
    group = EmailAlias.objects.create(domain=domain, email="all@nordwind.example")
    upload = Upload.objects.create(
        uid="u1", account=Account.objects.get(user=anna), name="a.txt", type="text/plain", data=b"a", created_at=now,
    )
    columns = {"domain": domain, "filter": "f", "priority": 1, "created_date": now}
    held = Mail.objects.filter(folder__user=anna, folder__path="Quarantine", infected=False).exclude(attachments=[]).first()
    Policy.objects.get(name="Geschäftsleitung").users.update(policy=None)
    return {
        "adminId": admin.uid, "tokenId": token.uid, "domainId": domain.uid, "aliasId": domain.aliases.first().uid,
        "policyId": Policy.objects.get(name="Geschäftsleitung").uid, "optionName": "REPORT_ON", "userId": anna.uid,
        "userIdOrEmail": anna.uid, "folderPath": "Quarantine", "path": "Quarantine", "messageId": held.fuglu_id,
        "emailId": held.fuglu_id, "fugluIdOrMailId": held.fuglu_id, "fugluId": held.fuglu_id,
        "partId": held.attachments[0]["id"], "uid": upload.uid, "filename": upload.name,
        "attachmentId": AttachmentRule.objects.create(action="DENY", check_type="FILENAME", **columns).uid,
        "uriId": UriRule.objects.create(action="BLACKLIST_URI_HOST", **columns).uid,
        "domainRule": domain.sender_rules.first().uid, "userRule": anna.sender_rules.first().uid, "groupId": group.uid,
        "addressId": group.recipients.create(email="x@y.example").uid, "customerId": domain.customer.uid,
        "platformId": Platform.objects.get(name="Exchange Zürich").uid,
    }
