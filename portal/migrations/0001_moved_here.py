import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Only where the models stand has changed: the tables stay as `audit` has made them."""

    initial = True

    dependencies = [
        ('audit', '0002_kept_secrets'),
        ('sessions', '0001_initial'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='SignInAttempt',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField(auto_now_add=True, db_index=True)),
                        ('address', models.CharField(db_index=True, max_length=64)),
                        ('token', models.CharField(db_index=True, max_length=64)),
                    ],
                    options={'db_table': 'audit_signinattempt'},
                ),
                migrations.CreateModel(
                    name='Kept',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=64)),
                        ('sealed', models.TextField()),
                        ('ends', models.DateTimeField(db_index=True)),
                        ('session', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sessions.session')),
                    ],
                    options={
                        'db_table': 'audit_kept',
                        'constraints': [models.UniqueConstraint(fields=('session', 'name'), name='one_secret_a_name')],
                    },
                ),
            ],
        ),
    ]
