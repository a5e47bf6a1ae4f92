"""What a calendar message is about (iCalendar, RFC 5545 and 5546): read for a person, and never acted on."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.utils.translation import gettext as _

MOST_LINES, MOST_PEOPLE, LONGEST_LINE, LONGEST_VALUE = 5000, 20, 4000, 1000
LINE = re.compile(r'([A-Za-z-]{1,40})(;(?:[^":]|"[^"]*")*)?:(.*)')


@dataclass(frozen=True)
class Moment:
    """A time as the message says it: `at` without a zone is one on the clocks of `zone`; a whole day has no time."""

    at: datetime | date
    zone: str = ""

    @property
    def whole_day(self) -> bool:
        return not isinstance(self.at, datetime)


@dataclass
class Invitation:
    """One event with what the message does about it (`method`: REQUEST, CANCEL, REPLY …)."""

    method: str = ""
    uid: str = ""
    title: str = ""
    place: str = ""
    about: str = ""
    organizer: str = ""
    people: list[str] = field(default_factory=list)
    more: int = 0  # people who are not listed
    start: Moment | None = None
    end: Moment | None = None
    repeats: bool = False
    answer: str = ""

    @property
    def kind(self) -> str:
        kinds = {
            "REQUEST": _("Invitation"),
            "CANCEL": _("Cancellation"),
            "REPLY": _("Reply to an invitation"),
            "COUNTER": _("New time proposed"),
        }
        return kinds.get(self.method, _("Calendar event"))

    @property
    def answered(self) -> str:
        answers = {"ACCEPTED": _("accepted"), "DECLINED": _("declined"), "TENTATIVE": _("tentatively accepted")}
        return answers.get(self.answer, "") if self.method == "REPLY" else ""


def invitation(text: str, method: str = "") -> Invitation | None:
    """The first event of a calendar; None where there is none. `method` is the one that the part's own header names."""
    found, inside = Invitation(method=method.upper()), ""
    for line in re.sub(r"\r?\n[ \t]", "", text[:500_000]).splitlines()[:MOST_LINES]:
        read = LINE.match(line.strip()[:LONGEST_LINE])
        if not read:
            continue
        name, said, value = read[1].upper(), read[2] or "", read[3][:LONGEST_VALUE].strip()
        if name == "METHOD":
            found.method = value.upper()
        elif name == "BEGIN" and not inside and value.upper() in ("VEVENT", "VTODO"):
            inside = value.upper()
        elif name == "BEGIN" and inside:
            inside += "/" + value.upper()  # an alarm, with a description of its own
        elif name == "END" and inside:
            inside = inside.rpartition("/")[0]
            if not inside:
                return found
        elif inside and "/" not in inside:
            _read(found, name, said, value)
    return found if inside else None


def _read(found: Invitation, name: str, said: str, value: str) -> None:
    texts = {"SUMMARY": "title", "LOCATION": "place", "DESCRIPTION": "about", "UID": "uid"}
    if name in texts:
        setattr(found, texts[name], re.sub(r"\\(.)", lambda mark: "\n" if mark[1] in "nN" else mark[1], value))
    elif name == "DTSTART":
        found.start = _moment(said, value)
    elif name in ("DTEND", "DUE"):
        found.end = _moment(said, value)
    elif name in ("RRULE", "RDATE"):
        found.repeats = True
    elif name == "ORGANIZER":
        found.organizer = _person(said, value)
    elif name == "ATTENDEE":
        found.answer = found.answer or _parameter(said, "PARTSTAT").upper()
        if len(found.people) < MOST_PEOPLE:
            found.people.append(_person(said, value))
        else:
            found.more += 1


def _person(said: str, value: str) -> str:
    name, address = _parameter(said, "CN"), re.sub(r"^mailto:", "", value, flags=re.IGNORECASE)
    return f"{name} <{address}>" if name and name != address else address


def _parameter(said: str, name: str) -> str:
    found = re.search(rf";{name}=(?:\"([^\"]*)\"|([^;]*))", said, re.IGNORECASE)
    return (found[1] or found[2] or "").strip() if found else ""


def _moment(said: str, value: str) -> Moment | None:
    found = re.match(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?(Z)?)?", value)
    if not found:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
        if not found[4]:
            return Moment(day)
        at = datetime(day.year, day.month, day.day, int(found[4]), int(found[5]), tzinfo=UTC if found[7] else None)
    except ValueError:
        return None
    if not 1 < at.year < 9999:  # at the ends of the calendar a time zone leads out of it
        return None
    return Moment(at, "" if found[7] else _parameter(said, "TZID")[:80])
