"""How the clients get in: the projects of a cell, the tokens of their users, and each client with one of them."""

import contextlib
import importlib.metadata
import io
import json
import logging
import os
import sys
import tempfile
import time
import traceback

import openstack
from cinderclient import client as cinderclient
from cinderclient import shell as cinder_shell
from keystoneauth1 import session, token_endpoint
from openstackclient import shell as openstack_shell

#: As many projects as the suite may use on one cell: each test takes fresh ones, so that none has to clean up.
PROJECTS = 400

#: How long anything on the null driver may take to get ready. A cell that is well needs some milliseconds.
WITHIN = 30

#: The commands of openstackclient that print something, and can print it as JSON.
PRINTING = {"accept", "create", "list", "show", "summary"}


class CommandFailed(Exception):
    """A command ended with a status other than 0. Its text is what the command said."""


class Project:
    """A project with three users. Where a cell asks nobody (noauth) all of them are administrators."""

    def __init__(self, url, number):
        self.id = f"{number:032x}"
        self.member, self.reader, self.admin = (Access(url, f"{role}-{number}", self.id) for role in ROLES)


#: Who is in each project, with the roles that Keystone's administrators give such people.
ROLES = {"member": ["member", "reader"], "reader": ["reader"], "admin": ["admin", "manager", "member", "reader"]}

#: The token of a compute service, which goes along with a user's when the service acts for the user.
SERVICE_TOKEN = "token-of-the-compute-service"


def static_tokens():
    """The file of `--auth static` with everybody in it."""
    lines = []
    for number in range(1, PROJECTS + 1):
        for role, roles in ROLES.items():
            user, project = f"{role}-{number}", f"{number:032x}"
            lines += ["[[token]]", f'token = "{user}:{project}"', f'user = "{user}"', f'project = "{project}"']
            lines += [f'user_id = "{user}"', f'project_id = "{project}"', f"roles = {json.dumps(roles)}", ""]
    lines += ["[[token]]", f'token = "{SERVICE_TOKEN}"', 'user = "nova"', 'project = "service"', 'roles = ["service"]']
    return "\n".join([*lines, ""])


class Access:
    """One user in one project."""

    def __init__(self, url, user, project):
        self.url = url
        self.user = user
        self.project = project
        # The form of a token that Cinder's noauth wants, and that cinderclient's plugin `noauth` sends. A static token
        # may be any text; with this one the program `cinder` can use it.
        self.token = f"{user}:{project}"
        self.endpoint = f"{url}/v3/{project}"

    def openstack_options(self):
        """What `openstack` has to be told where there is no Keystone."""
        return ["--os-auth-type", "admin_token", "--os-endpoint", self.endpoint, "--os-token", self.token]

    def cinder_options(self):
        """The same for `cinder`."""
        where = ["--os-auth-type", "noauth", "--os-endpoint", f"{self.url}/v3"]
        return [*where, "--os-user-id", self.user, "--os-project-id", self.project]

    def openstack(self, *words, version=None):
        """Runs a command of openstackclient and reads its JSON if it prints any.

        Without a version it asks for the one that it likes best; a few commands have to be told one.
        """
        words = [str(word) for word in words]
        told = ["--os-volume-api-version", version] if version else []
        form = ["-f", "json"] if PRINTING.intersection(words[:5]) else []
        out = run(openstack_shell.main, [*self.openstack_options(), *told, *words, *form])
        return json.loads(out) if form else out

    def cinder(self, *words):
        """Runs a command of cinderclient's shell. Its first table becomes dicts: see `read_table`."""
        return read_table(run(cinder_shell.main, [*self.cinder_options(), *(str(word) for word in words)]))

    def api(self, version="3.71"):
        """cinderclient's Python interface."""
        return cinderclient.Client(version, session=self._session(), endpoint_override=self.endpoint)

    def sdk(self):
        """openstacksdk's block storage proxy."""
        connection = openstack.connect(
            load_yaml_config=False,
            load_envvars=False,
            auth_type="admin_token",
            auth={"endpoint": self.endpoint, "token": self.token},
        )
        return connection.block_storage

    def request(self, method, path, version=None, **more):
        """A plain request below /v3/<project>, for what no client sends. The answer may be an error."""
        headers = {"OpenStack-API-Version": f"volume {version}"} if version else {}
        headers |= more.pop("headers", {})
        return self._session().request(self.endpoint + path, method, headers=headers, raise_exc=False, **more)

    def _session(self):
        return session.Session(auth=token_endpoint.Token(self.endpoint, self.token))

    def volume(self, size=1, **more):
        """An available volume, as cinderclient shows it."""
        api = self.api()
        return available(api.volumes, api.volumes.create(size, **more))

    def volumes(self, number):
        """That many available volumes."""
        return [self.volume(name=f"volume-{index}") for index in range(number)]

    def snapshot(self, volume, **more):
        """An available snapshot of a volume."""
        api = self.api()
        return available(api.volume_snapshots, api.volume_snapshots.create(volume.id, **more))


def available(manager, resource):
    """Waits until a resource of one of cinderclient's managers is available."""
    return reaches(manager, resource, "available")


def reaches(manager, resource, status):
    """Waits until a resource has a status. It fails at once when it is in error instead."""

    def found():
        seen = manager.get(resource.id)
        assert seen.status == status or "error" not in seen.status, f"{seen}: {seen.status}, not {status}"
        return seen if seen.status == status else None

    return eventually(found, f"{resource} to be {status}")


def gone(manager, resource):
    """Waits until a resource is no more."""

    def missing():
        try:
            manager.get(resource.id)
        except Exception as error:
            if getattr(error, "code", None) == 404:
                return True
            raise
        return False

    eventually(missing, f"{resource} to be gone")


def eventually(found, what):
    """What `found` returns as soon as it is true; asks again and again for a while."""
    deadline = time.monotonic() + WITHIN
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited {WITHIN} s for {what}"
        time.sleep(0.02)
    return result


def run(main, arguments):
    """Runs a program that is in memory already, in a process of its own, and returns what it printed.

    A new interpreter for each command would spend a second on importing; one process for all would make the commands
    share what the programs keep in global variables, the token among it.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            be(main, arguments, out, err)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        if status != 0:
            raise CommandFailed(f"{err.read()}{out.read()}".strip())
        return out.read()


def warm_up():
    """Imports what the programs look up by name when they start, so that the copies of this process have it."""
    for group in ["keystoneauth1.plugin", "openstack.cli.base", "openstack.cli.extension", "openstack.volume.v3"]:
        for entry in importlib.metadata.entry_points(group=group):
            # Some belong to packages that are not installed; the programs pass over them as well.
            with contextlib.suppress(Exception):
                entry.load()


def be(main, arguments, out, err):
    """Is the program from here to the end of this process."""
    status = 1
    try:
        sys.argv[1:] = arguments
        sys.stdin, sys.stdout, sys.stderr = io.StringIO(), out, err
        for number, stream in [(1, out), (2, err)]:
            os.dup2(stream.fileno(), number)
        # The handlers are those of the test runner; the programs add their own.
        logging.getLogger().handlers.clear()
        status = main() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc(file=err)
    finally:
        out.flush()
        err.flush()
        os._exit(status)


def read_table(text):
    """The first table in a text: one dict when its columns are a name and `Value`, else a dict for each row."""
    rows = []
    for line in text.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows and not line.startswith("+"):
            break
    if not rows:
        return text
    head, *rows = rows
    if len(head) == 2 and head[1] == "Value":
        return dict(rows)
    return [dict(zip(head, row, strict=True)) for row in rows]
