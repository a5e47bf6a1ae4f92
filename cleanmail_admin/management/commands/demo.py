"""`make demo`: the dashboard on the embedded sandbox, in one command."""

import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from cleanmail_admin.prepare import prepare

ROLES = ("system administrator", "customer's administrator", "helpdesk, reads only", "end user with a mailbox")


class Command(BaseCommand):
    help = "Make the databases and the demo data where they are missing, print the tokens, and serve."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--prepare", dest="only_prepare", action="store_true", help="stop before serving")

    def handle(self, *, port: int, only_prepare: bool, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("The demo runs on the sandbox: unset CLEANMAIL_API_URL.")
        from sandbox.seed import demo_tokens

        if not 0 < port < 65536:
            raise CommandError(f"{port} is no port.")
        if not only_prepare:
            _port_is_free(port)
        try:
            prepare()
            tokens = demo_tokens()
        except (OSError, DatabaseError) as problem:
            raise CommandError(f"The demo data cannot be written to {settings.VAR}: {problem}") from None
        self.stdout.write(f"\n  Cleanmail Admin   http://127.0.0.1:{port}\n\n  Sign in with one of these tokens:\n")
        for role, token in zip(ROLES, tokens.values(), strict=True):
            self.stdout.write(f"\n  {role}\n  {token}\n")
        self.stdout.write("\n  Stop with Ctrl-C. `make clean` removes the data.\n\n")
        self.stdout.flush()
        if not only_prepare:
            # In place of this process, so that Ctrl-C and a kill reach the server itself.
            os.environ |= {"BIND": f"127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": "cleanmail_admin.settings"}
            os.environ.setdefault("SANDBOX_APP_URL", f"http://127.0.0.1:{port}")  # links in its mails lead here
            os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--log-level", "warning", "cleanmail_admin.wsgi"])


def _port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(f"Port {port} is taken. Try: make demo PORT={port + 1}") from None
