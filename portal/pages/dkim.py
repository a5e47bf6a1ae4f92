"""DKIM of a domain: the records that belong into DNS, whether they are there, and the keys that sign.

The gateway has one key for a domain, and signs with a new one from the moment it has it. So new keys are prepared here, and
handed over when their record is published: docs/decisions/0008.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.core.validators import RegexValidator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal import session
from portal.api import dkim, domains, health
from portal.api.errors import ApiError, BadAnswer, NotAllowed, NotFound, SignedOut, TimedOut, TooFast, Unreachable, UpstreamFailed
from portal.audit.log import repeated
from portal.meaning import dkim as keys
from portal.meaning.diagnosis import DKIM_INVALID, Finding, finding
from portal.ui import checks
from portal.ui.confirm import Question, confirm
from portal.ui.fields import SecretField
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest, got, one_time_key, polls, read_domain, region, said, together
from portal.ui.save import save, told

PER_PAGE = 20  # records: each is shown in six forms
ASK_FOR = 600  # seconds that a page goes on asking whether the record is in DNS
PASSING = (TooFast, TimedOut, Unreachable, BadAnswer, UpstreamFailed)  # troubles that may be over a minute later
KEEP_OLD = 7 * 86_400  # seconds: mail that waits somewhere still carries the old signature
selector_rule = RegexValidator(
    rf"\A(?:{keys.SELECTOR.pattern})\Z", lazy("Letters, digits and hyphens, in pieces with dots between; at most 63 in all.")
)


class KeyForm(PortalForm):
    """Where a key pair comes from: made by us or by the gateway, or brought along."""

    source = forms.ChoiceField(label=lazy("Key pair"), choices=(), widget=forms.RadioSelect)
    selector = forms.CharField(
        label=lazy("Selector"),
        required=False,
        max_length=63,
        help_text=lazy("The name of the key, with which its record begins. Empty leaves it to the gateway."),
    )
    privateKey = SecretField(  # noqa: N815 (the API's name)
        label=lazy("Private key"),
        required=False,
        max_length=20_000,
        strip=True,
        rows=6,
        help_text=lazy("RSA, as PEM or as its Base64. It goes to the gateway and is never shown again."),
    )
    publicKey = forms.CharField(  # noqa: N815 (the API's name)
        label=lazy("Public key"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"spellcheck": "false", "rows": 6}),
        help_text=lazy("Only to be compared: it follows from the private key."),
    )
    MAKE = lazy("The gateway makes it (RSA, %(bits)s bits)")
    GROUPS = (
        ("", "", ("source", "selector")),
        (lazy("A pair of your own"), lazy("Only where you bring one along."), ("privateKey", "publicKey")),
    )

    def __init__(self, request: PortalRequest, **kwargs: Any) -> None:
        super().__init__(request, initial={"source": "make", **kwargs.pop("initial", {})}, **kwargs)
        made = str(self.MAKE) % {"bits": keys.BITS}
        choices = (("make", made), ("own", _("I bring a pair of my own")))
        cast(forms.ChoiceField, self.fields["source"]).choices = choices
        self.pair: keys.Pair | None = None  # the one that was brought along

    def clean_selector(self) -> str:
        selector = str(self.cleaned_data["selector"]).strip().lower()
        if selector:
            selector_rule(selector)
        return selector

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """A pair is looked at before it is sent: the gateway signs with whatever it gets."""
        sent = super().clean()
        if "PRIVATE KEY" in self.data.get("publicKey", ""):  # in the wrong box: it does not come back there either
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["publicKey"] = ""  # type: ignore[index]
        private, public = sent.get("privateKey", ""), sent.get("publicKey", "")
        if sent.get("source") != "own":
            if private or public:
                self.add_error("source", _("A key is pasted below. Choose that you bring one along, or empty its box."))
            return sent
        if not private:
            again = _("Paste the private key. It is never kept in a form, so it has to be pasted once more after a correction.")
            self.add_error("privateKey", again)
            return sent
        try:
            self.pair = keys.read_pair(private)
        except ValueError as problem:
            self.add_error("privateKey", str(problem))
            return sent
        if public and keys.bare_public(public) != self.pair.public:
            self.add_error("publicKey", _("This public key does not belong to the private key."))
        return sent

    @sensitive_variables()
    def body(self) -> dict[str, str] | None:
        """What is sent (DkimDTO); None where the gateway is to decide all of it."""
        selector = {"selector": self.cleaned_data["selector"]} if self.cleaned_data["selector"] else {}
        pair = {"privateKey": self.pair.private, "publicKey": self.pair.public_pem} if self.pair else {}
        return {**pair, **selector} or None


class PrepareForm(KeyForm):
    """A pair for a rotation, under a selector that is free."""

    MAKE = lazy("Made here (RSA, %(bits)s bits)")

    def __init__(self, request: PortalRequest, used: list[keys.Record], **kwargs: Any) -> None:
        self.used = {record.selector.lower() for record in used}
        super().__init__(request, initial={"selector": free_selector(self.used)}, **kwargs)
        self.fields["selector"].required = True
        self.fields["selector"].help_text = _("The name of the key, with which its record begins.")
        self.fields["privateKey"].help_text = _("RSA, as PEM or as its Base64. It is never shown again.")
        del self.fields["publicKey"]

    def clean_selector(self) -> str:
        selector = super().clean_selector()
        if selector in self.used:
            raise forms.ValidationError(
                _("The gateway signs under this one now. A rotation needs another name, so that both records can be in DNS.")
            )
        return selector


class SwitchForm(PortalForm):
    """The moment at which the gateway gets the new key."""

    published = forms.BooleanField(label=lazy("I have looked: every new record is in DNS, with exactly this value."))
    what = forms.CharField(widget=forms.HiddenInput, max_length=64)  # which records the person saw: key and names


@dataclass(frozen=True)
class Rotation:
    """A new pair and what it takes the place of: `old` is the record of then, times are in seconds since 1970.

    The private key is gone from here as soon as the gateway has it.
    """

    selector: str
    public: str
    private: str = field(repr=False)
    old_selector: str
    old_public: str
    prepared: int
    switched: int = 0


@dataclass(frozen=True)
class Copy:
    """One form of a record, to be copied. `id` is unique in the page."""

    id: str
    label: str
    text: str
    wide: bool = False


@dataclass(frozen=True)
class Shown:
    """A record with all its forms."""

    record: keys.Record
    copies: list[Copy]


@require_safe
def domain_dkim(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The records of a domain, or how it gets some. `?as=zone` is all of them as lines of a zone file."""
    domain, lines = _asked(request, domain_id)
    if request.GET.get("as") == "zone":
        return _zone_file(domain, _records(lines))
    return _page(request, domain_id, domain, lines)


