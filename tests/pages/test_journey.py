import pytest
from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])


def test_the_search_for_one_address_opens_that_user(as_admin: Client) -> None:
    answer = as_admin.get("/search/", {"q": "anna.keller"}, follow=True)
    assert "anna.keller@nordwind.example" in answer.content.decode()


def test_the_hub_asks_the_gateway_once(as_admin: Client) -> None:
    answer = as_admin.get("/search/", {"q": "anna.keller"})
    hub = as_admin.get(answer["Location"])
    assert hub.status_code == 200
    assert hub.wsgi_request.api.calls == 1
