"""`manage.py sandbox seed`: make the embedded gateway's data, and print the tokens to sign in with."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from sandbox import seed


class Command(BaseCommand):
    help = "The embedded gateway: seed its data and print the demo's tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`seed` is the only action so far."""
        parser.add_argument("action", choices=["seed"])
        parser.add_argument("--fresh", action="store_true", help="remove what is there first")

    def handle(self, *, action: str, fresh: bool, **options: Any) -> None:
        """Migrate, seed what is not there yet, and print the tokens."""
        call_command("migrate", "sandbox", database="sandbox", verbosity=0)
        if fresh:
            seed.empty()
        seed.seed()
        for who, token in seed.demo_tokens().items():
            self.stdout.write(f"{who}\n  {token}\n")
