"""What a whole diagnostic of the gateway means in plain words (openapi: EntityHealth); its tests are in findings.py."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _, ngettext

from portal.api.health import DiagnosticEntry, EntityHealth, HealthRecord
from portal.meaning import dkim
from portal.meaning.findings import (
    CODES,
    OK,
    OTHER,
    RANK,
    UNEXPLAINED,
    WARN,
    Finding,
    Kind,
    finding,
    kind_of,
    required_hosts,
    short,
)

MOST_TESTS, MOST_LETTERS = 200, 250_000  # of a report, and of what the gateway saw in all of its tests
MOST_PROBLEMS = 20  # of one report, as chips


@dataclass(frozen=True)
class Diagnosis:
    """A whole report: how bad it is, one sentence, and its tests, the worst first. `seconds` since 1970, None if unknown."""

    level: str
    text: str
    findings: list[Finding]
    seconds: int | None = None
    works: bool | None = None  # the gateway's verdict, see `works`
    more: int = 0  # tests that are not listed


@dataclass(frozen=True)
class Problem:
    """What failed, as a chip: the kind's name, or the gateway's own word where it is new to us."""

    kind: Kind
    code: str = ""  # of a result that is new to us

    @property
    def word(self) -> str:
        return short(self.code) or self.kind.name


@dataclass(frozen=True)
class Failing:
    """Something that the gateway reports as failing; without problems once it is well again."""

    id: str
    type: str  # "DOMAIN", "PLATFORM" (a relay), or the gateway's own word
    name: str
    problems: list[Problem]
    tests: int  # that failed
    seconds: int | None
    saw: str = ""  # the first line of a failed test, where the name alone says little: many relays have the same

    @property
    def level(self) -> str:
        return self.problems[0].kind.level if self.problems else OK

    @property
    def key(self) -> str:
        """For the row's id in the page: a domain and a relay may have the same id."""
        return f"{self.type} {self.id}"

    @property
    def type_name(self) -> str:
        """What it is, where it is no domain."""
        return {"DOMAIN": "", "PLATFORM": _("relay")}.get(self.type, self.type[:40])

    @property
    def may_run(self) -> bool:
        """Can its diagnostic be run? What is no domain is tried as a relay: no type is documented (r:5930)."""
        return bool(self.id)


def works(report: HealthRecord | None) -> bool | None:
    """The gateway's verdict, which may hold although a test failed; without one, that of the tests, or None."""
    if report is None or report.status is not None:
        return report.status if report else None
    return all(test.result == "OK" for test in report.entries) if report.entries else None


def problems(health: EntityHealth | None, about: str = "DOMAIN") -> list[Problem]:
    """The kinds of failure in a report, the worst first, each once. None when all is well and the gateway says so, too."""
    report = health.report if health else None
    kinds: dict[tuple[str, str], Problem] = {}
    for test in (report.entries if report else None) or ():
        if kind := kind_of(test, about):
            code = (test.result or test.type or "") if kind is OTHER else ""
            kinds[kind.id, code] = Problem(kind, code)
    if not kinds and not works(report):
        return [Problem(UNEXPLAINED)]
    return sorted(kinds.values(), key=lambda problem: RANK[problem.kind.id])[:MOST_PROBLEMS]


def failing_entry(entry: DiagnosticEntry) -> Failing:
    """An entry of getHealthErrors, or one whose diagnostic was just run."""
    type = entry.type or "DOMAIN"
    report = entry.health.report if entry.health else None
    failed = [test for test in (report.entries if report else None) or () if kind_of(test, type)]
    id = "" if entry.id is None else str(entry.id)
    seconds = entry.health.performedAt if entry.health else None
    saw = "" if type == "DOMAIN" else next((short(test.output[0], 120) for test in failed if test.output), "")
    return Failing(id, type, entry.name or id or "?", problems(entry.health, type), len(failed), seconds, saw)


def failing_entries(entries: Iterable[DiagnosticEntry]) -> list[Failing]:
    """What getHealthErrors answers, the worst first: by kind, then more failed tests, then longer known, then by name."""
    rows = []
    for entry in entries:
        row = failing_entry(entry)
        if not row.problems:  # listed as failing, so it is; only the report does not say how
            row = replace(row, problems=[Problem(UNEXPLAINED)])
        rows.append(row)
    return sorted(rows, key=lambda row: (RANK[row.problems[0].kind.id], -row.tests, row.seconds or 0, row.name.casefold()))


def diagnosis(
    health: EntityHealth | None,
    name: str = "",
    *,
    about: str = "DOMAIN",
    keys: Sequence[dkim.Record] | None = None,
    hosts: Sequence[str] = (),
) -> Diagnosis:
    """A report in words.

    `name` is the domain's name. `about` is the type of what was tested, "PLATFORM" for a relay. `keys` are the records of
    getDkim: none for a domain without keys, None where they are not known. `hosts` are the gateway's mail servers, where
    another report has named them and this one does not.
    """
    report = health.report if health else None
    tests = [(kind_of(test, about), test) for test in (report.entries if report else None) or ()]
    tests.sort(key=lambda pair: RANK[pair[0].id] if pair[0] else len(RANK))
    failed = [kind for kind, _test in tests if kind]
    findings, room = [], MOST_LETTERS
    for _kind, test in tests[:MOST_TESTS]:
        told = finding(test, name, about=about, keys=keys, hosts=hosts)
        log = _until(room, told.log)
        room -= sum(map(len, log))
        findings.append(replace(told, log=log))
    fine = works(report)
    if failed:
        text = ngettext("One test failed.", "%(count)s tests failed.", len(failed))
        if fine:
            text = ngettext(
                "One test failed. The gateway still reports everything as OK.",
                "%(count)s tests failed. The gateway still reports everything as OK.",
                len(failed),
            )
        text, level = text % {"count": len(failed)}, WARN if fine else str(failed[0].level)
    elif fine:
        text, level = (
            _("Everything is fine.") if findings else _("The gateway reports that everything is fine, but lists no tests."),
            OK,
        )
    else:
        text = _("The gateway reports a problem, although no test failed.") if findings else _("The gateway has no report.")
        level = WARN
    more = len(tests) - len(findings)
    return Diagnosis(level, text, findings, health.performedAt if health else None, fine, more)


def _until(letters: int, lines: list[str]) -> list[str]:
    """The first lines of a log that have no more letters than these."""
    for place, line in enumerate(lines):
        letters -= len(line)
        if letters < 0:
            return [*lines[:place], "…"]
    return lines


def last_words(health: EntityHealth) -> str:
    """The last line that the gateway wrote about each test that failed, for a list."""
    tests = (health.report.entries if health.report else None) or ()
    return " · ".join(dict.fromkeys(short(test.output[-1], 160) for test in tests if kind_of(test) and test.output))[:500]


def hosts_of(entries: Iterable[DiagnosticEntry]) -> list[str]:
    """The gateway's mail servers, as the first report that names them does: all domains of one gateway have the same."""
    for entry in entries:
        for test in (entry.health.report.entries if entry.health and entry.health.report else None) or ():
            if test.result in CODES and (hosts := required_hosts(test)):
                return hosts
    return []
