"""A real Keystone on loopback: SQLite, Fernet tokens, and the entries that a cell and Tempest need."""

import json
import os
import pathlib
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
READY_WITHIN = 60

#: Everything that can be cheap is: hashes of 4 rounds, no wait for the disk, tokens that are looked up once.
CONFIGURATION = """\
[DEFAULT]
use_stderr = false
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.db?timeout=60
sqlite_synchronous = false
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = oslo_cache.dict
"""


class KeystoneFailed(Exception):
    """Keystone did not start, or refused something."""


class Keystone:
    """A Keystone process. `url` ends in /v3."""

    region = "RegionOne"

    def __init__(self, folder, python):
        """Makes its database in `folder`, starts it with the interpreter `python`, and waits until it answers."""
        self.folder = pathlib.Path(folder)
        self.python = pathlib.Path(python)
        self.admin_password = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{free_port()}/v3"
        self.token = None
        self._make()
        with open(self.folder / "serve.log", "wb") as log:
            self.process = subprocess.Popen(
                [str(self.python), str(HERE / "serve_keystone.py"), str(self.url.split(":")[2].split("/")[0])],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it. Repeating this is harmless."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _environment(self):
        configuration = str(self.folder / "keystone.conf")
        quiet = {"PYTHONWARNINGS": "ignore"}
        return {**os.environ, "OS_KEYSTONE_CONFIG_FILES": configuration, **quiet}

    def _make(self):
        for folder in [self.folder, self.folder / "fernet", self.folder / "credential"]:
            folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "keystone.conf").write_text(CONFIGURATION.format(folder=self.folder))
        self._manage("db_sync")
        self._manage("fernet_setup", "--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
        urls = [word for kind in ["admin", "public", "internal"] for word in [f"--bootstrap-{kind}-url", self.url]]
        region = ["--bootstrap-region-id", self.region]
        self._manage("bootstrap", "--bootstrap-password", self.admin_password, *urls, *region)

    def _manage(self, *arguments):
        program = self.python.parent / "keystone-manage"
        done = subprocess.run(
            [str(program), "--config-file", str(self.folder / "keystone.conf"), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self._environment(),
        )
        if done.returncode != 0:
            raise KeystoneFailed(f"keystone-manage {arguments[0]}: {done.stdout}{done.stderr}")

    def _wait(self):
        deadline = time.monotonic() + READY_WITHIN
        while True:
            if self.process.poll() is not None:
                raise KeystoneFailed((self.folder / "serve.log").read_text(errors="replace"))
            try:
                urllib.request.urlopen(self.url, timeout=10).close()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise KeystoneFailed(f"{self.url} does not answer: {error}") from error
                time.sleep(0.1)

    def call(self, method, path, body=None):
        """A request as the administrator; its answer's JSON, or None when there is none."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.token = answer.headers.get("X-Subject-Token") or self.token
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise KeystoneFailed(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error
        return json.loads(text) if text else None

    def log_in(self):
        """Takes a token as the administrator, for `call`."""
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": self.admin_password}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "admin", "domain": domain}}
        self.call("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})

    def add_service_user(self, name, project):
        """A user that may check the tokens of others: role `service` and nothing more. Returns its password."""
        password = secrets.token_hex(16)
        made = self.call("POST", "/projects", {"project": {"name": project, "domain_id": "default"}})["project"]
        user = {"name": name, "password": password, "domain_id": "default"}
        user = self.call("POST", "/users", {"user": user})["user"]
        role = self._role("service")
        self.call("PUT", f"/projects/{made['id']}/users/{user['id']}/roles/{role}")
        return password

    def _role(self, name):
        roles = self.call("GET", f"/roles?name={name}")["roles"]
        return (roles or [self.call("POST", "/roles", {"role": {"name": name}})["role"]])[0]["id"]

    def add_to_catalogue(self, kind, name, url):
        """A service of the type `kind` at `url`, for all three interfaces."""
        service = self.call("POST", "/services", {"service": {"type": kind, "name": name}})["service"]["id"]
        for interface in ["public", "internal", "admin"]:
            endpoint = {"service_id": service, "interface": interface, "url": url, "region_id": self.region}
            self.call("POST", "/endpoints", {"endpoint": endpoint})


def free_port():
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
