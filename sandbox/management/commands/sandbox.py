"""`manage.py sandbox serve` and `manage.py sandbox seed`: the gateway alone, for curl and other clients, and its data."""

import os
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from sandbox import seed, seedlarge


class Command(BaseCommand):
    help = "The embedded gateway on its own."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        serve = commands.add_parser("serve", help="serve the API on this machine")
        serve.add_argument("--port", type=int, default=8001)
        make = commands.add_parser("seed", help="make the data where it is missing")
        make.add_argument("--fresh", action="store_true", help="remove what is there first")
        make.add_argument("--scale", choices=("demo", "large"), default="demo")

    def handle(self, *, what: str, **options: Any) -> None:
        try:
            settings.VAR.mkdir(parents=True, exist_ok=True)
            call_command("migrate", database="sandbox", verbosity=0, interactive=False)
            if options.get("fresh"):
                seed.empty()
            seed.seed()
            if options.get("scale") == "large":
                began = time.monotonic()
                counts = ", ".join(f"{number:,} {name}" for name, number in seedlarge.seed(self.stdout.write).items())
                self.stdout.write(f"{counts}: {time.monotonic() - began:.0f} s")
        except (OSError, DatabaseError) as problem:
            raise CommandError(f"The data cannot be written to {settings.VAR}: {problem}") from None
        for who, token in seed.demo_tokens().items():
            self.stdout.write(f"\n  {who}\n  {token}\n")
        if what == "serve":
            self.serve(options["port"])

    def serve(self, port: int) -> None:
        if not 0 < port < 65536:
            raise CommandError(f"{port} is no port.")
        self.stdout.write(f"\n  Sandbox   http://127.0.0.1:{port}\n\n  Stop with Ctrl-C.\n\n")
        self.stdout.flush()
        # In place of this process, so that Ctrl-C and a kill reach the server itself.
        os.environ |= {"BIND": f"127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": "cleanmail_admin.settings"}
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--log-level", "warning", "sandbox.wsgi"])
