"""Transfers of volumes from one project to another, on the old path and on the new one."""

import pytest
from cinderclient import exceptions


def used(project):
    """Volumes, gigabytes and snapshots in use."""
    shown = project.admin.api().quotas.get(project.id, usage=True)
    return tuple(getattr(shown, key)["in_use"] for key in ["volumes", "gigabytes", "snapshots"])


@pytest.mark.parametrize("version", ["3.0", "3.55", "3.71"])
def test_create_show_accept(cell, project, version):
    other = cell.project()
    volume = project.member.volume(2)
    api = project.member.api(version)
    made = api.transfers.create(volume.id, "gift")
    assert (made.name, made.volume_id, bool(made.auth_key)) == ("gift", volume.id, True)
    assert api.volumes.get(volume.id).status == "awaiting-transfer"
    assert not hasattr(api.transfers.get(made.id), "auth_key")
    assert [each.id for each in api.transfers.list()] == [made.id]
    with pytest.raises(exceptions.BadRequest, match="invalid auth key"):
        other.member.api(version).transfers.accept(made.id, "wrong")
    accepted = other.member.api(version).transfers.accept(made.id, made.auth_key)
    assert accepted.volume_id == volume.id
    seen = other.member.api(version).volumes.get(volume.id)
    assert (seen.status, seen.user_id) == ("available", other.member.user)
    if cell.asks:
        with pytest.raises(exceptions.NotFound):
            api.volumes.get(volume.id)
    assert (used(project), used(other)) == ((0, 0, 0), (1, 2, 0))


def test_delete(project):
    api = project.member.api()
    volume = project.member.volume()
    made = api.transfers.create(volume.id)
    api.transfers.delete(made.id)
    assert api.transfers.list() == []
    assert api.volumes.get(volume.id).status == "available"


def test_snapshots_go_along(cell, project):
    other = cell.project()
    volume = project.member.volume()
    snapshot = project.member.snapshot(volume)
    made = project.member.api().transfers.create(volume.id)
    other.member.api().transfers.accept(made.id, made.auth_key)
    assert [each.id for each in other.member.api().volume_snapshots.list()] == [snapshot.id]
    assert (used(project), used(other)) == ((0, 0, 0), (1, 2, 1))


def test_whoever_has_no_room_cannot_accept(cell, project):
    other = cell.project()
    other.admin.api().quotas.update(other.id, volumes=0)
    made = project.member.api().transfers.create(project.member.volume().id)
    with pytest.raises(exceptions.OverLimit):
        other.member.api().transfers.accept(made.id, made.auth_key)
    assert (used(project), used(other)) == ((1, 1, 0), (0, 0, 0))


def test_openstack(cell, project, name):
    other = cell.project()
    volume = project.member.volume(name=name)
    made = project.member.openstack("volume", "transfer", "request", "create", "--name", name, volume.id)
    assert (made["name"], made["volume_id"]) == (name, volume.id)
    (row,) = project.member.openstack("volume", "transfer", "request", "list")
    assert (row["ID"], row["Name"], row["Volume"]) == (made["id"], name, volume.id)
    shown = project.member.openstack("volume", "transfer", "request", "show", made["id"])
    assert (shown["id"], shown["volume_id"]) == (made["id"], volume.id)
    accept = ["volume", "transfer", "request", "accept", "--auth-key", made["auth_key"], made["id"]]
    assert other.member.openstack(*accept)["volume_id"] == volume.id
    assert [row["ID"] for row in other.member.openstack("volume", "list")] == [volume.id]
    again = project.member.volume()
    made = project.member.openstack("volume", "transfer", "request", "create", again.id)
    project.member.openstack("volume", "transfer", "request", "delete", made["id"])
    assert project.member.openstack("volume", "transfer", "request", "list") == []


def test_cinder(cell, project, name):
    other = cell.project()
    volume = project.member.volume(name=name)
    made = project.member.cinder("transfer-create", "--name", name, volume.id)
    (row,) = project.member.cinder("transfer-list")
    assert (row["ID"], row["Volume ID"], row["Name"]) == (made["id"], volume.id, name)
    assert project.member.cinder("transfer-show", made["id"])["volume_id"] == volume.id
    other.member.cinder("transfer-accept", made["id"], made["auth_key"])
    assert other.member.cinder("show", volume.id)["status"] == "available"
    made = other.member.cinder("transfer-create", volume.id)
    other.member.cinder("transfer-delete", made["id"])
    assert other.member.cinder("transfer-list") == []
