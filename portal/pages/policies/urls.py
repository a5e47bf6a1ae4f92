"""Policies of a domain: which services it has, and their settings (DomainPolicies, 5.4)."""

from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.pages.policies import views

urlpatterns = [
    path("domains/<id:domain_id>/policies/", views.policy_list, name="domain-policies"),
    path("domains/<id:domain_id>/panels/policies/", views.policy_panel, name="domain-policies-panel"),
    path("domains/<id:domain_id>/policies/new/", views.policy_new, name="policy-new"),
    path("domains/<id:domain_id>/policies/compare/", views.policy_compare, name="policy-compare"),
    path("policies/scale/", views.policy_scale, name="policy-scale"),
    path("policies/<id:policy_id>/", views.policy, name="policy"),
    path("policies/<id:policy_id>/delete/", views.policy_delete, name="policy-delete"),
    path("policies/<id:policy_id>/default/", views.policy_default, name="policy-default"),
]
