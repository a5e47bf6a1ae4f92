"""Diagnostics."""

from django.http import Http404, HttpResponse
from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.ui.pages import PortalRequest


def later(request: PortalRequest, **ids: str) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("health/", later, name="health"),
    path("domains/<id:domain_id>/health/", later, name="domain-health"),
]
