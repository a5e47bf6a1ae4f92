"""What happens to a mail at each score, derived from the settings of a policy and from nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy as lazy

from portal.pages.policies.form import FIELDS, PolicyForm, ScoreField, days, months, score_text
from portal.ui.pages import PortalRequest

# The properties that have a say in it.
NAMES = (
    "spamScore", "relayProps.spamScoreLimit", "relayProps.relaySpam", "relayProps.prefixSpam", "incoming",
    "quarantine", "quarantineProps.duration", "quarantineProps.storeSpam",
    "retention", "retentionProps.duration", "retentionProps.storeCleanMailIn",
    "archive", "archiveProps.duration", "archiveProps.archiveByCopy", "archiveProps.storeCleanMailIn", "archiveProps.storeSpam",
)  # fmt: skip
SHORTEST = 20.0  # the least that the scale shows; sliders go as far


class TryForm(forms.Form):
    """The score of a mail that somebody imagines."""

    score = ScoreField(label=lazy("A message with a score of"), required=False)


@dataclass(frozen=True)
class Band:
    """The scores from `start` on (None: from the lowest) to below `end` (None: without end), and what happens there.

    `x` and `width` are its place on the scale, in percent, as SVG wants them.
    """

    kind: str  # ok, warn, bad
    start: float | None
    end: float | None
    title: str
    lines: list[str]
    x: str
    width: str

    @property
    def range(self) -> str:
        if self.start is None:
            return _("below %(score)s") % {"score": score_text(self.end or 0)} if self.end is not None else _("any score")
        if self.end is None:
            return _("%(score)s or more") % {"score": score_text(self.start)}
        return _("%(start)s to below %(end)s") % {"start": score_text(self.start), "end": score_text(self.end)}

    def has(self, score: float) -> bool:
        return (self.start is None or score >= self.start) and (self.end is None or score < self.end)


@dataclass(frozen=True)
class Scale:
    """The bands of a policy, from low to high; none where it sets no score. `tried` is a score somebody asks about."""

    bands: list[Band]
    notes: list[str]
    ticks: list[tuple[str, str, str]]  # (place in percent, text-anchor, text)
    tried: float | None
    mark: str  # the place of `tried`, ""
    form: TryForm

    @property
    def tried_text(self) -> str:
        return "" if self.tried is None else score_text(self.tried)

    @property
    def band(self) -> Band | None:
        return next((band for band in self.bands if self.tried is not None and band.has(self.tried)), None)


def values(form: PolicyForm) -> dict[str, Any]:
    """What a form shows at the moment, as the gateway would get it; None where that is no value."""
    found = {}
    for name in NAMES:
        try:
            found[name] = FIELDS[name].clean(form[name].value())
        except forms.ValidationError:
            found[name] = None
    return found


def scale(request: PortalRequest, policy: Mapping[str, Any]) -> Scale:
    """The scale of a policy, given flat, and of the score in the request, if there is one."""
    spam, limit = policy.get("spamScore"), policy.get("relayProps.spamScoreLimit")
    given = request.POST if request.method == "POST" else request.GET
    form = TryForm(given if "score" in given else None, initial={"score": spam})
    tried = (form.cleaned_data.get("score") if form.is_valid() else None) if form.is_bound else spam
    top = max(SHORTEST, *(1.25 * score for score in (spam, limit) if score is not None), 0)
    bands = [] if spam is None else _bands(policy, spam, limit, top)
    ticks = [] if spam is None else [(_percent(spam, top), "start" if spam < top / 20 else "end", score_text(spam))]
    if spam is not None and limit is not None and limit > spam:
        ticks.append((_percent(limit, top), "start", score_text(limit)))
    mark = "" if tried is None else _percent(tried, top)
    return Scale(bands, _notes(policy, spam, limit), ticks, tried, mark, form)


def _bands(policy: Mapping[str, Any], spam: float, limit: float | None, top: float) -> list[Band]:
    never = None if limit is None else max(limit, spam)
    found = []
    if spam > 0:  # there are scores below zero, but a scale from zero on cannot show them
        lines = [_("Delivered."), *_copies(policy, "storeCleanMailIn", True)]
        found.append(Band("ok", None, spam, _("Clean"), lines, "0", _percent(spam, top)))
    if never is None or never > spam:
        delivered = bool(policy.get("relayProps.relaySpam"))
        lines = [*_delivery(policy), *_held(policy, delivered), *_copies(policy, "storeSpam", delivered)]
        width = _percent((top if never is None else never) - spam, top)
        found.append(Band("warn", spam if spam > 0 else None, never, _("Spam"), lines, _percent(spam, top), width))
    if never is not None:
        lines = [_("Never delivered."), *_held(policy, False), *_copies(policy, "storeSpam", False)]
        start = never if never > 0 else None
        found.append(Band("bad", start, None, _("Certain spam"), lines, _percent(never, top), _percent(top - never, top)))
    return found


def _delivery(policy: Mapping[str, Any]) -> list[str]:
    if not policy.get("relayProps.relaySpam"):
        return [_("Not delivered.")]
    if tag := policy.get("relayProps.prefixSpam"):
        return [_("Delivered with “%(tag)s” before the subject.") % {"tag": tag}]
    return [_("Delivered without a tag.")]


def _held(policy: Mapping[str, Any], delivered: bool) -> list[str]:
    time = policy.get("quarantineProps.duration")
    if policy.get("quarantine") and policy.get("quarantineProps.storeSpam"):
        return [_("Held in the quarantine for %(time)s.") % {"time": days(time)} if time else _("Held in the quarantine.")]
    return [] if delivered else [_("Not held either: it is lost.")]


def _copies(policy: Mapping[str, Any], kind: str, delivered: bool) -> list[str]:
    """Where else a copy is, by the property of the services that says so; a copy from the mailbox needs a delivery."""
    found = []
    if policy.get("retention") and policy.get(f"retentionProps.{kind}"):
        time = policy.get("retentionProps.duration")
        found.append(_("Kept for %(time)s.") % {"time": days(time)} if time else _("Kept."))
    by_copy = policy.get("archiveProps.archiveByCopy") and delivered
    if policy.get("archive") and (by_copy or policy.get(f"archiveProps.{kind}")):
        time = policy.get("archiveProps.duration")
        found.append(_("Archived for %(time)s.") % {"time": months(time)} if time else _("Archived."))
    return found


def _notes(policy: Mapping[str, Any], spam: float | None, limit: float | None) -> list[str]:
    """What is odd about the settings."""
    if spam is None:
        return [_("This policy sets no spam threshold.")]
    found = []
    if not policy.get("incoming"):
        found.append(_("Incoming mail is switched off in this policy, so this does not apply yet."))
    if spam <= 0:
        found.append(_("Every message that scores 0 or more is treated as spam."))
    if limit is not None and limit <= spam and policy.get("relayProps.relaySpam"):
        found.append(
            _("Spam is never delivered, although that is switched on: the delivery limit is not above the spam threshold.")
        )
    return found


def _percent(score: float, top: float) -> str:
    return f"{min(max(score / top, 0.0), 1.0) * 100:.2f}"
