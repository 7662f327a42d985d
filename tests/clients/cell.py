"""A `stele dev` process: started, waited for, ended by its own id. The Tempest suite uses it too."""

import os
import pathlib
import select
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

#: The cell says `ready` within its own limit of 60 s or gives up; this is only for a cell that hangs.
READY_WITHIN = 90


class CellFailed(Exception):
    """The cell did not start, or ended on its own."""


class Cell:
    """A whole cell on loopback. `url` is where its HTTP answers, without a path."""

    def __init__(self, folder, *arguments):
        """Starts `stele dev` with its data and its log in `folder`, and returns when all of it answers."""
        stele = os.environ.get("STELE_BIN", str(ROOT / "target/debug/stele"))
        self.log = pathlib.Path(folder) / "stele.log"
        self.command = [stele, "dev", "--data", str(pathlib.Path(folder) / "data"), "--nats-port", "0"]
        self.command += ["--http", "127.0.0.1:0", *arguments]
        # Its stdin is closed and its session its own: an interrupt at the keyboard is for the suite, which ends the
        # cell in its turn.
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={"RUST_LOG": "warn", **os.environ},
                start_new_session=True,
            )
        try:
            self.url = self._ready()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _ready(self):
        deadline = time.monotonic() + READY_WITHIN
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise CellFailed(f"no `ready` within {READY_WITHIN} s from {self._name()}\n{self.log_end()}")
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                raise CellFailed(f"{self._name()} ended before it was ready\n{self.log_end()}")
            line += more
        words = line.decode().split()
        if len(words) != 3 or words[0] != "ready":
            raise CellFailed(f"{self._name()} said {line!r}, not `ready URL NATS`")
        return words[1].rstrip("/")

    def _name(self):
        return " ".join(self.command)

    def log_end(self, lines=30):
        """The last lines that it logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        """Asks it to end, and insists after a while. Repeating this is harmless."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
