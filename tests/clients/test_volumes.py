"""Volumes: made, shown, changed, deleted."""

import pytest
from cinderclient import exceptions

from access import CommandFailed, available, gone, reaches


def has(shown, **expected):
    """Compares the named fields only, and shows all that differ at once."""
    assert {key: shown.get(key) for key in expected} == expected


def test_openstack_create_show_delete(project, name):
    member = project.member
    made = member.openstack(
        *["volume", "create", "--size", "3", "--description", "about it", "--property", "a=1", "--property", "b=two"],
        *["--availability-zone", "nova", name],
    )
    has(made, name=name, size=3, description="about it")
    volume = available(member.api().volumes, member.api().volumes.get(made["id"]))
    shown = member.openstack("volume", "show", name)
    has(shown, id=volume.id, status="available", properties={"a": "1", "b": "two"}, type="__DEFAULT__", size=3)
    has(shown, attachments=[], bootable=False, encrypted=False, multiattach=False, user_id=member.user)
    has(shown, availability_zone="nova", snapshot_id=None, source_volid=None, description="about it")
    member.openstack("volume", "delete", name)
    gone(member.api().volumes, volume)


def test_openstack_set_unset(project, name):
    member, admin, crate = project.member, project.admin, f"{name}-crate"
    volume = member.volume(name=name, metadata={"old": "1"})
    member.openstack("volume", "set", "--name", crate, "--description", "new", "--property", "k=v", name)
    member.openstack("volume", "set", "--bootable", "--read-only", crate)
    member.openstack("volume", "set", "--image-property", "os=plan9", "--image-property", "arch=z", crate)
    shown = member.openstack("volume", "show", crate)
    has(shown, name=crate, description="new", bootable=True)
    has(shown["properties"], old="1", k="v", readonly="True")
    has(shown["volume_image_metadata"], os="plan9", arch="z")
    member.openstack("volume", "unset", "--property", "old", "--image-property", "arch", crate)
    member.openstack("volume", "set", "--non-bootable", "--read-write", crate)
    shown = member.openstack("volume", "show", crate)
    has(shown, bootable=False, volume_image_metadata={"os": "plan9"})
    has(shown["properties"], old=None, k="v", readonly="False")
    member.openstack("volume", "set", "--size", "5", crate)
    assert available(member.api().volumes, volume).size == 5
    admin.openstack("volume", "set", "--state", "error", crate)
    has(member.openstack("volume", "show", crate), status="error", size=5)


def test_openstack_sources(project, name):
    member = project.member
    origin = member.volume(2, name=name)
    snapshot = member.snapshot(origin, name=name)
    api = member.api()
    for words, size, expected in [
        (["--source", name], 2, {"source_volid": origin.id, "snapshot_id": None}),
        (["--source", name, "--size", "4"], 4, {"source_volid": origin.id, "snapshot_id": None}),
        (["--snapshot", name], 2, {"source_volid": None, "snapshot_id": snapshot.id}),
        (["--snapshot", name, "--size", "3"], 3, {"source_volid": None, "snapshot_id": snapshot.id}),
    ]:
        made = member.openstack("volume", "create", *words, "copy")
        available(api.volumes, api.volumes.get(made["id"]))
        has(member.openstack("volume", "show", made["id"]), size=size, **expected)
    for source in [{"source_volid": origin.id}, {"snapshot_id": snapshot.id}]:
        with pytest.raises(exceptions.BadRequest, match="size"):
            api.volumes.create(1, **source)


def test_hints_place_volumes(project):
    api = project.admin.api()
    origin = project.admin.volume()
    host = getattr(api.volumes.get(origin.id), "os-vol-host-attr:host")
    for hint, same in [("same_host", True), ("different_host", False)]:
        made = project.admin.openstack("volume", "create", "--size", "1", "--hint", f"{hint}={origin.id}", hint)
        volume = available(api.volumes, api.volumes.get(made["id"]))
        assert (getattr(volume, "os-vol-host-attr:host") == host) == same, hint
    query = '["=", "$volume_backend_name", "none such"]'
    volume = api.volumes.create(1, scheduler_hints={"query": query})
    assert reaches(api.volumes, volume, "error").status == "error"


def test_openstack_deletes_in_every_way(project):
    member, admin, api = project.member, project.admin, project.member.api()
    plain, whole, stuck = member.volumes(3)
    snapshot = member.snapshot(whole)
    with pytest.raises(CommandFailed, match="1 of 1 volumes failed to delete"):
        member.openstack("volume", "delete", whole.id)
    member.openstack("volume", "delete", "--purge", whole.id)
    gone(api.volumes, whole)
    gone(api.volume_snapshots, snapshot)
    admin.openstack("volume", "set", "--state", "creating", stuck.id)
    with pytest.raises(CommandFailed):
        member.openstack("volume", "delete", stuck.id)
    admin.openstack("volume", "delete", "--force", stuck.id)
    gone(api.volumes, stuck)
    member.openstack("volume", "delete", plain.id)
    gone(api.volumes, plain)


