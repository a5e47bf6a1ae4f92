from django.db import migrations


class Migration(migrations.Migration):
    """The models stand in `portal` now; their tables stay."""

    dependencies = [
        ('audit', '0002_kept_secrets'),
        ('portal', '0001_moved_here'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name='SignInAttempt'),
                migrations.DeleteModel(name='Kept'),
            ],
        ),
    ]
