"""Writes a SQLite database as SQL: python to_sql.py DATABASE FILE"""

import sqlite3
import sys

with open(sys.argv[2], "w", encoding="utf-8") as file:
    for statement in sqlite3.connect(sys.argv[1]).iterdump():
        file.write(statement + "\n")
