"""How one likes the dashboard: its language, its colours, its times and the length of its lists."""

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods
from django.views.i18n import set_language

from portal import preferences, session
from portal.ui.pages import PortalRequest, public, said

AS_BROWSER = ("", lazy("As the browser has it"))


class PreferencesForm(forms.Form):
    """What is not chosen is as it would be without a preference."""

    language = forms.ChoiceField(label=lazy("Language"), required=False, choices=[AS_BROWSER, *settings.LANGUAGES])
    theme = forms.ChoiceField(
        label=lazy("Colours"), required=False, choices=[AS_BROWSER, ("light", lazy("Light")), ("dark", lazy("Dark"))]
    )
    time_zone = forms.ChoiceField(
        label=lazy("Time zone"), required=False, choices=lambda: [AS_BROWSER, *((zone, zone) for zone in preferences.choices()["time_zone"])]
    )
    rows = forms.ChoiceField(
        label=lazy("Rows on a page"), required=False, choices=[("", "40"), ("20", "20"), ("100", "100"), ("200", "200")]
    )


@require_http_methods(["GET", "POST"])
def account(request: PortalRequest) -> HttpResponse:
    form = PreferencesForm(request.POST if request.method == "POST" else None, initial=dict(request.person.preferences))
    if form.is_valid():
        session.prefer(request, form.cleaned_data)
        return said(request, _("Saved."), reverse("account"))
    return render(request, "account.html", {"form": form}, status=422 if form.errors else 200)


@public
def language(request: HttpRequest) -> HttpResponse:
    """The language switch of every page: for this browser, and for whoever is signed in."""
    if request.method == "POST" and session.person(request, polling=True):
        wanted = request.POST.get("language", "")
        if wanted in preferences.choices()["language"]:
            session.prefer(request, {"language": wanted})
    return set_language(request)


urlpatterns = [path("account/", account, name="account"), path("language/", language, name="language")]
