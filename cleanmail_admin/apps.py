"""What `manage.py check --deploy` says of how this is set up, beside what Django says."""

from pathlib import Path
from stat import S_IROTH
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


class Project(AppConfig):
    name = "cleanmail_admin"

    def ready(self) -> None:
        register(deployment, Tags.security, deploy=True)


def deployment(**kwargs: Any) -> list[CheckMessage]:
    """Database files that everybody on the machine can read, and tokens that travel in the clear."""
    files = [Path(one["NAME"]) for one in settings.DATABASES.values() if one["ENGINE"].endswith("sqlite3")]
    found: list[CheckMessage] = [
        Error(
            f"Every account of this machine can read the database {file}.",
            hint=f"The keys of open sessions are in it: chmod 600 {file}",
            id="cleanmail_admin.E001",
        )
        for file in files
        if file.is_file() and file.stat().st_mode & S_IROTH
    ]
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                "ALLOWED_HOSTS has a *: whoever asks says under which name this site is known.",
                hint="List the names that people use.",
                id="cleanmail_admin.W002",
            )
        )
    if settings.ALLOW_HTTP_GATEWAY:
        found.append(
            Warning(
                "ALLOW_HTTP_GATEWAY is set: whoever is on the way to the gateway can read the tokens.",
                hint="Give the gateway a certificate and an https:// address.",
                id="cleanmail_admin.W001",
            )
        )
    return found
