"""What the tests of all pages share."""

import pytest
from django.test import Client

from portal.batches.models import Batch, Row, State
from tests.answers import well
from tests.conftest import Gateway
from tests.places import IDS


@pytest.fixture
def somebody(browser_of_somebody: Client, gateway: Gateway) -> Client:
    """Somebody signed in, with a batch, in front of a gateway that works until the test changes it."""
    batch = Batch.objects.create(
        pk=int(IDS["batch"]), owner=browser_of_somebody.session["owner"], who="x", session_key="x", operation="releaseEmail", url="/",
        state=State.STOPPED, ids={"userIdOrEmail": "u1", "folderPath": "Quarantine"},
    )
    Row.objects.create(batch=batch, target="m1")
    gateway.answer = well
    return browser_of_somebody
