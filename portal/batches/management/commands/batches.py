import signal

from django.core.management.base import BaseCommand

from portal.batches import dispatch


class Command(BaseCommand):
    help = "Run batches in a process of their own (with BATCH_WORKER=process for the web processes)."

    def handle(self, **options: object) -> None:
        signal.signal(signal.SIGTERM, dispatch.end)
        signal.signal(signal.SIGINT, dispatch.end)
        dispatch.forever()
