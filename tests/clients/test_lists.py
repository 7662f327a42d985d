"""Lists of volumes and snapshots: filters, order, pages, all projects, counts, summary."""

import pytest
from cinderclient import exceptions

from access import CommandFailed, reaches


def ids(found):
    """The ids, whoever listed."""
    return [each["ID"] if isinstance(each, dict) else each.id for each in found]


@pytest.fixture(scope="module")
def filled(cell):
    """A project with five volumes, oldest first, and the volumes. Nothing changes them."""
    project = cell.project()
    volumes = [
        project.member.volume(size, name=f"{letter}-{project.id[-4:]}", metadata=metadata)
        for letter, size, metadata in [
            ("c", 1, {}),
            ("a", 2, {"k": "v"}),
            ("e", 3, {}),
            ("b", 1, {"k": "w"}),
            ("d", 2, {}),
        ]
    ]
    api = project.admin.api()
    api.volumes.set_bootable(volumes[1], True)
    api.volumes.reset_state(volumes[2], "error")
    return project, volumes


def test_openstack_lists(filled):
    project, volumes = filled
    openstack = project.member.openstack
    c, a, e, b, d = ids(volumes)
    letters = f"a-{project.id[-4:]}"
    for words, expected in [
        ([], [d, b, e, a, c]),
        (["--name", letters], [a]),
        (["--status", "error"], [e]),
        (["--property", "k=v"], [a]),
        # For this client a limit is the size of a page, and it reads all pages.
        (["--limit", "2"], [d, b, e, a, c]),
        (["--limit", "2", "--marker", b], [e, a, c]),
        (["--long", "--status", "available"], [d, b, a, c]),
    ]:
        assert ids(openstack("volume", "list", *words)) == expected, words
    (row,) = openstack("volume", "list", "--long", "--name", letters)
    assert (row["Size"], row["Type"], row["Bootable"], row["Properties"]) == (2, "__DEFAULT__", True, {"k": "v"})


def test_cinder_lists(filled):
    project, volumes = filled
    cinder = project.member.cinder
    c, a, e, b, d = ids(volumes)
    for words, expected in [
        (["--sort", "name:asc"], [a, b, c, d, e]),
        (["--sort", "size:desc,name:asc"], [e, a, d, b, c]),
        (["--bootable", "true"], [a]),
        (["--status", "error"], [e]),
        (["--metadata", "k=w"], [b]),
        (["--limit", "1", "--sort", "name:desc"], [e]),
        (["--marker", c, "--sort", "name:asc"], [d, e]),
    ]:
        assert ids(cinder("list", *words)) == expected, words
    # What is not in Cinder's list of filters for everybody is for administrators.
    assert ids(project.admin.cinder("list", "--filters", "name~=a-")) == [a]


def test_pages_and_offsets(filled):
    project, volumes = filled
    member = project.member
    newest_first = ids(volumes)[::-1]
    assert [volume.id for volume in member.sdk().volumes(limit=2)] == newest_first
    answer = member.request("GET", "/volumes?limit=2&offset=1&with_count=True", version="3.45").json()
    assert ([volume["id"] for volume in answer["volumes"]], answer["count"]) == (newest_first[1:3], 5)
    (link,) = answer["volumes_links"]
    assert link["rel"] == "next"
    assert "volumes_links" not in member.request("GET", "/volumes?limit=6").json()
    assert member.request("GET", "/volumes?limit=0").json() == {"volumes": []}
    full = member.request("GET", "/volumes/detail?limit=2&sort=name:asc").json()
    following = member.request("GET", full["volumes_links"][0]["href"].removeprefix(member.endpoint)).json()
    assert [volume["name"][0] for volume in full["volumes"] + following["volumes"]] == list("abcd")


