"""Options of a domain: each with the control of its type, its own value against the inherited one, and the way back to that."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.core.validators import RegexValidator, validate_email
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.api import domains
from portal.api.errors import ApiError, NotFound
from portal.api.options import Option, OptionDef
from portal.ui.addresses import below, row_id
from portal.ui.confirm import Question, confirm
from portal.ui.fields import SecretField
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest, got, read_domain, region, together
from portal.ui.save import save
from portal.ui.words import option_name, value_name

SECRET = ("PASSWORD", "CREDENTIALS")  # never shown, whatever the gateway sends
SWITCHES = (("true", "false"), ("1", "0"), ("TRUE", "FALSE"))  # how a BOOL is spelt: a change keeps to what is there
FILTER_FROM = 10  # so many options are read at a glance
MOST_SHOWN = 100  # each is a form of its own
LOOKED_AT = 6  # domains whose options are looked through for names
LONGEST = 10_000  # characters of a value that is typed; what is there already may be longer
HEX = re.compile("#[0-9a-fA-F]{6}")


class OptionForm(PortalForm):
    """One option: `value`, or `secret_value` for what is never shown, and `picked` from the palette beside a colour.

    `spelling` is how on and off are spelt. Saving sets an option here that was inherited (`own` is False), as it is.
    """

    def __init__(self, request: PortalRequest, name: str, *, own: bool, spelling: tuple[str, str], **more: Any) -> None:
        super().__init__(request, **more)
        self.name, self.own, self.spelling = name, own, spelling

    def clean_value(self) -> Any:
        value = self.cleaned_data["value"]
        if not isinstance(value, str):
            return value
        value = value.replace("\r\n", "\n")  # as browsers send the lines of a text
        picked, seen = self.cleaned_data.get("picked"), str(self._seen().get("value") or "")
        return picked if picked and value == seen and picked != _palette(seen) else value

    def text(self) -> str | None:
        """The value as the API takes it, None for a secret that stays as it is."""
        if "secret_value" in self.fields:
            return self.cleaned_data["secret_value"] or None
        value = self.cleaned_data["value"]
        return value if isinstance(value, str) else self.spelling[not value]

    def unchanged(self) -> bool:
        if "secret_value" in self.fields:
            return self.text() is None
        return self.own and "value" not in self.changed()

    def body(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.text()}


@dataclass(frozen=True)
class Row:
    """One option as the page shows it. `key` is its id in the page; `url` is where it is saved."""

    option: Option
    known: OptionDef
    name: str
    form: OptionForm
    url: str
    key: str
    locked: bool  # for system administrators, and this person is none

    @property
    def title(self) -> str:
        return option_name(self.name, self.known.description)

    @property
    def secret(self) -> bool:
        return self.known.type in SECRET

    @property
    def own(self) -> bool:
        """Is a value set here, and not inherited?"""
        return self.option.value is not None

    @property
    def control(self) -> Any:
        return self.form["secret_value" if self.secret else "value"]

    @property
    def picked(self) -> Any:
        return self.form["picked"] if "picked" in self.form.fields else None

    @property
    def shown(self) -> str:
        """What applies, in words."""
        return self._words(_effective(self.option))

    @property
    def inherited(self) -> str:
        return self._words(self.option.parentValue or "")

    def _words(self, value: str) -> str:
        spelling = next((pair for pair in SWITCHES if value in pair), None) if self.known.type == "BOOL" else None
        if spelling:
            return _("on") if value == spelling[0] else _("off")
        return value_name(value) if self.known.type == "LIST" else value

    @property
    def colour(self) -> str:
        """The inherited colour, where it can be drawn."""
        value = self.option.parentValue or ""
        return value if self.known.type == "COLOR" and HEX.fullmatch(value) else ""

    @property
    def reset_url(self) -> str:
        return self.url + "reset/"


@require_safe
def options(request: PortalRequest, domain_id: str) -> HttpResponse:
    """All options of a domain in their groups; `q` is a part of the name or the description."""
    here = reverse("domain-options", args=(domain_id,))
    if request.GET.keys() - {"q"}:  # else an address could fill in all of these forms
        return HttpResponseRedirect(here)
    part = request.GET.get("q", "").strip()[:200]
    domain, listed = together(lambda: read_domain(request, domain_id), lambda: _listed(request, domain_id))
    context: dict[str, Any] = {"domain": got(domain), "domain_id": domain_id, "part": part}
    if isinstance(listed, ApiError):
        return render(request, "options/list.html", {**context, "error": listed})
    found = [known for known in listed if part.casefold() in _words(known.option).casefold()]
    by_group = sorted(found[:MOST_SHOWN], key=lambda known: (known.option.group is None, known.option.group or ""))
    context["groups"] = [
        (title, [_row(request, domain_id, known) for known in group])
        for title, group in groupby(by_group, key=lambda known: known.option.group)
    ]
    context["zones"] = _zones(by_group)
    context |= {"total": len(found), "shown": len(by_group), "filters": part or len(listed) > FILTER_FROM}
    return render(request, "options/list.html", context)


@require_http_methods(["GET", "POST"])
def option(request: PortalRequest, domain_id: str, name: str) -> HttpResponse:
    """One option: by itself, or as the row of the list that htmx replaces. Sets it."""
    domain, row = _one(request, domain_id, name)
    back = reverse("domain-options", args=(domain_id,)) + "#" + row.key
    if request.method == "POST" and row.form.is_valid():
        target, done = f"{domain.name or domain_id}: {name}", _("Setting %(option)s was saved.") % {"option": name}
        call = {"target": target, "done": done, "back": row.url if region(request) else back, "url": back}
        if answer := save(request, row.form, domains.SET_OPTION, {"domainId": domain_id}, taken=row.control.name, **call):
            return answer
    context = {"domain": domain, "domain_id": domain_id, "row": row, "alone": bool(region(request))}
    context["zones"] = _zones([row.option])
    template = "options/_option.html" if region(request) else "options/option.html"
    return render(request, template, context, status=row.form.status)


@require_http_methods(["GET", "POST"])
def option_reset(request: PortalRequest, domain_id: str, name: str) -> HttpResponse:
    """Drop the domain's own value, so that the inherited one applies again. The list does it at once; GET asks."""

    def ask() -> Question:
        domain, row = _one(request, domain_id, name)

        def done() -> str:
            if not row.own or row.secret:
                return inherited
            was = Truncator(row.option.value or "").chars(100) or _("empty")
            return inherited + " " + _("Previous value: %(value)s") % {"value": was}

        return Question(
            target=f"{domain.name or domain_id}: {name}",
            url=reverse("domain-options", args=(domain_id,)) + "#" + row.key,
            title=_("Reset %(option)s?") % {"option": name},
            lines=_lines(row),
            button=_("Use inherited"),
            head={"domain": domain, "domain_id": domain_id, "tab": "options"},
            done=done,
        )

    inherited = _("%(option)s was reset to inherited.") % {"option": name}
    back = _url(domain_id, name) if region(request) else ""
    return confirm(request, domains.DELETE_OPTION, {"domainId": domain_id, "optionName": name}, ask, done=inherited, back=back)


