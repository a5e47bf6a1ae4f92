"""Faults on request, for people who test a client against the sandbox. Off unless SANDBOX_FAULTS is set.

Words apart by blanks or commas, in SANDBOX_FAULTS and in the header X-Sandbox-Fault, which is heard only where faults are on:
`on` (nothing but to hear the header), `latency=250` (milliseconds), `errors=0.1` (the share of calls that end in 500), and
`getUser=503` (what an operation answers, by its operationId; `*` is all of them).
"""

import random
import re
import time

from django.conf import settings
from django.http import HttpRequest

from sandbox.answers import Refusal

HEADER = "X-Sandbox-Fault"
LONGEST = 60_000  # milliseconds
WORD = re.compile(r"(?P<name>latency|errors|\*|[a-z][A-Za-z]{2,50})=(?P<value>\d{1,5}(?:\.\d{1,6})?)")


def parsed(text: str) -> dict[str, float]:
    """The faults of a text; ValueError for a word that is none."""
    found = {}
    for word in re.split(r"[\s,;]+", text.strip()):
        match = WORD.fullmatch(word)
        if match is None and word not in ("on", ""):
            raise ValueError(word)
        if match:
            name, value = match["name"], float(match["value"])
            if not (value <= LONGEST if name == "latency" else value <= 1 if name == "errors" else 400 <= value <= 599):
                raise ValueError(word)
            found[name] = value
    return found


def maybe(request: HttpRequest, operation: str) -> None:
    """Be slow, or fail, where somebody asked for it."""
    if not settings.SANDBOX_FAULTS:
        return
    faults = parsed(settings.SANDBOX_FAULTS)
    try:
        faults |= parsed(request.headers.get(HEADER, ""))
    except ValueError as word:
        raise Refusal(400, f"{HEADER}: {word} is no fault.", {HEADER: "not a fault"}) from None
    time.sleep(faults.get("latency", 0) / 1000)
    status = faults.get(operation, faults.get("*"))
    if status is None and random.random() < faults.get("errors", 0):  # noqa: S311 - no secret hangs on it
        status = 500
    if status is not None:
        raise Refusal(int(status), "A fault, as requested.")
