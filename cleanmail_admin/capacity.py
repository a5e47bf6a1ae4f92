"""How much one process does at once, said here for all: gunicorn's threads, calls side by side, connections to the gateway.

Every thread that can call the gateway has a connection of its own there, so that none waits for another (docs/decisions/0020).
"""

import os

from django.core.exceptions import ImproperlyConfigured


def number(name: str, default: int, most: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= most):
        raise ImproperlyConfigured(f"{name} is a number from 1 to {most}.")
    return int(text)


THREADS = number("THREADS", 32, 64)  # of gunicorn: pages that are made at once. Each makes one call at a time by itself
CALLS_AT_ONCE = number("CALLS_AT_ONCE", 16, 32)  # that go beside those, of all pages together (portal/ui/pages.py)
BATCH_CALLS = 4  # of batches that run in this process
CONNECTIONS = THREADS + CALLS_AT_ONCE + BATCH_CALLS
