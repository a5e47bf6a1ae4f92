"""Messages are stored in English and translated when they are shown: those of before follow the words of today."""

from django.db import migrations

WORDS = {
    "Infected: release it by itself, where the page says what that means.": "Infected: release it individually, after reading the warning.",
    "It is not in this folder any more.": "It is no longer in this folder.",
    "Your account may not release it.": "Your account cannot release it.",
    "It was released already, and is not sent a second time.": "It was already released. It was not sent again.",
    "Tried before. Check the inbox before you repeat it.": "Already tried. Check the inbox before you repeat it.",
    "No clear answer came. Check the inbox before you repeat it.": "No clear answer. Check the inbox before you repeat it.",
    "This domain is not there any more, or your account may not see it.": "This domain no longer exists, or your account cannot see it.",
    "Your account may not run its diagnostic.": "Your account cannot run its health check.",
    "Tried before, and how it ended is not known.": "Already tried; the result is unknown.",
    "No clear answer came. Run the diagnostic again.": "No clear answer. Run the health check again.",
    "The session is over. Sign in and resume.": "Your session has ended. Sign in and resume the job.",
    "The worker was interrupted here. Check before you repeat it.": "The job was interrupted here. Check before you repeat it.",
    "Takes no mail": "Accepts no mail",
    "Another failure": "Other failure",
    "Reported without a failed test": "Problem without a failed test",
}


def rename(apps, schema_editor):
    database = schema_editor.connection.alias
    for before, now in WORDS.items():
        apps.get_model("batches", "Row").objects.using(database).filter(message=before).update(message=now)
        apps.get_model("batches", "Batch").objects.using(database).filter(why=before).update(why=now)


class Migration(migrations.Migration):
    dependencies = [("batches", "0003_rows_with_payloads")]
    operations = [migrations.RunPython(rename, migrations.RunPython.noop, elidable=True)]
