"""Every part of a page in every state, for whoever changes how it looks: on one's own machine, and nowhere else."""

import re
from datetime import timedelta
from ipaddress import ip_address

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.api.errors import Unreachable
from portal.ui.fields import SwitchField
from portal.ui.heads import Tab
from portal.ui.pages import public

ICONS = re.findall(r'<symbol id="([a-z]+)"', (settings.BASE_DIR / "static" / "icons.svg").read_text())


class Fields(forms.Form):
    """Texts of this page are not for people who use the dashboard, and so in no catalogue."""

    plain = forms.CharField(label="Text", help_text="What it is for, in one line.", initial="typed")
    wrong = forms.CharField(label="Text that is wrong")
    chosen = forms.ChoiceField(label="Choice", choices=[("a", "One"), ("b", "Another")])
    on = SwitchField(label="Switch, on", initial=True)
    off = SwitchField(label="Switch, off")
    fixed = SwitchField(label="Switch that nobody can change", initial=True, disabled=True)


@public
@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    if not settings.LOCAL or not _from_here(request.META):
        raise Http404
    form = Fields({"plain": "typed", "wrong": "", "chosen": "b", "on": "on"})
    tabs = [Tab("Overview", "#tabs", True), Tab("Users", "#tabs", False), Tab("Health", "#tabs", False)]
    now = timezone.now()
    context = {
        "form": form, "tabs": tabs, "icons": ICONS, "error": Unreachable("listUsers"),
        "times": (now, now - timedelta(hours=5), now - timedelta(days=400)),
    }  # fmt: skip
    return render(request, "styleguide.html", context)


def _from_here(meta: dict[str, str]) -> bool:
    """Not by a proxy on this machine either, who tells for whom it asks."""
    try:
        return ip_address(meta.get("REMOTE_ADDR", "")).is_loopback and "HTTP_X_FORWARDED_FOR" not in meta
    except ValueError:
        return False


urlpatterns = [path("styleguide/", styleguide)]
