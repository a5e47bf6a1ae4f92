"""What a WSGI server imports: `gunicorn cleanmail_admin.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cleanmail_admin.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 (only now are there settings)

from portal.batches import worker  # noqa: E402

if settings.BATCH_WORKER == "thread":
    worker.start()
