from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.pages.dkim import edit, rotation, views

urlpatterns = [
    path("domains/<id:domain_id>/dkim/", views.domain_dkim, name="domain-dkim"),
    path("domains/<id:domain_id>/dkim/check/", views.dkim_check, name="domain-dkim-check"),
    path("domains/<id:domain_id>/panels/dkim-check/", views.dkim_check_panel, name="domain-dkim-check-panel"),
    path("domains/<id:domain_id>/dkim/check/again/", views.dkim_check_again, name="domain-dkim-check-again"),
    path("domains/<id:domain_id>/dkim/new/", edit.dkim_new, name="domain-dkim-new"),
    path("domains/<id:domain_id>/dkim/replace/", edit.dkim_replace, name="domain-dkim-replace"),
    path("domains/<id:domain_id>/dkim/rotate/", rotation.dkim_rotate, name="domain-dkim-rotate"),
    path("domains/<id:domain_id>/dkim/delete/", edit.dkim_delete, name="domain-dkim-delete"),
]