def test_times_are_compared(filled):
    project, volumes = filled
    middle = volumes[2].created_at
    for operator, expected in [("gt", [4, 3]), ("gte", [4, 3, 2]), ("lt", [1, 0]), ("lte", [2, 1, 0])]:
        found = project.member.request("GET", f"/volumes?created_at={operator}:{middle}", version="3.60").json()
        assert [volume["id"] for volume in found["volumes"]] == [volumes[index].id for index in expected], operator


@pytest.mark.parametrize(
    "query, code",
    [
        ("limit=-1", 400),
        ("limit=many", 400),
        ("offset=-1", 400),
        ("sort_key=nonsense", 400),
        ("sort=name:up", 400),
        ("sort=name&sort_key=name", 400),
        ("marker=0b0b0b0b-0000-4000-8000-000000000000", 404),
    ],
)
def test_refusals(project, query, code):
    assert project.member.request("GET", f"/volumes?{query}", version="3.71").status_code == code


def test_unknown_filters(cell, project):
    """They are passed over, but since 3.31 only where an administrator uses them."""
    for access, version, code in [
        (project.member, "3.30", 200),
        (project.member, "3.31", 400 if cell.asks else 200),
        (project.admin, "3.71", 200),
    ]:
        assert access.request("GET", "/volumes?nonsense=1", version=version).status_code == code


def test_all_projects(cell, filled):
    project, volumes = filled
    other = cell.project()
    mine = other.member.volume()
    # openstackclient would ask Nova for the names of servers here.
    everywhere = ids(other.admin.cinder("list", "--all-tenants"))
    assert {mine.id, *ids(volumes)} <= set(everywhere)
    only = other.admin.api().volumes.list(search_opts={"all_tenants": 1, "project_id": project.id})
    assert set(ids(only)) == set(ids(volumes))
    assert ids(other.admin.api().volumes.list()) == [mine.id]
    if cell.asks:
        assert ids(other.member.api().volumes.list(search_opts={"all_tenants": 1})) == [mine.id]


def test_summary(filled):
    project, _ = filled
    shown = project.member.openstack("volume", "summary")
    assert (shown["Total Count"], shown["Total Size"]) == (5, 9)
    assert shown["Metadata"] == {"k": ["v", "w"]} or shown["Metadata"] == {"k": ["w", "v"]}
    shown = project.member.cinder("summary")
    assert (shown["total_count"], shown["total_size"]) == ("5", "9")


def test_an_unknown_name(project):
    for program in [project.member.openstack, project.member.cinder]:
        with pytest.raises(CommandFailed, match="nobody-has-this"):
            program(*(["volume", "show"] if program == project.member.openstack else ["show"]), "nobody-has-this")
    with pytest.raises(exceptions.NotFound):
        project.member.api().volumes.get("nobody-has-this")


def test_failures_can_be_found(project, name):
    """A volume that no backend takes is there, in error, with a message that says why."""
    kind = project.admin.api().volume_types.create(name)
    kind.set_keys({"vendor_name": "nobody"})
    api = project.member.api()
    volume = api.volumes.create(1, volume_type=name)
    reaches(api.volumes, volume, "error")
    assert ids(project.member.openstack("volume", "list", "--status", "error")) == [volume.id]

    def messages(*words):
        return project.member.openstack("volume", "message", *words, version="3.3")

    (row,) = messages("list")
    assert row["Resource UUID"] == volume.id
    assert (row["Resource Type"], row["Event ID"], row["Message Level"]) == ("VOLUME", "VOLUME_VOLUME_001_003", "ERROR")
    assert "Could not find any available weighted backend." in row["User Message"]
    assert messages("show", row["ID"])["ID"] == row["ID"]
    shown = project.member.cinder("message-show", row["ID"])
    assert (shown["resource_uuid"], shown["user_message"]) == (volume.id, row["User Message"])
    listed = project.member.cinder("message-list", "--filters", f"resource_uuid={volume.id}")
    assert [message["ID"] for message in listed] == [row["ID"]]
    messages("delete", row["ID"])
    assert project.member.cinder("message-list") == []
