"""Snapshots."""

import pytest
from cinderclient import exceptions

from access import CommandFailed, available, gone


def test_openstack(project, name):
    member, api = project.member, project.member.api()
    volume = member.volume(2, name=name)
    made = member.openstack(
        "volume", "snapshot", "create", "--volume", name, "--description", "d", "--property", "a=1", name
    )
    available(api.volume_snapshots, api.volume_snapshots.get(made["id"]))
    member.openstack(
        "volume", "snapshot", "set", "--name", f"{name}-new", "--description", "e", "--property", "b=2", made["id"]
    )
    shown = member.openstack("volume", "snapshot", "show", f"{name}-new")
    assert (shown["id"], shown["volume_id"], shown["size"], shown["description"]) == (made["id"], volume.id, 2, "e")
    assert shown["properties"] == {"a": "1", "b": "2"}
    member.openstack("volume", "snapshot", "unset", "--property", "a", made["id"])
    assert member.openstack("volume", "snapshot", "show", made["id"])["properties"] == {"b": "2"}
    for words in [[], ["--name", f"{name}-new"], ["--status", "available"], ["--volume", name]]:
        (row,) = member.openstack("volume", "snapshot", "list", *words)
        assert (row["ID"], row["Size"], row["Status"]) == (made["id"], 2, "available")
    assert member.openstack("volume", "snapshot", "list", "--status", "error") == []
    project.admin.openstack("volume", "snapshot", "set", "--state", "error", made["id"])
    snapshot = api.volume_snapshots.get(made["id"])
    assert snapshot.status == "error"
    member.openstack("volume", "snapshot", "delete", made["id"])
    gone(api.volume_snapshots, snapshot)


def test_cinder(project, name):
    cinder, api = project.member.cinder, project.member.api()
    volume = project.member.volume(name=name)
    made = cinder("snapshot-create", name, "--name", name, "--metadata", "a=1")
    snapshot = available(api.volume_snapshots, api.volume_snapshots.get(made["id"]))
    cinder("snapshot-rename", name, f"{name}-new")
    assert cinder("snapshot-show", f"{name}-new")["volume_id"] == volume.id
    cinder("snapshot-metadata", made["id"], "set", "b=2")
    assert cinder("snapshot-metadata-show", made["id"]) == {"a": "1", "b": "2"}
    cinder("snapshot-metadata-update-all", made["id"], "c=3")
    assert cinder("snapshot-metadata-show", made["id"]) == {"c": "3"}
    cinder("snapshot-metadata", made["id"], "unset", "c")
    (row,) = cinder("snapshot-list", "--volume-id", volume.id)
    assert (row["ID"], row["Status"], row["Name"]) == (made["id"], "available", f"{name}-new")
    project.admin.cinder("snapshot-reset-state", "--state", "creating", made["id"])
    assert api.volume_snapshots.get(snapshot.id).status == "creating"
    with pytest.raises(CommandFailed):
        cinder("snapshot-delete", made["id"])
    project.admin.cinder("snapshot-delete", "--force", made["id"])
    gone(api.volume_snapshots, snapshot)


def test_a_volume_goes_back_to_its_latest_snapshot(project, name):
    member, api = project.member, project.member.api()
    volume = member.volume(name=name)
    first = member.snapshot(volume)
    member.cinder("revert-to-snapshot", first.id)
    assert available(api.volumes, volume).status == "available"
    assert available(api.volume_snapshots, first).status == "available"
    latest = member.snapshot(volume, name=f"{name}-latest")
    with pytest.raises(exceptions.BadRequest, match="not the latest one"):
        api.volumes.revert_to_snapshot(volume, first)
    api.volumes.revert_to_snapshot(volume, latest)
    available(api.volumes, volume)
    api.volumes.extend(volume, 2)
    available(api.volumes, volume)
    with pytest.raises(exceptions.BadRequest, match="must be equal"):
        api.volumes.revert_to_snapshot(volume, latest)


def test_a_volume_with_snapshots_stays(project):
    api = project.member.api()
    volume = project.member.volume()
    snapshot = project.member.snapshot(volume)
    with pytest.raises(exceptions.BadRequest, match="have snapshots"):
        api.volumes.delete(volume)
    api.volume_snapshots.delete(snapshot)
    gone(api.volume_snapshots, snapshot)
    api.volumes.delete(volume)
    gone(api.volumes, volume)


def test_status_updates(project):
    api, admin = project.member.api(), project.admin.api()
    snapshot = project.member.snapshot(project.member.volume())
    admin.volume_snapshots.reset_state(snapshot, "creating")
    api.volume_snapshots.update_snapshot_status(snapshot, {"status": "error", "progress": "80%"})
    seen = api.volume_snapshots.get(snapshot.id)
    assert (seen.status, getattr(seen, "os-extended-snapshot-attributes:progress")) == ("error", "80%")
    with pytest.raises(exceptions.BadRequest):
        api.volume_snapshots.update_snapshot_status(snapshot, {"status": "available"})


def test_the_eleventh_is_over_quota(project):
    api = project.member.api()
    volume = project.member.volume()
    for _ in range(10):
        project.member.snapshot(volume)
    with pytest.raises(exceptions.OverLimit, match="SnapshotLimitExceeded"):
        api.volume_snapshots.create(volume.id)


def test_the_sdk(project):
    storage = project.member.sdk()
    volume = project.member.volume()
    made = storage.create_snapshot(volume_id=volume.id, name="then")
    storage.wait_for_status(made, "available", interval=0.05, wait=30)
    assert [(each.id, each.volume_id, each.size) for each in storage.snapshots()] == [(made.id, volume.id, 1)]
    storage.delete_snapshot(made)
    storage.wait_for_delete(made, interval=0.05, wait=30)
