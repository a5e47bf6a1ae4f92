"""The gateway's addresses, resolved while still percent-encoded: an encoded slash belongs to its segment."""

from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path, register_converter

from sandbox import (
    access,
    aliases,
    auth,
    dkim,
    domains,
    emails,
    faults,
    filters,
    groups,
    health,
    options,
    policies,
    senders,
    sending,
    signatures,
    tasks,
    tokens,
    users,
)
from sandbox.answers import Refusal


class Segment:
    """One segment of a path, decoded."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return unquote(value, errors="replace")

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


register_converter(Segment, "segment")


def operation(view: Callable[..., HttpResponseBase] | None) -> str:
    """The operationId of a view: the first word that is written about it."""
    return ((view and view.__doc__) or "").partition(":")[0].split("\n")[0]


def at(route: str, **views: Callable[..., HttpResponseBase]) -> Any:
    """A path and its views by method. Every view gets the request, the caller, and the ids in the path."""
    allowed = ", ".join([*views, *(["HEAD"] if "GET" in views else []), "OPTIONS"])

    def answer(request: HttpRequest, **ids: str) -> HttpResponseBase:
        view = views.get("GET" if request.method == "HEAD" else request.method or "")
        try:
            faults.maybe(request, operation(view))
            if request.method == "OPTIONS":  # asked by browsers without a token
                return HttpResponse(status=204, headers={"Allow": allowed})
            domains.purge()
            caller = auth.caller_of(request)
            if view is None:
                raise Refusal(405, f"{request.method} is not for this address.", headers={"Allow": allowed})
            found = view(request, caller, **ids)
        except Refusal as refusal:
            found = refusal.answer()
        return without_body(found) if request.method == "HEAD" else found

    return path(route, answer)


def without_body(found: HttpResponseBase) -> HttpResponse:
    """What HEAD answers."""
    if isinstance(found, HttpResponse):
        found.headers["Content-Length"] = str(len(found.content))
    else:  # a file, which knows its length and is closed behind its last block
        deque(found, maxlen=0)
    return HttpResponse(status=found.status_code, headers=found.headers)


DOMAIN = "domains/<segment:domain_id>"
USER = "users/<segment:user_id>"
MAILBOX = "users/<segment:user>/emails"
MAIL = f"{MAILBOX}/<segment:folder>/<segment:mail_id>"

urlpatterns = [
    at("security/permissions", GET=access.list_permissions),
    at("security/admins", GET=access.list_admins),
    at("security/admins/<segment:admin_id>",
       GET=access.get_admin, PATCH=access.update_admin, DELETE=access.delete_admin_account),
    at("admins/<segment:admin_id>/tokens", GET=tokens.list_user_tokens, POST=tokens.create_token),
    at("admins/<segment:admin_id>/tokens/<segment:token_id>", DELETE=tokens.delete_token),
    at("domains", GET=domains.list_domains, POST=domains.create_domain),
    at(DOMAIN, GET=domains.get_domain, PATCH=domains.edit_domain, DELETE=domains.delete_domain),
    at(f"{DOMAIN}/aliases",
       GET=aliases.list_domain_aliases, POST=aliases.add_domain_alias, PUT=aliases.edit_domain_aliases),
    at(f"{DOMAIN}/aliases/<segment:alias_id>", DELETE=aliases.delete_domain_alias),
    at(f"{DOMAIN}/policies", GET=policies.list_domain_policies, POST=policies.create_policy),
    at("policies/<segment:policy_id>",
       GET=policies.get_domain_policy, PATCH=policies.edit_policy, DELETE=policies.delete_policy),
    at(f"{DOMAIN}/access", GET=access.list_users_access, PUT=access.affect_users_access),
    at(f"{DOMAIN}/admins", GET=access.list_domain_admins, POST=access.create_admin_access),
    at(f"{DOMAIN}/admins/<segment:admin_id>", GET=access.get_domain_admin, DELETE=access.revoke_admin_access),
    at(f"{DOMAIN}/admins/<segment:admin_id>/authorities", PUT=access.define_admin_access),
    at(f"{DOMAIN}/options", GET=options.list_domain_options, POST=options.set_domain_option),
    at(f"{DOMAIN}/options/<segment:option>", DELETE=options.delete_domain_option),
    at(f"{DOMAIN}/dkim", GET=dkim.get_dkim, POST=dkim.add_dkim, PUT=dkim.update_domain_dkim, DELETE=dkim.delete_domain_dkim),
    at(f"{DOMAIN}/filters/attachments",
       GET=filters.get_domain_attachment_filters, POST=filters.add_attachment_filter_to_domain),
    at("filters/attachments/<segment:filter_id>", PATCH=filters.edit_attachment_filter, DELETE=filters.delete_attachment_filter),
    at(f"{DOMAIN}/filters/uris", GET=filters.get_domain_uri_bl_filters, POST=filters.add_uri_bl_filter_to_domain),
    at("filters/uris/<segment:filter_id>", PATCH=filters.edit_uri_bl_filter, DELETE=filters.delete_uri_bl_filter),
    at(f"{DOMAIN}/health", GET=health.get_domain_health, POST=health.run_domain_diagnostic),
    at("platforms/<segment:platform_id>/health",
       GET=health.get_diagnostic_of_existing_relay, POST=health.run_diagnostic_on_existing_relay),
    at("health", GET=health.get_health_errors),
    at("health/try-relay", POST=health.try_relay_configuration),
    at("tasks", POST=tasks.execute_task),
    at("token", GET=tokens.get_temporary_auth_token),
    at("users", GET=users.list_users, POST=users.create_user),
    at(USER, GET=users.get_user, PATCH=users.edit_user, DELETE=users.delete_user),
    at(f"{DOMAIN}/users", GET=users.list_domain_users),
    at(f"{USER}/options", GET=options.list_user_options, POST=options.set_user_option),
    at(f"{USER}/options/<segment:option>", DELETE=options.delete_user_option),
    at(f"{USER}/sign", GET=signatures.get_sign, PUT=signatures.set_sign, DELETE=signatures.delete_sign),
    at(f"{DOMAIN}/groups", GET=groups.list_email_aliases_of_domain, POST=groups.create_email_alias),
    at(f"{DOMAIN}/groups/<segment:group_id>", GET=groups.list_targeted_addresses_of_alias, PATCH=groups.edit_email_alias),
    at(f"{DOMAIN}/groups/<segment:group_id>/addresses", POST=groups.add_addresses_to_email_alias),
    at(f"{DOMAIN}/groups/<segment:group_id>/addresses/<segment:address_id>", DELETE=groups.delete_email_alias_recipient),
    at("groups/<segment:group_id>", DELETE=groups.delete_email_alias),
    # Before the folders: "folders" and "send" are no folders' names.
    at(f"{MAILBOX}/folders", GET=emails.get_folders),
    at(f"{MAILBOX}/folders/<segment:folder>", GET=emails.get_subfolders),
    at(f"{MAILBOX}/send", POST=sending.send_email),
    at(f"{MAILBOX}/<segment:folder>", GET=emails.get_folder_content),
    at(MAIL, GET=emails.get_email),
    at(f"{MAIL}/release", POST=emails.release_email),
    at(f"{MAIL}/attachments", GET=emails.get_all_email_attachments),
    at(f"{MAIL}/attachments/<segment:part>", GET=emails.download_email_attachment_part),
    at("emails/attachments", POST=sending.upload_attachment),
    at("emails/attachments/<segment:uid>/<segment:filename>", GET=sending.download_attachment, DELETE=sending.delete_attachment),
    at("wblist", POST=senders.add_entries),
    at(f"{DOMAIN}/wblist", GET=senders.get_domain_filter_rules, POST=senders.add_domain_rule, PUT=senders.set_domain_rules),
    at(f"{DOMAIN}/wblist/<segment:rule_id>", PUT=senders.update_domain_rule, DELETE=senders.delete_domain_rule),
    at(f"{USER}/wblist", GET=senders.get_user_filter_rules, POST=senders.add_mailbox_rule, PUT=senders.set_mailbox_rules),
    at(f"{USER}/wblist/<segment:rule_id>", PUT=senders.update_mailbox_rule, DELETE=senders.delete_mailbox_rule),
]