def _lines(row: Row) -> list[str]:
    if not row.own:
        return [_("Nothing is set here: the inherited value already applies.")]
    if row.secret:
        return [_("The value set here is discarded, and no one can read it again. The inherited one applies instead.")]
    own, inherited = (Truncator(text or "").chars(300) or _("empty") for text in (row.option.value, row.option.parentValue))
    return [_("Set here: %(value)s") % {"value": own}, _("Inherited value that will apply: %(value)s") % {"value": inherited}]


class OtherForm(PortalForm):
    """An option that the list does not have. Its type is not known, so its value may be a secret, and is treated as one."""

    name = forms.CharField(
        label=lazy("Setting name"),
        max_length=200,
        widget=forms.TextInput(attrs={"list": "names", "autocomplete": "off", "spellcheck": "false"}),
    )
    private_value = SecretField(
        label=lazy("Value"), required=False, max_length=LONGEST, rows=3, help_text=lazy("An empty value counts as a value.")
    )

    def body(self) -> dict[str, Any]:
        value = self.cleaned_data["private_value"].replace("\r\n", "\n")
        return {"name": self.cleaned_data["name"], "value": value}


@require_http_methods(["GET", "POST"])
def option_other(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Set an option that the list of this domain does not show, by its name."""
    domain, listed = together(lambda: read_domain(request, domain_id), lambda: _listed(request, domain_id))
    domain = got(domain)
    own = {known.option.name for known in listed} if not isinstance(listed, ApiError) else set()
    back = reverse("domain-options", args=(domain_id,))
    form = OtherForm(request)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        if name in own:
            return HttpResponseRedirect(_url(domain_id, name))
        target, done = f"{domain.name or domain_id}: {name}", _("Setting %(option)s was saved.") % {"option": name}
        call = {"target": target, "done": done, "back": back, "taken": "name"}
        if answer := save(request, form, domains.SET_OPTION, {"domainId": domain_id}, **call):
            return answer
    context = {"domain": domain, "domain_id": domain_id, "form": form, "names": sorted(_elsewhere(request, domain_id) - own)}
    return render(request, "options/other.html", context, status=form.status)


def _elsewhere(request: PortalRequest, domain_id: str) -> set[str]:
    """The names of options that some other domains of this person have. Fewer, or none, where the gateway fails."""
    (page,) = together(lambda: request.api.page(domains.LIST, domains.Domain, size=LOOKED_AT))
    rows = [] if isinstance(page, ApiError) else page.rows
    others = [str(row.id) for row in rows if row.id not in (None, "") and str(row.id) != domain_id]
    answers = together(*(_lists(request, other) for other in others)) if others else []
    found = [known.option for answer in answers if not isinstance(answer, ApiError) for known in answer]
    return {known.name for known in found if known.domainScope is not False}


def _lists(request: PortalRequest, domain_id: str) -> Callable[[], Any]:
    return lambda: _listed(request, domain_id)


def _words(known: OptionDef) -> str:
    """What an option can be found by."""
    return f"{known.name} {option_name(known.name or '', known.description)}"


def _listed(request: PortalRequest, domain_id: str) -> list[Any]:
    """The options of a domain, in one call. What has no name cannot be set, and is left out."""
    answer = request.api.call(domains.OPTIONS, list[Option], ids={"domainId": domain_id})
    return [known for known in answer if known.option and known.option.name]


def _one(request: PortalRequest, domain_id: str, name: str) -> tuple[domains.Domain, Row]:
    domain, listed = together(lambda: read_domain(request, domain_id), lambda: _listed(request, domain_id))
    domain = got(domain)
    found = next((known for known in got(listed) if known.option.name == name), None)
    if found is None:
        raise NotFound(domains.OPTIONS.id)
    return domain, _row(request, domain_id, found)


def _row(request: PortalRequest, domain_id: str, found: Any) -> Row:
    known: OptionDef = found.option
    name = str(known.name)
    key = row_id(name)
    return Row(
        option=found,
        known=known,
        name=name,
        form=_form(request, known, _effective(found), key, own=found.value is not None),
        url=_url(domain_id, name),
        key=key,
        locked=bool(known.restricted) and not request.person.may_sysadmin,
    )


def _url(domain_id: str, name: str) -> str:
    return below(reverse("domain-options", args=(domain_id,)), name)


def _effective(found: Option) -> str:
    """What applies: the value set here, else the inherited one."""
    return found.value if found.value is not None else found.parentValue or ""


def _form(request: PortalRequest, known: OptionDef, value: str, key: str, *, own: bool) -> OptionForm:
    """The form of one option, with the control of its type. A present value that we would not accept can be kept."""
    spelling = next((pair for pair in SWITCHES if value in pair), SWITCHES[0])
    label = option_name(known.name or "", known.description)
    fields: dict[str, Any] = {}
    record: dict[str, Any] = {"value": value.replace("\r\n", "\n")}

    longest = max(LONGEST, len(value))

    def text(widget: forms.Widget, check: Callable[[str], None] | None = None, **more: Any) -> forms.CharField:
        def unless_kept(typed: str) -> None:
            if check and typed and typed != value:
                check(typed)

        return forms.CharField(label=label, required=False, max_length=longest, widget=widget, validators=[unless_kept], **more)

    plain = {"spellcheck": "false", "autocomplete": "off"}
    match known.type:
        case "BOOL" if value in (*spelling, ""):
            fields["value"] = forms.BooleanField(label=label, required=False)
            record = {"value": value == spelling[0]}
        case "LIST" if known.values:
            choices = [(one, value_name(one)) for one in known.values]
            present = [] if value in known.values else [(value, value_name(value) or "–")]
            fields["value"] = forms.ChoiceField(label=label, required=False, choices=[*present, *choices])
        case "COLOR":
            attrs = {"type": "color", "aria-label": _("Pick a colour")}
            fields["picked"] = forms.CharField(
                required=False, initial=_palette(value), widget=forms.TextInput(attrs=attrs), validators=[is_colour]
            )
            fields["value"] = text(forms.TextInput(attrs={**plain, "placeholder": "#rrggbb"}), is_colour)
        case "EMAIL":
            fields["value"] = text(forms.EmailInput(attrs={"autocomplete": "off"}), validate_email)
        case "URL":
            fields["value"] = text(forms.URLInput(attrs={**plain, "placeholder": "https://"}), is_url)
        case "HOST":
            fields["value"] = text(forms.TextInput(attrs=plain), is_host)
        case "TIMEZONE":
            fields["value"] = text(forms.TextInput(attrs={**plain, "list": "zones"}), is_time_zone)
        case "TEXT" | "DOC":
            fields["value"] = text(forms.Textarea(attrs={"rows": 4}), strip=False)
        case "PASSWORD" | "CREDENTIALS":
            fields["secret_value"], record = SecretField(label=label, required=False, max_length=longest), {}
        case _other:
            # A text that has come with more lines than one keeps them.
            fields["value"] = text(forms.Textarea(attrs={"rows": 4}), strip=False) if "\n" in value else text(forms.TextInput())
    # A very long text is not carried twice: such an option is set without the look at what others did meanwhile.
    seen = record if len(value) <= LONGEST else {}
    more = {"record": seen, "fields": fields, "initial": record, "auto_id": f"{key}-%s"}
    return OptionForm(request, str(known.name), own=own, spelling=spelling, **more)


def _palette(value: str) -> str:
    """What the palette shows for a value: a browser takes no other form, and shows black for what it cannot read."""
    return value.lower() if HEX.fullmatch(value) else "#000000"


is_colour = RegexValidator(r"\A(?:#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,30})\Z", lazy("Enter a colour such as #1f5f8b."))
is_host = RegexValidator(r"\A[\w.:\[\]-]+\Z", lazy("Enter a host name such as mail.example.com."))


def is_url(value: str) -> None:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        good = False
    if not good:
        raise forms.ValidationError(_("Enter a web address that begins with https://."))


def is_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise forms.ValidationError(_("Enter a time zone such as Europe/Zurich."))


def _zones(shown: list[Any]) -> list[str]:
    """The time zones to choose from, where one of these options wants one."""
    return sorted(available_timezones()) if any(found.option.type == "TIMEZONE" for found in shown) else []


urlpatterns = [
    path("domains/<id:domain_id>/options/", options, name="domain-options"),
    path("domains/<id:domain_id>/options/<id:name>/", option, name="domain-option"),
    path("domains/<id:domain_id>/options/<id:name>/reset/", option_reset, name="domain-option-reset"),
    path("domains/<id:domain_id>/other-option/", option_other, name="domain-option-other"),
]
