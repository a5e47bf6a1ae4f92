from django.urls import path

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.pages.users import folders, mail, release, rules, selected, sender, views

ONE = "users/<id:user_id>/mail/<id:folder>/<id:mail_id>/"

urlpatterns = [
    path("users/", views.user_list, name="user-list"),
    path("users/<id:user_id>/", views.user_hub, name="user-hub"),
    path("users/<id:user_id>/mail/", folders.mailbox, name="mailbox"),
    path("users/<id:user_id>/folders/", folders.folders, name="folders"),
    path("users/<id:user_id>/panels/folders/", folders.folders_panel, name="folders-panel"),
    path("users/<id:user_id>/panels/mail/<id:folder>/", mail.mail_list_panel, name="mail-list-panel"),
    path("users/<id:user_id>/subfolders/", folders.subfolders, name="subfolders"),
    path("users/<id:user_id>/mail/<id:folder>/", mail.mail_list, name="mail-list"),
    path(ONE, mail.mail_read, name="mail-read"),
    path(ONE + "reading/", mail.mail_reading, name="mail-reading"),
    path(ONE + "body/", mail.mail_body, name="mail-body"),
    path(ONE + "attached/<id:number>/", mail.mail_attached, name="mail-attached"),
    path(ONE + "source/", mail.mail_source, name="mail-source"),
    path(ONE + "attachments/", mail.all_attachments, name="all-attachments"),
    path(ONE + "attachments/<id:part>/", mail.attachment, name="attachment"),
    path(ONE + "release/", release.release, name="release"),
    path(ONE + "block/", sender.block, name="block"),
    path("batches/release/", selected.release_selected, name="batch-release"),
    path("users/<id:user_id>/rules/<id:rule_id>/", rules.user_rule, name="user-rule"),
    path("domains/<id:domain_id>/rules/senders/<id:rule_id>/", rules.domain_rule, name="domain-rule"),
]
