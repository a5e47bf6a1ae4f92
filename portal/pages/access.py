"""Who may do what in a domain: its end users with their own mailboxes, and its administrators."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import Column

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.api import access_controls, domains
from portal.api.access_controls import Admin, Grantable
from portal.api.errors import ApiError, NotAllowed, NotFound
from portal.ui import exports, lists
from portal.ui.confirm import Question, confirm
from portal.ui.fields import SecretField, SwitchField
from portal.ui.forms import PortalForm
from portal.ui.lists import Filter, List
from portal.ui.pages import PortalRequest, got, part_of, read_domain, together
from portal.ui.save import save
from portal.ui.tables import RemoteTable
from portal.ui.words import LANGUAGES, permission_name

PANEL, OFFERED = 5, 20  # administrators in the hub's panel, accounts to choose from


class PermissionsForm(PortalForm):
    """Permissions as switches: whether each is `held`, by its name, and which of them stay as they are (`locked`).

    The gateway takes the list as a whole; a switch that the person did not touch is sent as it is there now.
    """

    least_one = True
    new = False  # access that is not there yet: there is no record to compare with

    def __init__(
        self, request: PortalRequest, held: Mapping[str, bool], locked: Collection[str] = (), *, own: bool = False, **more: Any
    ) -> None:
        # In hexadecimal: whatever the gateway calls a permission, this is a name of a field.
        names = {"may-" + permission.encode("utf-8", "replace").hex(): permission for permission in held}
        fields = {name: _switch(permission, permission in locked, own) for name, permission in names.items()}
        record = {} if self.new else {name: held[permission] for name, permission in names.items()}
        super().__init__(request, record, fields=fields, **more)
        self.permissions = names  # by the names of their switches
        for name in names:  # what the person cannot touch is no matter of what was typed
            if self.fields[name].disabled:
                self.initial[name] = self.record.get(name, False)

    def chosen(self) -> list[str]:
        """The whole list to be sent: names of permissions."""
        changed = self.changed()
        return [permission for name, permission in self.permissions.items() if changed.get(name, self.record.get(name))]

    def body(self) -> Any:
        return self.chosen()

    def switches(self) -> list[Any]:
        return [self[name] for name in self.permissions]

    @property
    def open(self) -> bool:
        """Is there anything that this person can switch?"""
        return any(not self.fields[name].disabled for name in self.permissions)

    def others(self) -> list[Any]:
        """The fields that are no switches."""
        return [field for field in self.visible_fields() if field.name not in self.permissions]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.least_one and not self.chosen():
            self.add_error(None, _("Choose at least one permission."))
        return cleaned


class UsersForm(PermissionsForm):
    """What the end users of a domain may do: nothing, too."""

    least_one = False


class ExistingForm(PermissionsForm):
    """Access for an account that exists: `account` is picked from a list, `typed_id` is any other."""

    new = True
    account = forms.CharField(required=False, max_length=200)
    typed_id = forms.CharField(
        label=lazy("Or enter its ID"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not (cleaned.get("account") or cleaned.get("typed_id")):
            self.add_error("account", _("Choose an account or enter its ID."))
        return cleaned


class NewForm(PermissionsForm):
    """An account that is made with its first access (AdminAdd)."""

    new = True
    login = forms.CharField(label=lazy("Username"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    displayName = forms.CharField(label=lazy("Name"), max_length=200)  # noqa: N815 (the API's name)
    email = forms.EmailField(label=lazy("Email address"), max_length=200, help_text=lazy("Password reset messages go there."))
    password = SecretField(
        label=lazy("Initial password"),
        min_length=8,
        max_length=200,
        help_text=lazy("8 characters or more. It is not shown again: give it to the person yourself."),
    )
    language = forms.ChoiceField(label=lazy("Language"), choices=LANGUAGES)
    enabled = SwitchField(label=lazy("Enable the account immediately"), initial=True)

    def body(self) -> dict[str, Any]:
        account = {name: value for name, value in self.typed().items() if name not in self.permissions}
        return {**account, "permissions": self.chosen()}


def _switch(permission: str, locked: bool, own: bool) -> SwitchField:
    """The switch of a permission. `own`: of the end users, over their own mailboxes."""
    help_text = _("You can neither grant nor revoke this.") if locked else ""
    return SwitchField(label=permission_name(permission, own=own), disabled=locked, help_text=help_text)


@require_http_methods(["GET", "POST"])
def domain_access(request: PortalRequest, domain_id: str) -> HttpResponse:
    """What the end users of a domain may do with their own mailboxes."""
    domain, listed = together(
        lambda: read_domain(request, domain_id),
        lambda: request.api.call(domains.USERS_ACCESS, list[domains.Permission], ids={"domainId": domain_id}),
    )
    domain = got(domain)
    context = {"domain": domain, "domain_id": domain_id}
    if isinstance(listed, ApiError) and request.method == "GET":
        return render(request, "access/users.html", {**context, "error": listed})
    held = {one.name: bool(one.enabled) for one in got(listed) if one.name}
    form = UsersForm(request, held, own=True)
    here = reverse("domain-access", args=(domain_id,))
    if request.method == "POST" and form.is_valid():
        call = {"target": domain.name or domain_id, "done": _("User access was changed."), "back": here}
        if answer := save(request, form, domains.SET_USERS_ACCESS, {"domainId": domain_id}, **call):
            return answer
    return render(request, "access/users.html", {**context, "form": form}, status=form.status)


class AdminTable(RemoteTable):
    row_template, base = "access/_rows.html", "domain-admins"
    login = Column(lazy("Username"), orderable=True)
    permissions = Column(lazy("Permissions"))
    enabled = Column(lazy("Account"))
    totp = Column(lazy("One-time codes"))
    lastConnectionDate = Column(lazy("Last sign-in"))  # noqa: N815 (the API's name)
    email = Column(lazy("Email address"))
    revoke = Column(lazy("Action"))


ADMINS = List(
    "admins",
    domains.ADMINS,
    Admin,
    AdminTable,
    (
        exports.Column(lazy("Username"), lambda row: row.login),
        exports.Column(lazy("ID"), lambda row: str(row.id or "")),
        exports.Column(lazy("Name"), lambda row: row.displayName),
        exports.Column(lazy("Email address"), lambda row: row.email),
        exports.Column(lazy("Enabled"), lambda row: row.enabled),
        exports.Column(lazy("One-time codes"), lambda row: row.totp),
        exports.Column(lazy("Last sign-in"), lambda row: exports.day(row.lastConnectionDate)),
    ),
    filters={"search": Filter(lazy("Name or address"))},
    further=("email",),
)


@dataclass(frozen=True)
class Administrator:
    """An administrator as one domain's pages show it."""

    account: Admin
    domain_id: str

    @property
    def held(self) -> list[str] | None:
        """The permissions held on the domain; None where the gateway does not say."""
        if self.account.authorities is None:
            return None
        found: dict[str, None] = {}
        for one in self.account.authorities:
            if (one.objectType or "domain").casefold() == "domain" and str(one.objectId) == self.domain_id:
                found |= dict.fromkeys(one.permissions or ())
        return list(found)

    @property
    def words(self) -> list[str]:
        return [permission_name(permission) for permission in self.held or ()]

    @property
    def is_here(self) -> bool:
        return any(str(one.objectId) == self.domain_id for one in self.account.authorities or ())

    @property
    def name(self) -> str:
        return self.account.login or str(self.account.id or "?")

    @property
    def accesses(self) -> int | None:
        """How many objects the account has rights on, as far as the caller may see them; None where the gateway does not say."""
        counted = self.account.authoritiesCount
        return len(self.account.authorities) if counted is None and self.account.authorities is not None else counted


