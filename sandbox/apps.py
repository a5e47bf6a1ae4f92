from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """The embedded gateway: it answers to docs/upstream/openapi.yaml and knows nothing of the portal."""

    name = "sandbox"
    default_auto_field = "django.db.models.BigAutoField"
