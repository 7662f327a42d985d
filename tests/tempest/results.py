"""What stestr recorded: which tests passed, and why the others did not."""

import io
import re
import subprocess

import subunit
import testtools

LINES_SHOWN = 25
# The cleaning up of security groups, when a class gives its users back, finds no such service in the catalogue.
NO_NEUTRON = re.compile(r"(?sm)in cleanup_default_secgroup\b.*EndpointNotFound.*^Service: network,")


class TempestFailed(Exception):
    """Tempest did not run, or left no record."""


class Outcome:
    """The status of each test by its id without attributes, and the traces of what failed."""

    def __init__(self):
        self.status = {}
        self._traces = {}

    def record(self, test):
        """Takes in one test's end, as testtools describes it."""
        name = test["id"].split("[")[0]
        self.status[name] = test["status"]
        trace = [text.as_text() for key, text in test["details"].items() if key.startswith(("traceback", "reason"))]
        self._traces[name] = "\n".join(trace).strip()

    def broken_ends(self):
        """The ends of classes that failed on something else than the Neutron that `settings` invents."""
        ends = [name for name, status in self.status.items() if name.startswith("tearDownClass ") and status == "fail"]
        return sorted(name for name in ends if not NO_NEUTRON.search(self._traces[name]))

    def why(self, name):
        """The end of the trace of a test, or of its class's preparation when that failed."""
        trace = self._traces.get(name)
        if not trace:
            owner = name.rsplit(".", 1)[0]
            trace = next((self._traces[key] for key in self._traces if f"({owner})" in key), "no trace was left")
        return "\n".join(trace.splitlines()[-LINES_SHOWN:])


def read(workspace, stestr):
    """The outcome of the last run in a workspace."""
    last = subprocess.run([stestr, "last", "--subunit"], cwd=workspace, stdin=subprocess.DEVNULL, capture_output=True)
    outcome = Outcome()
    sink = testtools.StreamToDict(outcome.record)
    stream = subunit.ByteStreamToStreamResult(io.BytesIO(last.stdout), non_subunit_name="stdout")
    sink.startTestRun()
    stream.run(sink)
    sink.stopTestRun()
    if not outcome.status:
        raise TempestFailed(f"no results: {last.stderr.decode(errors='replace')}\nsee {workspace}/run.log")
    return outcome
