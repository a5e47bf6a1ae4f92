"""New keys without a day on which mail is unsigned: prepare, publish, switch, look, clear up."""

import json
import time
from contextlib import suppress
from dataclasses import asdict

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from portal import session
from portal.api import dkim, domains
from portal.api.errors import NotAllowed, SignedOut
from portal.audit.log import Written
from portal.meaning import dkim as keys
from portal.meaning.rotation import Rotation, Stage, standing
from portal.pages.dkim import check
from portal.pages.dkim.forms import PrepareForm, SwitchForm
from portal.pages.dkim.records import PER_PAGE, commands, read_records, records_of, shown
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest, said
from portal.ui.save import one_click, told


@require_http_methods(["GET", "POST"])
def dkim_rotate(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The page of a rotation, and each of its steps."""
    if not request.person.may_sysadmin:  # nobody starts on a way that ends at a closed door
        raise NotAllowed(dkim.REPLACE.id, needs=dkim.REPLACE.needs)
    here = reverse("domain-dkim-rotate", args=(domain_id,))

    def tell(first: Written) -> HttpResponse:
        return HttpResponseRedirect(here) if first.done else told(request, first, "", here)  # the page shows what is done

    return one_click(request, dkim.REPLACE, lambda: _step(request, domain_id, here), tell)


@sensitive_variables()
def _step(request: PortalRequest, domain_id: str, here: str) -> HttpResponse:
    """Do the step that was asked for, if the rotation is where it can be done; else show where it is."""
    domain, lines = read_records(request, domain_id)
    back, seconds = reverse("domain-dkim", args=(domain_id,)), int(time.time())
    rotation = prepared(request, domain_id)
    state = standing(records_of(lines), rotation, seconds)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    form: PortalForm | None = None
    match state.stage, step:
        case Stage.NO_KEY, _:
            return said(request, _("There is no key to rotate, or its record cannot be read."), back, messages.INFO)
        case (Stage.SWITCHED, "forget") | (Stage.BEGIN | Stage.SWITCHED | Stage.HANDED_OVER | Stage.OVERTAKEN, "finish"):
            forget(request, domain_id)
            return said(request, _("Finished."), back)
        case _, "forget":
            forget(request, domain_id)
            return said(request, _("The prepared key was discarded."), here)
        case Stage.BEGIN, "switch":
            text = _("The prepared key is gone: it lasts only as long as a session. Nothing was changed. Prepare another one.")
            return said(request, text, here, messages.WARNING)
        case Stage.BEGIN, "" | "prepare":
            form = PrepareForm(request, state.records)
            if step and form.is_valid():
                pair, old = form.pair or keys.make_pair(), state.now
                selector = form.cleaned_data["selector"]
                new = Rotation(selector, pair.public, pair.private, old.selector, old.public, prepared=seconds)
                _keep(request, domain_id, new, replace=False)
                return HttpResponseRedirect(here)
        case (Stage.PREPARED, "" | "switch") | (Stage.HANDED_OVER, "") if rotation:
            form = SwitchForm(request, initial={"what": state.digest})
            if step and form.is_valid():
                if form.cleaned_data["what"] != state.digest:
                    text = _("The records have changed since: in another window, or because of a new alias. Check all of them.")
                    return said(request, text, here, messages.WARNING)
                if _switch(request, domain_id, domain, form, rotation, here):
                    return HttpResponseRedirect(here)
        case _ if step:  # a second click, or another window was faster
            return HttpResponseRedirect(here)
    page = Paginator(state.new, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "domain": domain,
        "domain_id": domain_id,
        "rotation": rotation,
        "now": state.now,
        "names": state.names,
        "form": form,
        "at": {Stage.BEGIN: 1, Stage.SWITCHED: 4}.get(state.stage, 2),
        "overtaken": state.stage is Stage.OVERTAKEN,
        "page": page,
        "shown": [shown(record, number) for number, record in enumerate(page)],
        "commands": commands(state.new[0].name) if state.new else [],
        "kept_until": session.ends_at(request) * 1000,
        "old_until": state.keep_old_until * 1000 if state.keep_old_until else None,
        "check": check.answer(since=seconds, soon=True) if state.stage is Stage.SWITCHED else None,
    }
    return render(request, "dkim/rotate.html", context, status=form.status if form and step else 200)


@sensitive_variables()
def _switch(
    request: PortalRequest, domain_id: str, domain: domains.Domain, form: PortalForm, rotation: Rotation, url: str
) -> bool:
    """Hand the prepared pair over. The private key is kept on while nobody knows whether it arrived."""
    pair = keys.read_pair(rotation.private)
    body = {"privateKey": pair.private, "publicKey": pair.public_pem, "selector": rotation.selector}
    target = f"{domain.name or domain_id}: {rotation.old_selector} → {rotation.selector}"
    if not form.submit(dkim.REPLACE, dkim.Lines, target=target, url=url, json=body, ids={"domainId": domain_id}):
        return False
    with suppress(SignedOut):  # in another tab: what was done is told all the same (portal/middleware.py)
        _keep(request, domain_id, Rotation(**{**asdict(rotation), "private": "", "switched": int(time.time())}))
    return True


@sensitive_variables()
def prepared(request: PortalRequest, domain_id: str) -> Rotation | None:
    """What is kept of the domain's rotation."""
    kept = session.kept_secret(request, _kept_as(domain_id))
    return Rotation(**json.loads(kept)) if kept else None


def forget(request: PortalRequest, domain_id: str) -> None:
    session.forget_secret(request, _kept_as(domain_id))


@sensitive_variables()
def _keep(request: PortalRequest, domain_id: str, rotation: Rotation, *, replace: bool = True) -> None:
    session.keep_secret(request, _kept_as(domain_id), json.dumps(asdict(rotation)), replace=replace)


def _kept_as(domain_id: str) -> str:
    return f"dkim {domain_id}"
