"""How one likes the dashboard: its language, its colours, its times and the length of its lists."""

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods
from django.views.i18n import set_language

from portal import preferences, session
from portal.ui.pages import PortalRequest, public, said
from portal.ui.screens import safe_next
from portal.ui.tables import PER_PAGE

FOLLOW = ("browser", lazy("Same as browser"))
BY_ITSELF = {"language": "browser", "theme": "browser", "density": "comfortable", "time_zone": "browser", "rows": str(PER_PAGE)}


def zones() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in preferences.choices()["time_zone"]]


class PreferencesForm(forms.Form):
    """What is as it would be by itself is no preference, and not stored."""

    language = forms.ChoiceField(label=lazy("Language"), choices=[FOLLOW, *settings.LANGUAGES])
    theme = forms.ChoiceField(label=lazy("Colours"), choices=[FOLLOW, ("light", lazy("Light")), ("dark", lazy("Dark"))])
    density = forms.ChoiceField(
        label=lazy("Density"), choices=[("comfortable", lazy("Comfortable")), ("compact", lazy("Compact"))]
    )
    time_zone = forms.ChoiceField(label=lazy("Time zone"), choices=lambda: [FOLLOW, *zones()])
    rows = forms.ChoiceField(label=lazy("Rows per page"), choices=[(rows, rows) for rows in ("20", "40", "100", "200")])


@require_http_methods(["GET", "POST"])
def account(request: PortalRequest) -> HttpResponse:
    """The page of all of them. The menu of every page sends one at a time, and leads back to that page (`next`)."""
    present = {**BY_ITSELF, **request.person.preferences}
    form = PreferencesForm({**present, **request.POST.dict()} if request.method == "POST" else None, initial=present)
    if form.is_valid():
        session.prefer(request, form.cleaned_data)
        back = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
            return HttpResponseRedirect(back)
        return said(request, _("Saved."), reverse("account"))
    return render(request, "account.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def columns(request: PortalRequest) -> HttpResponse:
    """Which columns (`column`, many) a `list` has, or (`reset`) that it has those of its own; then back to it at `next`."""
    name = request.POST.get("list", "")
    if name in preferences.LISTS:
        wanted = [] if "reset" in request.POST else request.POST.getlist("column")
        session.prefer(request, {f"columns.{name}": ",".join(wanted)})
    back = safe_next(request, request.POST.get("next", ""))
    return HttpResponseRedirect(reverse("account") if back == "/" else back)


@public
def language(request: HttpRequest) -> HttpResponse:
    """The language switch of every page: for this browser, and for whoever is signed in."""
    if request.method == "POST" and session.person(request, polling=True):
        wanted = request.POST.get("language", "")
        if wanted in preferences.choices()["language"]:
            session.prefer(request, {"language": wanted})
    return set_language(request)


urlpatterns = [
    path("account/", account, name="account"),
    path("account/columns/", columns, name="columns"),
    path("language/", language, name="language"),
]
