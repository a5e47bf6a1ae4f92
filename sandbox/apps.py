from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class SandboxConfig(AppConfig):
    """The embedded gateway: it answers to docs/upstream/openapi.yaml and knows nothing of the portal."""

    name = "sandbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say at the start, and not at each call, that nobody can make sense of the faults."""
        from sandbox import faults

        try:
            faults.parsed(settings.SANDBOX_FAULTS)
        except ValueError as word:
            raise ImproperlyConfigured(f"SANDBOX_FAULTS: {word} is no fault (docs/sandbox.md).") from None
