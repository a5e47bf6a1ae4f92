import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

COLUMNS = {
    "email": "email", "first": "firstname", "last": "lastname", "status": "status", "language": "language",
    "creation": "creation_date", "connection": "last_connection_date",
}


def copy(apps, schema_editor):
    """Give every user the customer and the broker of its domain."""
    mine = apps.get_model("sandbox", "Domain").objects.filter(pk=OuterRef("domain"))
    apps.get_model("sandbox", "User").objects.update(
        customer=Subquery(mine.values("customer")[:1]), broker=Subquery(mine.values("customer__broker")[:1]),
    )


def belongs_to(name, **more):
    return {
        "model_name": "user", "name": name,
        "field": models.ForeignKey(
            on_delete=django.db.models.deletion.CASCADE, related_name="+", to=f"sandbox.{name}", **more,
        ),
    }


class Migration(migrations.Migration):

    dependencies = [
        ("sandbox", "0002_the_whole_gateway"),
    ]

    operations = [
        *(migrations.RemoveIndex(model_name="user", name=f"user_by_{name}") for name in COLUMNS),
        *(migrations.AddField(**belongs_to(name, null=True)) for name in ("broker", "customer")),
        migrations.RunPython(copy, migrations.RunPython.noop),
        *(migrations.AlterField(**belongs_to(name)) for name in ("broker", "customer")),
        *(
            migrations.AddIndex(
                model_name="user", index=models.Index(fields=[*scope, column, *whose], name="_".join(("user", *scope, "by", name))),
            )
            for name, column in COLUMNS.items()
            for scope, whose in (
                ((), ("id", "domain", "customer", "broker")), (("domain",), ()), (("customer",), ()), (("broker",), ()),
            )
        ),
    ]
