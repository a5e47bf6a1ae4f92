"""What has to be there before the first page on one's own machine: the databases, and the sandbox's demo data."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections


def prepare() -> None:
    """Make what is missing. A stamp spares a second start the look through all migrations.

    Raises OSError or DatabaseError where the data folder cannot be written.
    """
    files = Path(settings.BASE_DIR).glob("*/**/migrations/0*.py")
    wanted = "\n".join(
        sorted([settings.DATABASES["default"]["NAME"], *(str(file.relative_to(settings.BASE_DIR)) for file in files)])
    )
    settings.VAR.mkdir(parents=True, exist_ok=True)
    stamp = settings.VAR / "prepared"
    if not stamp.exists() or stamp.read_text() != wanted:
        for database in settings.DATABASES:
            call_command("migrate", database=database, verbosity=0, interactive=False)
        stamp.write_text(wanted)
    if settings.SANDBOX:
        from sandbox import seed

        if not seed.is_seeded():
            seed.seed()
    connections.close_all()
