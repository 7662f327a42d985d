"""Each client's own way in, as a program of its own; versions; who is let in and who is not."""

import pathlib
import subprocess
import sys

import pytest
from cinderclient import exceptions

from access import Access, CommandFailed, read_table

PROGRAMS = pathlib.Path(sys.executable).parent


def run(name, *words):
    """A program as a user starts it. Returns what it printed."""
    done = subprocess.run([PROGRAMS / name, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{name} {words}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_program_openstack(project):
    member = project.member
    made = run(
        "openstack", *member.openstack_options(), "volume", "create", "--size", "2", "mine", "-c", "size", "-f", "value"
    )
    assert made == "2\n"
    listed = run("openstack", *member.openstack_options(), "volume", "list", "-c", "Name", "-f", "value")
    assert listed == "mine\n"


def test_the_program_cinder(project):
    run("cinder", *project.member.cinder_options(), "create", "--name", "mine", "2")
    (row,) = read_table(run("cinder", *project.member.cinder_options(), "list"))
    assert (row["Name"], row["Size"], row["Volume Type"]) == ("mine", "2", "__DEFAULT__")


def test_the_sdk(project):
    storage = project.member.sdk()
    made = storage.create_volume(name="mine", size=1)
    storage.wait_for_status(made, "available", interval=0.05, wait=30)
    assert [(volume.name, volume.status) for volume in storage.volumes()] == [("mine", "available")]
    storage.delete_volume(made)
    storage.wait_for_delete(made, interval=0.05, wait=30)
    assert list(storage.volumes()) == []


def test_versions(project):
    found = project.member.sdk().get_endpoint_data()
    assert (found.min_microversion, found.max_microversion) == ((3, 0), (3, 71))
    (row,) = project.member.cinder("version-list")
    assert (row["Id"], row["Status"], row["Version"], row["Min Version"]) == ("v3.0", "CURRENT", "3.71", "3.0")
    (row,) = project.member.cinder("api-version")
    assert (row["ID"], row["Version"]) == ("v3.0", "3.71")


@pytest.mark.parametrize(
    "asked, code, answered",
    [
        (None, 200, "volume 3.0"),
        ("3.27", 200, "volume 3.27"),
        ("latest", 200, "volume 3.71"),
        ("3.999", 406, None),
        ("2.0", 406, None),
        ("bogus", 400, None),
    ],
)
def test_microversions(project, asked, code, answered):
    answer = project.member.request("GET", "/volumes", version=asked)
    assert answer.status_code == code
    if answered:
        assert answer.headers["OpenStack-API-Version"] == answered
        assert "OpenStack-API-Version" in answer.headers["Vary"]
    assert answer.headers["x-openstack-request-id"].startswith("req-")


def test_a_method_that_is_newer_than_the_version(project):
    answer = project.member.request("GET", "/messages", version="3.2")
    assert (answer.status_code, answer.json()["itemNotFound"]["code"]) == (404, 404)


def test_unknown_tokens_are_refused(cell, project):
    if not cell.asks:
        pytest.skip("noauth asks nobody")
    stranger = Access(cell.url, "stranger", project.id)
    with pytest.raises(exceptions.Unauthorized):
        stranger.api().volumes.list()
    with pytest.raises(CommandFailed, match="401"):
        stranger.openstack("volume", "list")


def test_the_project_of_the_path_is_that_of_the_token(cell, project):
    visitor = cell.project().member
    visitor.endpoint = project.member.endpoint
    answer = visitor.request("GET", "/volumes")
    assert (answer.status_code, answer.json()["badRequest"]["message"]) == (400, "Malformed request url")


def test_a_path_without_a_project(project):
    member = project.member
    mine = member.volume()
    member.endpoint = f"{member.url}/v3"
    listed = member.request("GET", "/volumes", version="3.67").json()["volumes"]
    assert [volume["id"] for volume in listed] == [mine.id]


@pytest.mark.parametrize(
    "path, code", [("/nothing", 404), ("/volumes/none-such", 404), ("/volumes/none-such/action", 404)]
)
def test_paths_that_are_nowhere(project, path, code):
    assert project.member.request("GET", path).status_code == code
