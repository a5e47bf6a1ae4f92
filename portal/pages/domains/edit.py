"""Domains: new, changed, deleted, restored."""

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.api import domains, policies
from portal.api.errors import ApiError, SignedOut
from portal.meaning.names import domain_name, readable
from portal.meaning.times import moment
from portal.pages.domains.forms import DeleteForm, EditForm, NewForm
from portal.ui import dates
from portal.ui.confirm import Question, confirm
from portal.ui.known import known
from portal.ui.pages import PortalRequest, got, read_domain, said, together
from portal.ui.save import save

MOST_POLICIES = 200  # of a domain, in one call: with more, the default one is chosen by its id


@require_http_methods(["GET", "POST"])
def domain_new(request: PortalRequest) -> HttpResponse:
    """Create a domain (createDomain), with its default policy and its first relay."""
    form = NewForm(request, known(request.api))
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        found_at = reverse("domain-list") + "?" + urlencode({"name": name})
        call = {"target": name, "url": found_at, "taken": "name", "json": form.body()}
        if created := form.submit(domains.CREATE, domains.Domain, **call):
            domain_id = created.answer.id if created.answer else None
            if domain_id is None:  # a second click, or an answer without its id
                same = request.api.page(domains.LIST, domains.Domain, size=1, query={"name": name}).rows
                domain_id = same[0].id if same else None
            shown = f"{name} ({readable(name)})" if readable(name) else name
            if domain_id is None:
                return said(request, _("%(domain)s was created.") % {"domain": shown}, found_at)
            text = _("%(domain)s was created. Next is its setup: this page shows what is left to do.") % {"domain": shown}
            return said(request, text, reverse("domain-hub", args=(domain_id,)) + "?new=1")
    return render(request, "domains/new.html", {"form": form}, status=form.status)


@require_safe
def domain_name_sent(request: PortalRequest) -> HttpResponse:
    """What a typed name is sent as, or why it is none. Asks nobody."""
    typed, sent, problem = request.GET.get("name", "").strip(), "", ""
    try:
        sent = domain_name(typed) if typed else ""
    except forms.ValidationError as wrong:
        problem = " ".join(wrong.messages)
    return render(request, "domains/name.html", {"typed": typed, "sent": sent, "problem": problem})


@require_http_methods(["GET", "POST"])
def domain_edit(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Change a domain (editDomain); only what changed is sent."""
    read, choices, offered = together(
        lambda: read_domain(request, domain_id),
        lambda: request.api.page(policies.LIST, policies.Policy, size=MOST_POLICIES, ids={"domainId": domain_id}),
        lambda: known(request.api),
    )
    domain = got(read)
    back = reverse("domain-hub", args=(domain_id,))
    if domain.status == "DELETED":
        text = _("Nothing was saved: the domain has since been deleted.") if request.method == "POST" else ""
        text = f"{text} ".lstrip() + _("A deleted domain cannot be changed. Restore it first.")
        return _cannot(request, domain, domain_id, text)
    form = EditForm(request, domain, offered, choices)
    if request.method == "POST" and form.is_valid():
        call = {"target": domain.name or domain_id, "done": _("The domain was changed."), "back": back}
        if answer := save(request, form, domains.EDIT, {"domainId": domain_id}, **call):
            return answer
    context = {"domain": domain, "domain_id": domain_id, "form": form}
    return render(request, "domains/edit.html", context, status=form.status)


@require_http_methods(["GET", "POST"])
def domain_delete(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Delete a domain (deleteDomain): says what stops, and asks for the domain's name."""

    def ask() -> Question | HttpResponse:
        domain = read_domain(request, domain_id)
        name = domain.name or domain_id
        if domain.status == "DELETED":
            return _cannot(request, domain, domain_id, _("The domain is already deleted."))
        return Question(
            target=name,
            url=reverse("domain-hub", args=(domain_id,)),
            title=_("Delete %(domain)s?") % {"domain": name},
            lines=_what_stops(domain, name),
            button=_("Delete domain"),
            head={"domain": domain, "domain_id": domain_id},
            form=DeleteForm(request, name),
            done=lambda: _deleted(request, name, domain_id),
        )

    return confirm(request, domains.DELETE, {"domainId": domain_id}, ask, done=_("The domain was deleted."))


@require_http_methods(["GET", "POST"])
def domain_restore(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Undo a deletion (editDomain with a status), as long as the domain is there."""

    def ask() -> Question | HttpResponse:
        domain = read_domain(request, domain_id)
        name, url = domain.name or domain_id, reverse("domain-hub", args=(domain_id,))
        if domain.status != "DELETED":
            text = _("The domain is not deleted, so there is nothing to restore.")
            post = request.method == "POST"
            return said(request, text, url, messages.INFO) if post else _cannot(request, domain, domain_id, text)
        return Question(
            target=name,
            url=url,
            title=_("Restore %(domain)s?") % {"domain": name},
            lines=[
                _("Its services start again, with its users, policies, relays and rules as they were."),
                _("Mail arrives again as soon as its MX records point to this gateway. Check its health afterwards."),
            ],
            button=_("Restore domain"),
            kind="primary",
            head={"domain": domain, "domain_id": domain_id, "tab": "restore"},
            write={"json": {"status": "ENABLED"}},
            done=_("%(domain)s was restored.") % {"domain": name},
        )

    return confirm(request, domains.EDIT, {"domainId": domain_id}, ask, done=_("The domain was restored."))


def _cannot(request: PortalRequest, domain: domains.Domain, domain_id: str, text: str) -> HttpResponse:
    """The page of something that the domain's state does not allow."""
    context = {"domain": domain, "domain_id": domain_id, "text": text}
    return render(request, "domains/cannot.html", context, status=409 if request.method == "POST" else 200)


def _what_stops(domain: domains.Domain, name: str) -> list[str]:
    """What a deletion means, from the domain itself."""
    users = domain.activeUsersCount or 0
    aliases = [alias.name for alias in domain.domainAliases or () if alias.name]
    lines = [
        _("The gateway immediately stops accepting mail for %(domain)s, and stops checking what it sends.") % {"domain": name}
    ]
    lines += [_("Its users are deleted too (active: %(count)s) and no longer see their held messages.") % {"count": users}]
    if aliases:
        names = ", ".join(aliases[:5]) + (" …" if len(aliases) > 5 else "")
        lines += [_("Its aliases stop working too (%(count)s): %(names)s.") % {"count": len(aliases), "names": names}]
    stops = _("Policies (%(policies)s), relays (%(relays)s) and rules stop working too.")
    lines += [stops % {"policies": domain.policiesCount or 0, "relays": len(domain.platforms or ())}]
    lines += [_("This can be undone for some time. The gateway sets the last day when it deletes, and you will see it then.")]
    return lines


def _deleted(request: PortalRequest, name: str, domain_id: str) -> str:
    """What is said after a deletion: until when it can be undone, where the gateway tells."""
    try:
        at = moment(read_domain(request, domain_id).purgeDate)
    except SignedOut:
        raise
    except ApiError:
        at = None
    if at is None:
        return _("%(domain)s was deleted.") % {"domain": name}
    told = _("%(domain)s was deleted. It can be restored until %(day)s; after that it is removed permanently.")
    return told % {"domain": name, "day": dates.day(timezone.localtime(at))}
