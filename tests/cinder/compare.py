"""Whether `stele` counts as Cinder does: a database is made by the real package, and both are asked.

    python compare.py

STELE_BIN names the program. Exit status 1: the answers differ.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
BIN = pathlib.Path(sys.executable).parent
AS_OF = "2026-11-26T12:00:00Z"
SAID = re.compile(r"^\t(\S+): invalid (usage|reserved) saved=(-?\d+) actual=(-?\d+)$")
DOUBLED = re.compile(r"^\t(\S+): \d+ duplicated usage entries")


def cinder_says(conf, project):
    """What `cinder-manage quota check` prints about a project, and how it ends."""
    command = [BIN / "cinder-manage", "--config-file", conf, "quota", "check", "--project-id", project]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = set()
    # What it says of a doubled counter has no line of its own.
    for line in done.stdout.replace("ignored", "ignored\n").splitlines():
        if doubled := DOUBLED.match(line):
            found.add((doubled[1], "doubled"))
        if said := SAID.match(line):
            found.add((said[1], said[2], int(said[3]), int(said[4])))
    return found, done


def stele_says(database, project):
    command = [os.environ["STELE_BIN"], "replay", "quota", "--check-cinder", database, "--as-of", AS_OF, "--json",
               "--project", project]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = set()
    # Behind the answer stands the failure, when it is one.
    answer, _ = json.JSONDecoder().raw_decode(done.stdout)
    for line in answer["lines"]:
        if line["in_use"] is None:
            continue
        if line["in_use"] != line["rows"]:
            found.add((line["resource"], "usage", line["in_use"], line["rows"]))
        if line["reserved"] != line["reservations"]:
            found.add((line["resource"], "reserved", line["reserved"], line["reservations"]))
        if "CounterDoubled" in line["findings"]:
            found.add((line["resource"], "doubled"))
    return found, done


def main():
    wrong = []

    def expect(what, holds, shown):
        print(f"{'ok' if holds else 'WRONG'}: {what}")
        if not holds:
            wrong.append(what)
            print(shown)

    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/cinder.sqlite"
        make = [sys.executable, HERE / "make_estate.py", f"sqlite:///{database}"]
        subprocess.run(make, check=True, capture_output=True)
        conf = f"{folder}/cinder.conf"
        pathlib.Path(conf).write_text(
            f"[DEFAULT]\nstate_path = {folder}\n[database]\nconnection = sqlite:///{database}\n", encoding="utf-8")
        for project in ("a1fa0000000000000000000000000001", "be7a0000000000000000000000000002"):
            (theirs, asked), (ours, answer) = cinder_says(conf, project), stele_says(database, project)
            expect(f"project {project}: {len(theirs)} findings are the same", theirs and theirs == ours,
                   f"only Cinder: {theirs - ours}\nonly Stele: {ours - theirs}\n{asked.stderr}")
            expect("cinder-manage ends with 0 all the same", asked.returncode == 0, asked)
            expect("drift is exit status 1", answer.returncode == 1 and "CinderQuotaDrift" in answer.stdout, answer)
        _, asked = cinder_says(conf, "9a33a000000000000000000000000003")
        expect("cinder-manage ends with an error at the counter of a deleted type", "KeyError" in asked.stdout + asked.stderr, asked)
        _, answer = stele_says(database, "9a33a000000000000000000000000003")
        expect("which is a finding", "CounterOfNothing" in answer.stdout, answer)
        sync = [BIN / "cinder-manage", "--config-file", conf, "quota", "sync", "--project-id"]
        subprocess.run([*sync, "be7a0000000000000000000000000002"], check=True, capture_output=True)
        ours, answer = stele_says(database, "be7a0000000000000000000000000002")
        expect("after its sync nothing drifts", not ours and answer.returncode == 0, answer)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