def test_cinder_create_show_rename_delete(project, name):
    cinder, crate = project.member.cinder, f"{name}-crate"
    made = cinder("create", "--name", name, "--description", "about it", "--metadata", "a=1", "b=2", "--poll", "1")
    has(made, name=name, size="1", description="about it", multiattach="False", bootable="false")
    has(cinder("show", name), id=made["id"], status="available", volume_type="__DEFAULT__", consumes_quota="True")
    cinder("rename", name, crate, "--description", "other")
    has(cinder("show", crate), name=crate, description="other")
    volumes = project.member.api().volumes
    volume = volumes.get(made["id"])
    cinder("delete", crate)
    gone(volumes, volume)


def test_cinder_gives_volumes_up_and_takes_them_over(project, name):
    admin, api = project.admin, project.admin.api()
    volume = admin.volume(2, name=name)
    host = getattr(api.volumes.get(volume.id), "os-vol-host-attr:host")
    snapshot = admin.snapshot(volume)
    with pytest.raises(exceptions.BadRequest, match="have snapshots"):
        api.volumes.unmanage(volume)
    admin.cinder("snapshot-unmanage", snapshot.id)
    gone(api.volume_snapshots, snapshot)
    admin.cinder("unmanage", volume.id)
    gone(api.volumes, volume)
    taken = api.volumes.manage(host, {"source-name": f"volume-{volume.id}"}, name=f"{name}-again", bootable=True)
    seen = available(api.volumes, taken)
    # The null driver keeps nothing: what is taken over there has the least size, whatever it had.
    assert (seen.size, seen.bootable) == (1, "true")
    again = api.volume_snapshots.manage(taken.id, {"source-name": f"_snapshot-{snapshot.id}"})
    assert available(api.volume_snapshots, again).size == 1
    with pytest.raises(exceptions.BadRequest, match="must contain source-name"):
        api.volumes.manage(host, {"name": "x"})
    with pytest.raises(exceptions.BadRequest, match="not found"):
        api.volumes.manage("nowhere@lvm#x", {"source-name": "x"})


def test_cinder_metadata(project, name):
    cinder = project.member.cinder
    volume = project.member.volume(name=name).id
    cinder("metadata", name, "set", "a=1", "b=2")
    assert cinder("metadata-show", name) == {"a": "1", "b": "2"}
    assert cinder("metadata-update-all", name, "c=3") == {"c": "3"}
    cinder("metadata", name, "unset", "c")
    assert cinder("metadata-show", name) == {}
    cinder("image-metadata", name, "set", "os=plan9", "arch=z")
    assert cinder("image-metadata-show", name) == {"os": "plan9", "arch": "z"}
    cinder("image-metadata", name, "unset", "arch")
    assert cinder("image-metadata-show", volume) == {"os": "plan9"}


def test_cinder_actions(project, name):
    member, admin, api = project.member, project.admin, project.member.api()
    volume = member.volume(name=name)
    member.cinder("extend", name, "3")
    assert available(api.volumes, volume).size == 3
    member.cinder("readonly-mode-update", name, "True")
    member.cinder("set-bootable", name, "true")
    seen = api.volumes.get(volume.id)
    assert (seen.metadata["readonly"], seen.bootable) == ("True", "true")
    admin.cinder("reset-state", "--state", "error", name)
    assert api.volumes.get(volume.id).status == "error"
    with pytest.raises(CommandFailed, match="status"):
        member.cinder("extend", name, "4")
    admin.cinder("force-delete", name)
    gone(api.volumes, volume)


def test_retype_on_the_same_backend(project, name):
    member, admin, api = project.member, project.admin, project.member.api()
    types = [admin.api().volume_types.create(f"{name}-{index}") for index in range(3)]
    volume = member.volume(volume_type=types[0].id, name=name)
    before = getattr(admin.api().volumes.get(volume.id), "os-vol-host-attr:host")
    member.openstack("volume", "set", "--type", types[1].name, name)
    assert reaches(api.volumes, volume, "available").volume_type == types[1].name
    member.cinder("retype", name, types[2].id)
    available(api.volumes, volume)
    seen = admin.api().volumes.get(volume.id)
    assert (seen.volume_type, getattr(seen, "os-vol-host-attr:host")) == (types[2].name, before)
    with pytest.raises(exceptions.BadRequest):
        api.volumes.retype(volume, types[2].id, "never")


