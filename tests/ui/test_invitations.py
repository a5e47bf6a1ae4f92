"""What a calendar message is about, for a person who never opens a calendar with it."""

from datetime import UTC, date, datetime

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from portal.meaning.body import take_apart
from portal.meaning.invitations import Moment, invitation

CALENDAR = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Zurich
BEGIN:STANDARD
DTSTART:19701025T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1@a.example
SUMMARY;LANGUAGE=de:Besprechung\\, Quartal;
  vier
DTSTART;TZID="W. Europe Standard Time":20261130T090000
DTEND;TZID="W. Europe Standard Time":20261130T100000
LOCATION:Zimmer 3
ORGANIZER;CN="Frei, Peter":MAILTO:peter@a.example
ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED:mailto:anna@b.example
ATTENDEE:mailto:bo@b.example
RRULE:FREQ=WEEKLY
DESCRIPTION:Zeile eins\\nZeile zwei
BEGIN:VALARM
DESCRIPTION:Alarm
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def test_an_invitation_says_what_when_where_and_who():
    found = invitation(CALENDAR.replace("\n", "\r\n"))
    assert found is not None
    assert (found.method, found.kind, found.title, found.place) == (
        "REQUEST",
        "Invitation",
        "Besprechung, Quartal; vier",
        "Zimmer 3",
    )
    assert found.start == Moment(datetime(2026, 11, 30, 9), "W. Europe Standard Time")
    assert found.end == Moment(datetime(2026, 11, 30, 10), "W. Europe Standard Time")
    assert found.organizer == "Frei, Peter <peter@a.example>"
    assert found.people == ["Anna <anna@b.example>", "bo@b.example"]
    assert found.repeats
    assert found.about == "Zeile eins\nZeile zwei"
    assert found.answered == ""


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("DTSTART:20261130T090000Z", Moment(datetime(2026, 11, 30, 9, tzinfo=UTC))), ("DTSTART;VALUE=DATE:20261130", Moment(date(2026, 11, 30))),
        ("DTSTART:20261130T0900", Moment(datetime(2026, 11, 30, 9))), ("DTSTART:20261399T090000", None), ("DTSTART:soon", None), ("DTSTART:00000101", None),
    ],
)  # fmt: skip
def test_a_time_is_said_with_its_zone_or_as_a_day(line: str, moment: Moment | None):
    found = invitation(f"BEGIN:VEVENT\n{line}\nEND:VEVENT")
    assert found is not None
    assert found.start == moment


def test_cancellations_and_replies_are_told_apart():
    cancelled, reply = (invitation(CALENDAR.replace("REQUEST", method)) for method in ("CANCEL", "REPLY"))
    assert cancelled is not None and cancelled.kind == "Cancellation"
    assert reply is not None and (reply.kind, reply.answered) == ("Reply to an invitation", "accepted")
    assert invitation("BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT", "cancel") == invitation(
        "METHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT"
    )


def test_an_event_is_found_in_a_message_once_and_beside_its_text():
    source = (
        "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: text/plain\n\nHallo\n"
        f"--B\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\n\n{CALENDAR}\n--B--\n"
        f"--A\nContent-Type: application/ics; name=invite.ics\nContent-Disposition: attachment\n\n{CALENDAR}\n--A--\n"
    )
    body = take_apart("", source)
    assert body is not None
    assert body.text == "Hallo"
    assert [event.title for event in body.invitations] == ["Besprechung, Quartal; vier"]
    assert body.files == ["invite.ics"]


def test_what_is_no_calendar_is_none_and_a_huge_one_ends():
    assert invitation("hello") is None
    assert invitation("BEGIN:VCALENDAR\nEND:VCALENDAR") is None
    crowd = invitation("BEGIN:VEVENT\n" + "ATTENDEE:mailto:x@a.example\n" * 1000 + "END:VEVENT")
    assert crowd is not None
    assert (len(crowd.people), crowd.more) == (20, 980)
    assert invitation("BEGIN:VEVENT\n" * 300_000) is not None
    assert invitation("BEGIN:VEVENT\n" + "A;" * 100_000 + "\nX;Y=" + ",z" * 100_000) is not None


@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/New_York"])
@pytest.mark.parametrize("value", ["00010101T000000Z", "99991231T235959Z", "00010101T000000", "99991231T235959"])
def test_an_event_at_the_ends_of_the_calendar_has_no_time_that_could_be_shown(value: str, zone: str):
    event = invitation(f"BEGIN:VEVENT\nDTSTART:{value}\nDTEND:20261130T100000Z\nEND:VEVENT")
    assert event is not None
    assert event.start is None
    with timezone.override(zone):
        assert "2026" in render_to_string("users/_moment.html", {"moment": event.end})
