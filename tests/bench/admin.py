"""Django's admin as most people would set it up: a list of eight columns, and of as many as our own list of users has."""

from django.contrib import admin
from django.urls import path

from tests.bench.models import User

COLUMNS = ("email", "firstname", "lastname", "status", "language", "policy", "created", "seen")


class UserAdmin(admin.ModelAdmin):
    list_display = COLUMNS
    list_per_page = 40
    search_fields = ("email",)


admin.site.register(User, UserAdmin)
urlpatterns = [path("admin/", admin.site.urls)]
