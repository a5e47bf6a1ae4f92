from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.pages.domains import edit, setup, views

urlpatterns = [
    path("domains/", views.domain_list, name="domain-list"),
    path("domains/health-marks/", views.domain_marks, name="domain-marks"),
    path("domains/panels/counts/", views.domain_counts, name="domain-counts"),
    path("domains/new/", edit.domain_new, name="domain-new"),
    path("domains/new/name/", edit.domain_name_sent, name="domain-name"),
    path("domains/<id:domain_id>/", views.domain_hub, name="domain-hub"),
    path("domains/<id:domain_id>/setup/", setup.domain_setup, name="domain-setup"),
    path("domains/<id:domain_id>/users/", views.domain_users, name="domain-users"),
    path("domains/<id:domain_id>/panels/users/", views.domain_users_panel, name="domain-users-panel"),
    path("domains/<id:domain_id>/edit/", edit.domain_edit, name="domain-edit"),
    path("domains/<id:domain_id>/delete/", edit.domain_delete, name="domain-delete"),
    path("domains/<id:domain_id>/restore/", edit.domain_restore, name="domain-restore"),
]
