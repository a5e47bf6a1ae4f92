from django.core.management.base import BaseCommand

from portal.batches import worker


class Command(BaseCommand):
    help = "Run batches in a process of their own (with BATCH_WORKER=process for the web processes)."

    def handle(self, **options: object) -> None:
        worker.run_forever()
