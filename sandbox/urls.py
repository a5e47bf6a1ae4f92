"""The gateway's addresses, resolved while still percent-encoded: an encoded slash belongs to its segment."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from django.http import HttpRequest, HttpResponse
from django.urls import path, register_converter

from sandbox import auth, domains, emails, senders, users
from sandbox.answers import Refusal


class Segment:
    """One segment of a path, decoded."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return unquote(value, errors="replace")

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


register_converter(Segment, "segment")


def at(route: str, **views: Callable[..., HttpResponse]) -> Any:
    """A path and its views by method. Every view gets the request, the caller, and the ids in the path."""

    def answer(request: HttpRequest, **ids: str) -> HttpResponse:
        try:
            caller = auth.caller_of(request)
            view = views.get(request.method or "")
            if view is None:
                raise Refusal(405, f"{request.method} is not for this address.", headers={"Allow": ", ".join(views)})
            return view(request, caller, **ids)
        except Refusal as refusal:
            return refusal.answer()

    return path(route, answer)


def not_built(request: HttpRequest, caller: auth.Caller, **ids: str) -> HttpResponse:
    """An operation of the contract that the sandbox does not have yet."""
    raise Refusal(501, "The sandbox does not do this yet.")


DOMAIN = "domains/<segment:domain_id>"
USER = "users/<segment:user_id>"
MAILBOX = "users/<segment:user>/emails"
MAIL = f"{MAILBOX}/<segment:folder>/<segment:mail_id>"

urlpatterns = [
    at("security/permissions", GET=auth.list_permissions),
    at("domains", GET=domains.list_domains, POST=not_built),
    at(DOMAIN, GET=domains.get_domain, PATCH=not_built, DELETE=not_built),
    at(f"{DOMAIN}/policies", GET=domains.list_domain_policies, POST=not_built),
    at("policies/<segment:policy_id>", GET=domains.get_domain_policy, PATCH=not_built, DELETE=not_built),
    at("users", GET=users.list_users, POST=not_built),
    at(USER, GET=users.get_user, PATCH=not_built, DELETE=not_built),
    at(f"{DOMAIN}/users", GET=users.list_domain_users),
    # Before the folders: "folders" and "send" are no folders' names.
    at(f"{MAILBOX}/folders", GET=emails.get_folders),
    at(f"{MAILBOX}/folders/<segment:folder>", GET=emails.get_subfolders),
    at(f"{MAILBOX}/send", POST=not_built),
    at(f"{MAILBOX}/<segment:folder>", GET=emails.get_folder_content),
    at(MAIL, GET=emails.get_email),
    at(f"{MAIL}/release", POST=emails.release_email),
    at(f"{MAIL}/attachments", GET=emails.get_all_email_attachments),
    at(f"{MAIL}/attachments/<segment:part>", GET=emails.download_email_attachment_part),
    at("wblist", POST=senders.add_entries),
    at(f"{DOMAIN}/wblist", GET=senders.get_domain_filter_rules, POST=senders.add_domain_rule, PUT=senders.set_domain_rules),
    at(f"{DOMAIN}/wblist/<segment:rule_id>", PUT=senders.update_domain_rule, DELETE=senders.delete_domain_rule),
    at(f"{USER}/wblist", GET=senders.get_user_filter_rules, POST=senders.add_mailbox_rule, PUT=senders.set_mailbox_rules),
    at(f"{USER}/wblist/<segment:rule_id>", PUT=senders.update_mailbox_rule, DELETE=senders.delete_mailbox_rule),
    # What the contract has and the sandbox does not, yet.
    at("security/admins", GET=not_built),
    at("security/admins/<segment:admin_id>", GET=not_built, PATCH=not_built, DELETE=not_built),
    at("admins/<segment:admin_id>/tokens", GET=not_built, POST=not_built),
    at("admins/<segment:admin_id>/tokens/<segment:token_id>", DELETE=not_built),
    at(f"{DOMAIN}/aliases", GET=not_built, POST=not_built, PUT=not_built),
    at(f"{DOMAIN}/aliases/<segment:alias_id>", DELETE=not_built),
    at(f"{DOMAIN}/access", GET=not_built, PUT=not_built),
    at(f"{DOMAIN}/admins", GET=not_built, POST=not_built),
    at(f"{DOMAIN}/admins/<segment:admin_id>", GET=not_built, DELETE=not_built),
    at(f"{DOMAIN}/admins/<segment:admin_id>/authorities", PUT=not_built),
    at(f"{DOMAIN}/options", GET=not_built, POST=not_built),
    at(f"{DOMAIN}/options/<segment:option>", DELETE=not_built),
    at(f"{DOMAIN}/dkim", GET=not_built, POST=not_built, PUT=not_built, DELETE=not_built),
    at(f"{DOMAIN}/filters/attachments", GET=not_built, POST=not_built),
    at("filters/attachments/<segment:filter_id>", PATCH=not_built, DELETE=not_built),
    at(f"{DOMAIN}/filters/uris", GET=not_built, POST=not_built),
    at("filters/uris/<segment:filter_id>", PATCH=not_built, DELETE=not_built),
    at(f"{DOMAIN}/health", GET=not_built, POST=not_built),
    at("platforms/<segment:platform_id>/health", GET=not_built, POST=not_built),
    at("health", GET=not_built),
    at("health/try-relay", POST=not_built),
    at("tasks", POST=not_built),
    at("token", GET=not_built),
    at(f"{USER}/options", GET=not_built, POST=not_built),
    at(f"{USER}/options/<segment:option>", DELETE=not_built),
    at(f"{USER}/sign", GET=not_built, PUT=not_built, DELETE=not_built),
    at(f"{DOMAIN}/groups", GET=not_built, POST=not_built),
    at(f"{DOMAIN}/groups/<segment:group_id>", GET=not_built, PATCH=not_built),
    at(f"{DOMAIN}/groups/<segment:group_id>/addresses", POST=not_built),
    at(f"{DOMAIN}/groups/<segment:group_id>/addresses/<segment:address_id>", DELETE=not_built),
    at("groups/<segment:group_id>", DELETE=not_built),
    at("emails/attachments", POST=not_built),
    at("emails/attachments/<segment:uid>/<segment:filename>", GET=not_built, DELETE=not_built),
]
