"""Relays of a domain."""

from django.http import Http404, HttpResponse
from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.ui.pages import PortalRequest


def later(request: PortalRequest, **ids: str) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("domains/<id:domain_id>/relays/", later, name="domain-relays"),
    path("domains/<id:domain_id>/relays/<id:relay_id>/", later, name="relay"),
    path("health/relay/", later, name="relay-tester"),
]
