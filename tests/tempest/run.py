"""Runs Tempest over tempest.api.volume against a `stele dev` cell and a real Keystone.

    run.py                    the tests of expected.txt; fails unless every one of them passes
    run.py --all              every test; tells what passes that is not in expected.txt, too
    run.py --only REGEX       of these, the tests whose id matches

Started by .ci/tempest with the interpreter of Tempest's environment; STELE_KEYSTONE_PYTHON is that of Keystone's.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import keystone_server
import results
import settings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))
import cell  # noqa: E402 (the clients' suite has it)

FAILURES_SHOWN = 10


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stele-tempest-"))
    started = time.monotonic()
    good = False
    try:
        good = run(arguments, folder)
    except (cell.CellFailed, keystone_server.KeystoneFailed, results.TempestFailed) as error:
        print(f"tempest: {error}", file=sys.stderr)
    print(f"tempest: {'ok' if good else 'FAILED'} after {time.monotonic() - started:.0f} s")
    if good and not arguments.keep:
        shutil.rmtree(folder)
    else:
        print(f"tempest: everything it wrote is in {folder}")
    return 0 if good else 1


def parse_arguments():
    parser = argparse.ArgumentParser(prog="make tempest")
    parser.add_argument("--all", action="store_true", help="run every test, not only those of expected.txt")
    parser.add_argument("--only", metavar="REGEX", default="", help="run the tests whose id matches")
    parser.add_argument("--concurrency", type=int, default=4, help="how many at once")
    parser.add_argument("--keep", action="store_true", help="keep the logs also when all is well")
    return parser.parse_args()


def run(arguments, folder):
    """True when all that is expected to pass passed."""
    with contextlib.ExitStack() as stack:
        print("tempest: starting Keystone and a cell", flush=True)
        identity = stack.enter_context(start_keystone(folder))
        url = stack.enter_context(start_cell(folder, identity)).url
        for kind, name in [("block-storage", "cinder"), ("volumev3", "cinderv3")]:
            identity.add_to_catalogue(kind, name, f"{url}/v3/$(project_id)s")
        workspace = settings.make_workspace(folder, identity, url, program("tempest"))
        expected = set((HERE / "expected.txt").read_text().split())
        known = list_tests(workspace)
        chosen = choose(arguments, known, expected)
        print(f"tempest: {len(chosen)} tests, {arguments.concurrency} at once", flush=True)
        run_tests(workspace, [known[name] for name in chosen], arguments.concurrency)
        outcome = results.read(workspace, program("stestr"))
    return judge(outcome, expected, chosen, arguments)


def start_keystone(folder):
    (folder / "keystone").mkdir()
    identity = keystone_server.Keystone(folder / "keystone", os.environ["STELE_KEYSTONE_PYTHON"])
    identity.log_in()
    return identity


def start_cell(folder, identity):
    """A cell that asks this Keystone. Two backends: some tests place volumes by the backend's name."""
    password = folder / "password-of-stele"
    password.touch(mode=0o600)
    password.write_text(identity.add_service_user("stele", "service"))
    return cell.Cell(
        folder,
        *["--driver", "null", "--backends", "2", "--auth", "keystone", "--keystone-url", identity.url],
        *["--keystone-user", "stele", "--keystone-project", "service", "--keystone-password-file", str(password)],
    )


def program(name):
    """A program of the environment that runs this."""
    return str(pathlib.Path(sys.executable).parent / name)


def list_tests(workspace):
    """The ids that Tempest has, without and with the attributes in brackets that it wants to be given."""
    listed = subprocess.run(
        [program("tempest"), "run", "--list-tests", "--regex", r"^tempest\.api\.volume\."],
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        raise results.TempestFailed(f"tempest run --list-tests: {listed.stdout}{listed.stderr}")
    lines = [line for line in listed.stdout.split() if line.startswith("tempest.")]
    return {line.split("[")[0]: line for line in lines}


def choose(arguments, known, expected):
    unknown = sorted(expected - known.keys())
    if unknown:
        raise results.TempestFailed("expected.txt names what this Tempest does not have:\n  " + "\n  ".join(unknown))
    chosen = known.keys() if arguments.all else expected
    return sorted(name for name in chosen if re.search(arguments.only, name))


def run_tests(workspace, ids, concurrency):
    (workspace / "ids").write_text("\n".join(ids) + "\n")
    # Its exit status says the same as its records, which `results` reads, and less.
    with open(workspace / "run.log", "wb") as log:
        subprocess.run(
            [program("tempest"), "run", "--load-list", "ids", "--concurrency", str(concurrency)],
            cwd=workspace,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def judge(outcome, expected, chosen, arguments):
    passed = {name for name in chosen if outcome.status.get(name) == "success"}
    missing = [name for name in chosen if name in expected and name not in passed]
    print(f"tempest: {len(passed)} of {len(chosen)} passed, {len(missing)} of those that must did not")
    if arguments.all:
        listing("pass, and are not in expected.txt", [name for name in chosen if name in passed - expected])
        listing("do not pass, and need not", [name for name in chosen if name not in passed | expected])
    for name in missing[:FAILURES_SHOWN]:
        print(f"\n--- {name}: {outcome.status.get(name, 'not run')}\n{outcome.why(name)}")
    if len(missing) > FAILURES_SHOWN:
        listing("are to pass, and did not, either", missing[FAILURES_SHOWN:])
    broken = outcome.broken_ends()
    for name in broken[:FAILURES_SHOWN]:
        print(f"\n--- {name}\n{outcome.why(name)}")
    return not missing and not broken and bool(chosen)


def listing(title, names):
    if names:
        print(f"tempest: {len(names)} {title}:\n  " + "\n  ".join(names))


if __name__ == "__main__":
    sys.exit(main())
