"""Relays of a domain: the servers behind the gateway that take its mail."""

from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.pages.relays import views

urlpatterns = [
    path("domains/<id:domain_id>/relays/", views.relay_list, name="domain-relays"),
    path("domains/<id:domain_id>/relays/new/", views.relay_new, name="relay-new"),
    path("domains/<id:domain_id>/relays/<id:relay_id>/", views.relay_edit, name="relay"),
    path("domains/<id:domain_id>/relays/<id:relay_id>/delete/", views.relay_delete, name="relay-delete"),
    path("domains/<id:domain_id>/relays/<id:relay_id>/health/", views.relay_check, name="relay-check"),
    path("health/relay/", views.relay_tester, name="relay-tester"),
]
