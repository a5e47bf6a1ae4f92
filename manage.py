#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cleanmail_admin.settings")
    if sys.argv[1:2] != ["collectstatic"]:  # what it makes is for whoever serves it; databases and keys are for nobody else
        os.umask(0o077)
    if sys.argv[1:2] == ["sandbox"]:  # the embedded gateway is for one's own machine, like `make demo`
        os.environ.setdefault("DEBUG", "1")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:  # a setting is missing: the sentence says which, a traceback would hide it
        sys.exit(str(problem))
