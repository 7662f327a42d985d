"""Serves Keystone on 127.0.0.1: `python serve_keystone.py PORT`. OS_KEYSTONE_CONFIG_FILES names its configuration."""

import sys

# Before the import: Keystone reads the rest of the command line itself.
PORT = int(sys.argv.pop())

import waitress  # noqa: E402
from keystone.wsgi.api import application  # noqa: E402

# One thread: SQLite refuses a transaction that reads first and writes later when another has written in between.
waitress.serve(application, host="127.0.0.1", port=PORT, threads=1)