def test_reserve_and_detaching(project):
    api = project.member.api()
    volume = project.member.volume()
    api.volumes.reserve(volume)
    assert api.volumes.get(volume.id).status == "attaching"
    with pytest.raises(exceptions.BadRequest, match="status must be available to reserve, but the status is attaching"):
        api.volumes.reserve(volume)
    api.volumes.unreserve(volume)
    assert api.volumes.get(volume.id).status == "available"
    with pytest.raises(exceptions.BadRequest):
        api.volumes.begin_detaching(volume)
    api.volumes.roll_detaching(volume)
    assert api.volumes.get(volume.id).status == "available"


def test_the_old_way_to_attach(project):
    api = project.member.api()
    volume = project.member.volume()
    server = "5c2f7e0c-1a0c-4f5c-9c0a-000000000001"
    api.volumes.reserve(volume)
    info = api.volumes.initialize_connection(
        volume, {"host": "node", "initiator": "iqn.1994-05.org:node", "ip": "127.0.0.1"}
    )
    assert info["driver_volume_type"] and "data" in info
    api.volumes.attach(volume, server, "/dev/vdb", mode="rw", host_name="node")
    seen = api.volumes.get(volume.id)
    assert seen.status == "in-use"
    (attachment,) = seen.attachments
    has(attachment, server_id=server, device="/dev/vdb", volume_id=volume.id, id=volume.id)
    (attachment,) = project.admin.api().volumes.get(volume.id).attachments
    has(attachment, host_name="node")
    with pytest.raises(exceptions.BadRequest):
        api.volumes.delete(volume)
    api.volumes.begin_detaching(volume)
    assert api.volumes.get(volume.id).status == "detaching"
    api.volumes.roll_detaching(volume)
    assert api.volumes.get(volume.id).status == "in-use"


@pytest.mark.parametrize(
    "body, code, title, text",
    [
        ({}, 400, "badRequest", "'volume' is a required property"),
        ({"volume": {"size": 0}}, 400, "badRequest", "0 is less than the minimum of 1"),
        ({"volume": {"size": "many"}}, 400, "badRequest", "does not match"),
        ({"volume": {"size": 1, "bogus": 1}}, 400, "badRequest", "Additional properties are not allowed"),
        ({"volume": {"size": 1, "availability_zone": "zz"}}, 400, "badRequest", "Availability zone 'zz' is invalid."),
        (
            {"volume": {"size": 1, "volume_type": "nope"}},
            404,
            "itemNotFound",
            "Volume type with name nope could not be found.",
        ),
        ({"volume": {"size": 10000}}, 413, "overLimit", "Requested 10000G, quota is 1000G and 0G has been consumed."),
    ],
)
def test_refusals_of_a_create(project, body, code, title, text):
    answer = project.member.request("POST", "/volumes", version="3.71", json=body)
    error = answer.json()[title]
    assert (answer.status_code, error["code"]) == (code, code)
    assert text in error["message"]


def test_refusals_of_changes(project):
    member, api = project.member, project.member.api()
    volume = member.volume(2)
    for call, error, text in [
        (lambda: api.volumes.extend(volume, 1), exceptions.BadRequest, "must be greater than current size"),
        (lambda: api.volumes.extend(volume, 5000), exceptions.OverLimit, "VolumeSizeExceedsAvailableQuota|exceeds"),
        (lambda: member.api("3.0").volumes.delete_metadata(volume, ["nope"]), exceptions.NotFound, "nope"),
        (lambda: api.volumes.get("0b0b0b0b-0000-4000-8000-000000000000"), exceptions.NotFound, "could not be found"),
    ]:
        with pytest.raises(error, match=text):
            call()
    answer = member.request("POST", f"/volumes/{volume.id}/action", json={"os-bogus": {}})
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"].startswith("There is no such action: os-bogus.")


def test_the_tenth_volume_is_the_last(project):
    member = project.member
    api = member.api()
    for _ in range(10):
        api.volumes.create(1)
    with pytest.raises(CommandFailed, match=r"VolumeLimitExceeded: Maximum number of volumes allowed \(10\) exceeded"):
        member.openstack("volume", "create", "--size", "1", "eleventh")
    assert len(api.volumes.list()) == 10


def test_etags_guard_metadata(project):
    member = project.member
    volume = member.volume(metadata={"a": "1"})
    first = member.request("GET", f"/volumes/{volume.id}/metadata", version="3.15")
    path, tag = f"/volumes/{volume.id}/metadata", first.headers["ETag"]
    member.request("PUT", path, version="3.15", json={"metadata": {"b": "2"}})
    late = member.request("PUT", path, version="3.15", json={"metadata": {"c": "3"}}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert member.request("GET", path).json() == {"metadata": {"b": "2"}}
