"""Policies of a domain."""

from django.http import Http404, HttpResponse
from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.ui.pages import PortalRequest


def later(request: PortalRequest, **ids: str) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("domains/<id:domain_id>/policies/", later, name="domain-policies"),
    path("domains/<id:domain_id>/policies/new/", later, name="policy-new"),
    path("domains/<id:domain_id>/policies/compare/", later, name="policy-compare"),
    path("policies/<id:policy_id>/", later, name="policy"),
]
