"""The cells that the clients use. Every test that takes `cell` runs once with noauth and once with static tokens."""

import itertools
import os

import pytest

import access
from cell import Cell

#: `noauth=URL static=URL`: servers to use instead of cells of our own. So the suite itself was checked on a real
#: Cinder. The static one has to know the tokens of `access.static_tokens`.
INSTEAD = dict(pair.split("=", 1) for pair in os.environ.get("STELE_CLIENTS_AGAINST", "").split())


class Projects:
    """A running cell, and the projects on it that no test has used yet."""

    def __init__(self, auth, url):
        self.auth = auth
        self.url = url
        self.asks = auth != "noauth"
        self._numbers = itertools.count(1)

    def project(self):
        """A project with nothing in it."""
        number = next(self._numbers)
        assert number <= access.PROJECTS, "access.PROJECTS is too small"
        return access.Project(self.url, number)


def start(auth, folder):
    """A cell with two backends."""
    arguments = ["--driver", "null", "--backends", "2", "--auth", auth]
    if auth == "static":
        tokens = folder / "tokens.toml"
        tokens.touch(mode=0o600)
        tokens.write_text(access.static_tokens())
        arguments += ["--auth-tokens", str(tokens)]
    return Cell(folder, *arguments)


@pytest.fixture(scope="session", params=["noauth", "static"])
def cell(request, tmp_path_factory):
    """A cell, and fresh projects on it."""
    auth = request.param
    if auth in INSTEAD:
        yield Projects(auth, INSTEAD[auth])
        return
    with start(auth, tmp_path_factory.mktemp(auth)) as running:
        yield Projects(auth, running.url)


@pytest.fixture(scope="session", autouse=True)
def warm():
    """The programs start many times."""
    access.warm_up()


@pytest.fixture
def project(cell):
    """A project with nothing in it."""
    return cell.project()


@pytest.fixture
def name(request):
    """A name that nothing else on the cell has: types, specs and the like belong to no project."""
    return f"{request.node.originalname}-{os.urandom(4).hex()}"