@require_http_methods(["GET", "POST"])
def dkim_check(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Is it in DNS yet? POST runs the gateway's diagnostic; GET shows the latest one."""
    here = region(request) == "dkim-check"
    if request.method == "POST":
        domain = read_domain(request, domain_id)
        url = reverse("domain-dkim", args=(domain_id,))
        checked = checks.run(request, "DOMAIN", domain_id, domain.name or domain_id, url)
        if here:
            return _panel(request, domain_id, _answer(checked, since=int(time.time())))
        return HttpResponseRedirect(reverse("domain-dkim-check", args=(domain_id,)))
    if here:
        checked = request.api.call(health.READ_DOMAIN, health.EntityHealth, ids={"domainId": domain_id})
        return _panel(request, domain_id, _answer(checked))
    domain, lines, checked = _asked(
        request, domain_id, lambda: request.api.call(health.READ_DOMAIN, health.EntityHealth, ids={"domainId": domain_id})
    )
    return _page(request, domain_id, domain, lines, checked)


@polls
@require_http_methods(["GET", "POST"])
def dkim_check_again(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The same once more, asked by the page itself while it is looked at; `since` is when the person asked.

    The activity log says what people did. They asked once, and that has its line: so this is not done with `act`.
    """
    if request.method == "POST":
        since, failed, checked = _since(request.POST.get("since", "")), None, None
        try:
            checked = request.api.call(health.CHECK_DOMAIN, health.EntityHealth, ids={"domainId": domain_id})
        except SignedOut:
            raise
        except ApiError as error:
            failed = error
        if region(request) == "dkim-check":
            return _panel(request, domain_id, _answer(checked, since=since, failed=failed))
        return HttpResponseRedirect(reverse("domain-dkim-check", args=(domain_id,)))
    return dkim_check(request, domain_id)


@require_http_methods(["GET", "POST"])
def dkim_new(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The first keys of a domain."""
    done = _("The keys are there. Now publish the record.")
    if first := repeated(request.person, dkim.CREATE, request.POST.get("once", "")):
        return told(request, first, done, reverse("domain-dkim", args=(domain_id,)))
    domain, lines = _asked(request, domain_id)
    if _records(lines):
        return said(request, _("This domain has keys already."), reverse("domain-dkim", args=(domain_id,)), messages.INFO)
    return _write_keys(request, domain_id, domain, dkim.CREATE, done)


@require_http_methods(["GET", "POST"])
def dkim_replace(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Other keys at once, for those who cannot wait: a key that got into wrong hands, or one that never worked."""
    domain, lines = _asked(request, domain_id)
    records = _records(lines)
    if not records:
        return HttpResponseRedirect(reverse("domain-dkim", args=(domain_id,)))
    done = _("The keys are replaced. Publish the record now: until it is in DNS, receivers cannot check this domain's mail.")
    return _write_keys(request, domain_id, domain, dkim.REPLACE, done, records)


@require_http_methods(["GET", "POST"])
def dkim_delete(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Asks, then deletes the keys."""
    url = reverse("domain-dkim", args=(domain_id,))
    gone = _("The keys are deleted. Mail of this domain goes out unsigned.")

    def ask() -> Question | HttpResponse:
        domain, lines = _asked(request, domain_id)
        records = _records(lines)
        if not records:
            return said(request, _("This domain has no DKIM keys."), url, messages.INFO)

        def done() -> str:  # what was prepared to take the place of the keys is of no use any more
            session.forget_secret(request, _kept_as(domain_id))
            return gone

        head = {"domain": domain, "domain_id": domain_id, "records": records}
        return Question(domain.name or domain_id, url, head=head, done=done, template="dkim/delete.html")

    return confirm(request, dkim.DELETE, {"domainId": domain_id}, ask, done=gone)


@sensitive_variables()
@require_http_methods(["GET", "POST"])
def dkim_rotate(request: PortalRequest, domain_id: str) -> HttpResponse:
    """New keys without a day on which mail is unsigned: prepare, publish, switch, look, clear up."""
    if not request.person.may_sysadmin:  # nobody starts on a way that ends at a closed door
        raise NotAllowed(dkim.REPLACE.id, needs=dkim.REPLACE.needs)
    domain, lines = _asked(request, domain_id)
    records = [record for record in _records(lines) if record.name]
    here, back = reverse("domain-dkim-rotate", args=(domain_id,)), reverse("domain-dkim", args=(domain_id,))
    if not records:
        return said(request, _("There is no key to rotate, or its record cannot be read."), back, messages.INFO)
    rotation = _rotation(request, domain_id)
    now = records[0]
    done = rotation is not None and (now.selector.lower(), now.public) == (rotation.selector, rotation.public)
    overtaken = rotation is not None and not done and (now.selector, now.public) != (rotation.old_selector, rotation.old_public)
    names = list(dict.fromkeys(record.domain for record in records))
    new = [keys.record_for(rotation.selector, name, rotation.public) for name in names] if rotation else []
    step = request.POST.get("step", "") if request.method == "POST" else ""
    form: PortalForm | None = None
    if step == "forget":
        session.forget_secret(request, _kept_as(domain_id))
        return said(request, _("Finished.") if done else _("The prepared key is dropped."), back if done else here)
    if rotation is None:
        if step == "switch":
            text = _("The prepared key is gone: it lives as long as a session. Nothing was changed; prepare another one.")
            return said(request, text, here, messages.WARNING)
        form = PrepareForm(request, records)
        if step == "prepare" and form.is_valid():
            pair = form.pair or keys.make_pair()
            _keep(request, domain_id, Rotation(
                form.cleaned_data["selector"], pair.public, pair.private, now.selector, now.public, int(time.time()),
            ), replace=False)  # fmt: skip
            return HttpResponseRedirect(here)
    elif step == "prepare" or (step and (done or rotation.switched)):  # a second click, or another window was faster
        return HttpResponseRedirect(here)
    elif not done and not overtaken:
        what = sha256("\0".join(record.line for record in new).encode()).hexdigest()
        form = SwitchForm(request, initial={"what": what})
        if step == "switch" and form.is_valid():
            if form.cleaned_data["what"] != what:
                text = _("Meanwhile the records became others: in another window, or by a new alias. Look at all of them.")
                return said(request, text, here, messages.WARNING)
            if _switch(request, domain_id, domain, form, rotation, here):
                return HttpResponseRedirect(here)
    elif step:
        return HttpResponseRedirect(here)
    page = Paginator(new, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "domain": domain,
        "domain_id": domain_id,
        "rotation": rotation,
        "now": now,
        "names": names,
        "form": form,
        "at": 1 if rotation is None else 4 if done else 2,
        "overtaken": overtaken,
        "page": page,
        "shown": [_shown(record, number) for number, record in enumerate(page)],
        "commands": _commands(new[0].name) if new else [],
        "kept_until": session.ends_at(request) * 1000,
        "old_until": ((rotation.switched or int(time.time())) + KEEP_OLD) * 1000 if rotation else None,
        "check": _answer(None, since=int(time.time()), soon=True) if done else None,
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


def _write_keys(
    request: PortalRequest, domain_id: str, domain: domains.Domain, op: Any, done: str, records: list[keys.Record] | None = None
) -> HttpResponse:
    """The form that both making and replacing keys have."""
    form, back = KeyForm(request), reverse("domain-dkim", args=(domain_id,))
    if request.method == "POST" and form.is_valid():
        call = {"target": domain.name or domain_id, "done": done, "back": back}
        if answer := save(request, form, op, {"domainId": domain_id}, type=dkim.Lines, **call):
            session.forget_secret(request, _kept_as(domain_id))  # a rotation that was begun is about keys of before
            return answer
    context = {"domain": domain, "domain_id": domain_id, "form": form, "records": records, "back": back}
    return render(request, "dkim/key.html", context, status=form.status)


def _asked(request: PortalRequest, domain_id: str, *more: Callable[[], Any]) -> list[Any]:
    """The domain, then the lines of its records and `more`, or what went wrong with each. Raises what did with the domain."""
    domain, *rest = together(
        lambda: read_domain(request, domain_id),
        lambda: request.api.call(dkim.READ, dkim.Lines, ids={"domainId": domain_id}),
        *more,
    )
    return [got(domain), *rest]


def _records(lines: Any) -> list[keys.Record]:
    """The records; none where the domain has no keys, which the gateway says with 404."""
    return [] if isinstance(lines, NotFound) else keys.records(got(lines))


def _page(request: PortalRequest, domain_id: str, domain: domains.Domain, lines: Any, checked: Any = None) -> HttpResponse:
    """The page of the records. The latest diagnostic, or why there is none, is in it where it was asked for."""
    failed = lines if isinstance(lines, ApiError) and not isinstance(lines, NotFound) else None
    records = [] if failed else _records(lines)
    page = Paginator(records, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "domain": domain,
        "domain_id": domain_id,
        "failed": failed,
        "records": records,
        "first": next((record for record in records if record.name), None),
        "page": page,
        "shown": [_shown(record, number) for number, record in enumerate(page)],
        "rotation": _rotation(request, domain_id),
        "make": KeyForm(request) if not records else None,
        "check": _answer(failed=checked)
        if isinstance(checked, ApiError)
        else _answer(checked, name=domain.name or "", records=records),
    }
    return render(request, "dkim/page.html", context)


def _zone_file(domain: domains.Domain, records: list[keys.Record]) -> HttpResponse:
    """All records, one a line, as a file. What we do not understand is left out: it would break somebody's zone."""
    text = "".join(f"{record.zone}\n" for record in records if record.name)
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="dkim.zone.txt"'
    return answer


def _panel(request: PortalRequest, domain_id: str, check: dict[str, Any]) -> HttpResponse:
    if any(one.kind is DKIM_INVALID and one.found for one in check["tests"]):  # beside what DNS has stands what it should have
        domain, lines = _asked(request, domain_id)
        records = keys.records(lines) if isinstance(lines, list) else []
        check["tests"] = _tests(check["checked"], domain.name or "", records)
    return render(request, "dkim/_check.html", {"domain_id": domain_id, "check": check})


def _answer(
    checked: health.EntityHealth | None = None,
    *,
    since: int = 0,
    failed: ApiError | None = None,
    soon: bool = False,
    name: str = "",
    records: Sequence[keys.Record] | None = None,
) -> dict[str, Any]:
    """What `dkim/_check.html` shows. It asks again by itself where `since` (seconds) says when the person has asked.

    The waits grow with the time that has passed, from 15 seconds to 60, and end after ten minutes or when all is well.
    """
    tests = _tests(checked, name, records)
    well = bool(tests) and not any(one.kind for one in tests)
    passed = int(time.time()) - since
    lasting = failed is not None and not isinstance(failed, PASSING)
    wait = min(60, max(15, passed // 3))
    if isinstance(failed, TooFast):
        wait = max(wait, failed.retry_after)
    return {
        "once": one_time_key(),
        "checked": checked,
        "failed": failed,
        "well": well,
        "tests": tests,
        "since": since,
        "over": bool(since) and not well and not lasting and passed >= ASK_FOR,
        "wait": (1 if soon else wait) if since and not well and not lasting and passed < ASK_FOR else 0,
    }


def _tests(checked: health.EntityHealth | None, name: str = "", records: Sequence[keys.Record] | None = None) -> list[Finding]:
    entries = (checked.report.entries or []) if checked and checked.report else []
    return [finding(entry, name, keys=records) for entry in entries if (entry.type or "").upper() == "DKIM"]


def _since(text: str) -> int:
    """When the person asked; never in the future, and no longer ago than matters."""
    now = int(time.time())
    return min(now, max(now - ASK_FOR, int(text))) if text.isascii() and text.isdigit() and len(text) < 12 else now - ASK_FOR


def _shown(record: keys.Record, number: int) -> Shown:
    """A record in every form that a provider of DNS may ask for."""
    if not record.name:
        return Shown(record, [])
    forms_of_it = (
        ("host", _("Host, within the zone %(zone)s") % {"zone": record.domain}, record.host, False),
        ("name", _("Full name"), record.name + ".", False),
        ("value", _("Value"), record.value, True),
        ("strings", _("Value in pieces of 255 bytes"), record.strings, True),
        ("zone", _("Line for a zone file"), record.zone, True),
    )
    return Shown(record, [Copy(f"r{number}-{kind}", label, text, wide) for kind, label, text, wide in forms_of_it])


def _commands(name: str) -> list[Copy]:
    """How to look into DNS from one's own machine. The name has nothing in it that a shell would read."""
    return [
        Copy("ask-nslookup", "Windows", f"nslookup -type=TXT {name}", True),
        Copy("ask-dig", "macOS, Linux", f"dig +short TXT {name}", True),
    ]


def free_selector(used: set[str]) -> str:
    """A name for a new key that tells when it was made."""
    made = time.strftime("dkim%Y%m%d")
    return next(name for name in (made, *(f"{made}-{number}" for number in range(2, len(used) + 3))) if name not in used)


def _kept_as(domain_id: str) -> str:
    return f"dkim {domain_id}"


@sensitive_variables()
def _keep(request: PortalRequest, domain_id: str, rotation: Rotation, *, replace: bool = True) -> None:
    session.keep_secret(request, _kept_as(domain_id), json.dumps(asdict(rotation)), replace=replace)


@sensitive_variables()
def _rotation(request: PortalRequest, domain_id: str) -> Rotation | None:
    kept = session.kept_secret(request, _kept_as(domain_id))
    return Rotation(**json.loads(kept)) if kept else None


urlpatterns = [
    path("domains/<id:domain_id>/dkim/", domain_dkim, name="domain-dkim"),
    path("domains/<id:domain_id>/dkim/check/", dkim_check, name="domain-dkim-check"),
    path("domains/<id:domain_id>/dkim/check/again/", dkim_check_again, name="domain-dkim-check-again"),
    path("domains/<id:domain_id>/dkim/new/", dkim_new, name="domain-dkim-new"),
    path("domains/<id:domain_id>/dkim/replace/", dkim_replace, name="domain-dkim-replace"),
    path("domains/<id:domain_id>/dkim/rotate/", dkim_rotate, name="domain-dkim-rotate"),
    path("domains/<id:domain_id>/dkim/delete/", dkim_delete, name="domain-dkim-delete"),
]
