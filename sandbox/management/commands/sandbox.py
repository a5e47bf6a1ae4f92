"""`manage.py sandbox serve`, `seed` and `deliver`: the gateway alone, its data, and messages of one's own."""

import os
import sys
import time
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from sandbox import incoming, seed, seedlarge
from sandbox.emails import QUARANTINE


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
        put = commands.add_parser("deliver", help="put messages from files into a mailbox, and print FILE ID for each")
        put.add_argument("--to", required=True, metavar="ADDRESS", help="whose mailbox")
        put.add_argument("--folder", default=QUARANTINE)
        put.add_argument("files", nargs="+", metavar="FILE.eml", help="- for standard input")

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
        if what == "deliver":
            return self.deliver(**options)
        for who, token in seed.demo_tokens().items():
            self.stdout.write(f"\n  {who}\n  {token}\n")
        if what == "serve":
            self.serve(options["port"])

    def deliver(self, *, to: str, folder: str, files: list[str], **_: Any) -> None:
        """Each file that can be is delivered and named on standard output; each that cannot, with its reason, on the other."""
        try:
            target = incoming.folder_for(to, folder)
        except incoming.Unwanted as problem:
            raise CommandError(str(problem)) from None
        most, missing = incoming.largest(target), 0
        for name in files:
            # A file name may be any bytes, and a line stays one.
            shown = name.encode(errors="backslashreplace").decode().replace("\n", "\\n")
            try:
                with nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
                    message = file.read(most + 1)
                if len(message) > most:
                    raise incoming.Unwanted(f"larger than {most // incoming.MEGABYTE} MB, the limit of the mailbox's policy")
                self.stdout.write(f"{shown} {incoming.put(target, message)}")
            except (OSError, DatabaseError, incoming.Unwanted) as problem:
                missing += 1
                self.stderr.write(f"{shown}: {getattr(problem, 'strerror', None) or problem}")
        if missing:
            raise CommandError(f"{missing} of {len(files)} not delivered.")

    def serve(self, port: int) -> None:
        if not 0 < port < 65536:
            raise CommandError(f"{port} is no port.")
        self.stdout.write(f"\n  Sandbox   http://127.0.0.1:{port}\n\n  Stop with Ctrl-C.\n\n")
        self.stdout.flush()
        # In place of this process, so that Ctrl-C and a kill reach the server itself.
        os.environ |= {"BIND": f"127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": "cleanmail_admin.settings"}
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--log-level", "warning", "sandbox.wsgi"])