@require_safe
def domain_admins(request: PortalRequest, domain_id: str) -> HttpResponseBase:
    """The administrators of a domain."""
    ids = {"domainId": domain_id}
    if other := lists.elsewhere(request, ADMINS, ids):
        return other
    domain, found = together(lambda: read_domain(request, domain_id), lambda: lists.listed(request, ADMINS, ids))
    context = {"domain": got(domain), "domain_id": domain_id}
    if isinstance(found, ApiError):
        return render(request, "access/admins.html", {**context, "error": found})
    found.table.ids = (domain_id,)
    found.table.records = [Administrator(account, domain_id) for account in found.rows]
    return render(request, "access/admins.html", {**context, "listed": found})


@require_safe
@part_of("domain-admins")
def domain_admins_panel(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The first administrators of a domain, for its hub."""
    context: dict[str, Any] = {"domain_id": domain_id}
    try:
        page = request.api.page(domains.ADMINS, Admin, size=PANEL, ids={"domainId": domain_id})
    except NotAllowed:  # nothing is broken: this is for people who decide who may do what
        return render(request, "access/_panel.html", {**context, "refused": True})
    rows = [Administrator(account, domain_id) for account in page.rows]
    return render(request, "access/_panel.html", {**context, "rows": rows, "total": page.total})


@require_http_methods(["GET", "POST"])
def admin_add(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Give an account that exists access to a domain. `search` narrows the accounts that are offered."""
    part = (request.POST if request.method == "POST" else request.GET).get("search", "").strip()[:200]
    domain, grantable, offered = together(
        lambda: read_domain(request, domain_id),
        lambda: _grantable(request, domain_id),
        lambda: _offered(request, domain_id, part),
    )
    domain = got(domain)
    failed = isinstance(offered, ApiError)
    accounts = [] if failed else offered["accounts"]
    context = {"domain": domain, "domain_id": domain_id, **({"offered_error": offered, "part": part} if failed else offered)}
    grantable = _or_wider(request, domain, grantable)
    if isinstance(grantable, ApiError) and request.method == "GET":
        return render(request, "access/add.html", {**context, "error": grantable})
    form = ExistingForm(request, *_to_grant(got(grantable)))
    back = reverse("domain-admins", args=(domain_id,))
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data["typed_id"] or form.cleaned_data["account"]
        known = next((one for one in accounts if str(one.account.id) == typed), None)
        name = known.name if known else typed
        body = {"id": known.account.id if known else typed, "permissions": form.chosen()}
        done = _("%(name)s is now an administrator of this domain.") % {"name": name}
        call = {"target": f"{domain.name or domain_id}: {name}", "done": done, "back": back, "taken": "account"}
        try:
            if answer := save(request, form, domains.ADD_ADMIN, {"domainId": domain_id}, json=body, **call):
                return answer
        except NotFound:  # the domain was there a moment ago, so it is the account
            field = "typed_id" if form.cleaned_data["typed_id"] else "account"
            form.add_error(field, _("This account does not exist, or you cannot see it."))
    return render(request, "access/add.html", {**context, "form": form}, status=form.status)


@require_safe
@part_of("domain-admin-add")
def admin_accounts(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The accounts that are offered for a `search`."""
    return render(request, "access/_accounts.html", _offered(request, domain_id, request.GET.get("search", "").strip()[:200]))


def _offered(request: PortalRequest, domain_id: str, part: str) -> dict[str, Any]:
    page = request.api.page(access_controls.LIST, Admin, size=OFFERED, query={"search": part} if part else {})
    accounts = [Administrator(account, domain_id) for account in page.rows if account.id]
    return {"part": part, "accounts": accounts, "total": page.total}


@require_http_methods(["GET", "POST"])
def admin_new(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Make an account with access to a domain."""
    domain, grantable = together(lambda: read_domain(request, domain_id), lambda: _grantable(request, domain_id))
    domain = got(domain)
    context = {"domain": domain, "domain_id": domain_id}
    grantable = _or_wider(request, domain, grantable)
    if isinstance(grantable, ApiError) and request.method == "GET":
        return render(request, "access/new.html", {**context, "error": grantable})
    form = NewForm(request, *_to_grant(got(grantable)), initial={"language": (domain.defaultLanguage or "EN").upper()})
    back = reverse("domain-admins", args=(domain_id,))
    if request.method == "POST" and form.is_valid():
        login = form.cleaned_data["login"]
        done = _("The account was created. %(name)s is now an administrator of this domain.") % {"name": login}
        call = {"target": f"{domain.name or domain_id}: {login}", "done": done, "back": back, "taken": "login"}
        if answer := save(request, form, domains.ADD_ADMIN, {"domainId": domain_id}, **call):
            return answer
    return render(request, "access/new.html", {**context, "form": form}, status=form.status)


@require_http_methods(["GET", "POST"])
def admin_edit(request: PortalRequest, domain_id: str, admin_id: str) -> HttpResponse:
    """What one administrator may do in a domain."""
    domain, account, grantable = together(
        lambda: read_domain(request, domain_id),
        lambda: request.api.call(domains.READ_ADMIN, Admin, ids={"domainId": domain_id, "adminId": admin_id}),
        lambda: _grantable(request, domain_id),
    )
    domain, admin = got(domain), Administrator(got(account), domain_id)
    context = {"domain": domain, "domain_id": domain_id, "admin": admin, "admin_id": admin_id, "own": _is(request, admin)}
    grantable = _or_wider(request, domain, grantable)
    if isinstance(grantable, ApiError) and request.method == "GET":
        return render(request, "access/edit.html", {**context, "error": grantable})
    form = PermissionsForm(request, *_to_grant(got(grantable), admin.held or []))
    back = reverse("domain-admins", args=(domain_id,))
    if request.method == "POST" and form.is_valid():
        ids = {"domainId": domain_id, "adminId": admin_id}
        done = _("The permissions of %(name)s were changed.") % {"name": admin.name}
        call = {"target": f"{domain.name or domain_id}: {admin.name}", "done": done, "back": back}
        if answer := save(request, form, domains.SET_ADMIN_PERMISSIONS, ids, **call):
            return answer
    return render(request, "access/edit.html", {**context, "form": form}, status=form.status)


@require_http_methods(["GET", "POST"])
def admin_revoke(request: PortalRequest, domain_id: str, admin_id: str) -> HttpResponse:
    """Take an administrator's access away, which may delete the account. Asks first."""

    def ask() -> Question:
        domain, account = together(
            lambda: read_domain(request, domain_id),
            lambda: request.api.call(domains.READ_ADMIN, Admin, ids={"domainId": domain_id, "adminId": admin_id}),
        )
        domain, admin = got(domain), Administrator(got(account), domain_id)
        last = admin.accesses == 1 and not admin.account.sysAdmin
        return Question(
            target=f"{domain.name or domain_id}: {admin.name}",
            url=reverse("domain-admins", args=(domain_id,)),
            title=_("Revoke access of %(name)s?") % {"name": admin.name},
            lines=_meaning(request, admin, domain.name or domain_id),
            button=_("Revoke access and delete account") if last else _("Revoke"),
            head={"domain": domain, "domain_id": domain_id, "tab": "admins"},
            done=_("%(name)s is no longer an administrator of this domain.") % {"name": admin.name},
        )

    ids = {"domainId": domain_id, "adminId": admin_id}
    return confirm(request, domains.REVOKE_ADMIN, ids, ask, done=_("Access was revoked."))


def _meaning(request: PortalRequest, admin: Administrator, domain: str) -> list[str]:
    """What a revocation means, in sentences. An account disappears with its last access (revokeAdminAccess)."""
    lines = [_("%(name)s can no longer administer %(domain)s.") % {"name": admin.name, "domain": domain}]
    others = (admin.accesses or 0) - 1
    if admin.account.sysAdmin:
        lines.append(_("This is a system administrator: the account remains, and so does what it can do everywhere."))
    elif not admin.accesses:
        lines.append(_("If this is the account's last access, the gateway deletes the account."))
    elif others > 0:
        lines.append(
            ngettext(
                "The account remains: it has access to %(count)s other place.",
                "The account remains: it has access to %(count)s other places.",
                others,
            )
            % {"count": others}
        )
    elif request.person.sysadmin:
        lines.append(_("The account has no other access: the gateway deletes the account too."))
    else:  # others may have given it access to what this person does not see
        lines.append(_("As far as you can see, the account has no other access. The gateway deletes accounts without access."))
    if _is(request, admin):
        lines.append(_("This is your own account: you might no longer see the domain yourself."))
    return lines


def _grantable(request: PortalRequest, domain_id: str) -> list[Grantable]:
    """What this person holds on the domain, and may pass on."""
    return _permissions(request, "domain", domain_id)


def _or_wider(request: PortalRequest, domain: domains.Domain, found: list[Grantable] | ApiError) -> list[Grantable] | ApiError:
    """What may be passed on; where nothing may on the domain, what this person holds on its customer and on its broker.

    A list of permissions is "limited to the current user's permissions on the given object" (r:94), and administrators are those
    "of domains, customers or brokers" (r:55): who holds the wider object may hold nothing on the domain itself.
    """
    if domain.customer is None or (not isinstance(found, ApiError) and any(one.editable for one in found)):
        return found
    above = [("customer", domain.customer.id), ("broker", domain.customer.brokerId)]
    asked = [lambda scope=scope, id=id: _permissions(request, scope, id) for scope, id in above if id not in (None, "")]  # type: ignore[misc]
    wider = [one for answer in (together(*asked) if asked else ()) if not isinstance(answer, ApiError) for one in answer]
    if isinstance(found, ApiError) and not wider:
        return found
    may = {one.name for one in wider if one.editable}
    names = dict.fromkeys(one.name for one in [*([] if isinstance(found, ApiError) else found), *wider])
    return [Grantable(name=name, editable=name in may) for name in names]


def _permissions(request: PortalRequest, scope: str, id: str | int | None) -> list[Grantable]:
    return request.api.call(access_controls.PERMISSIONS, list[Grantable], query={"scope": scope, "id": id})


def _to_grant(grantable: list[Grantable], held: Collection[str] = ()) -> tuple[dict[str, bool], set[str]]:
    """All that this person or the administrator holds, and what of it this person may not pass on, and so cannot switch."""
    mine = {one.name: bool(one.editable) for one in grantable if one.name}
    known = dict.fromkeys([*mine, *held])
    return {name: name in held for name in known}, {name for name in known if not mine.get(name)}


def _is(request: PortalRequest, admin: Administrator) -> bool:
    """Is this the account of the person who asks? Never known of the holder of an opaque token, who is not warned then."""
    return bool(request.person.login) and request.person.login.casefold() == (admin.account.login or "").casefold()


urlpatterns = [
    path("domains/<id:domain_id>/access/", domain_access, name="domain-access"),
    path("domains/<id:domain_id>/admins/", domain_admins, name="domain-admins"),
    path("domains/<id:domain_id>/panels/admins/", domain_admins_panel, name="domain-admins-panel"),
    path("domains/<id:domain_id>/add-admin/", admin_add, name="domain-admin-add"),
    path("domains/<id:domain_id>/add-admin/accounts/", admin_accounts, name="domain-admin-accounts"),
    path("domains/<id:domain_id>/new-admin/", admin_new, name="domain-admin-new"),
    path("domains/<id:domain_id>/admins/<id:admin_id>/", admin_edit, name="domain-admin"),
    path("domains/<id:domain_id>/admins/<id:admin_id>/revoke/", admin_revoke, name="domain-admin-revoke"),
]
