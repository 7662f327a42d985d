"""Who may do what, where the cell asks: static tokens with the roles of Cinder's default policy."""

import pytest
from cinderclient import exceptions

from access import CommandFailed


@pytest.fixture(autouse=True)
def only_where_it_asks(cell):
    if not cell.asks:
        pytest.skip("noauth asks nobody")


def test_readers_read(project):
    volume = project.member.volume(name="box", metadata={"a": "1"})
    snapshot = project.member.snapshot(volume)
    api = project.reader.api()
    assert [each.id for each in api.volumes.list()] == [volume.id]
    assert api.volumes.get(volume.id).metadata == {"a": "1"}
    assert [each.id for each in api.volume_snapshots.list()] == [snapshot.id]
    assert api.limits.get() and api.availability_zones.list() and api.volume_types.list()


def test_members_are_no_administrators(project, name):
    api = project.member.api()
    volume = project.member.volume()
    for call in [
        lambda: api.volume_types.create(name),
        lambda: api.qos_specs.create(name, {}),
        lambda: api.group_types.create(name),
        lambda: api.services.list(),
        lambda: api.services.disable("host", "cinder-volume"),
        lambda: api.pools.list(),
        lambda: api.quotas.update(project.id, volumes=100),
        lambda: api.quota_classes.update("default", volumes=100),
        lambda: api.volumes.reset_state(volume, "error"),
        lambda: api.volumes.force_delete(volume),
        # (Cinder wants a Keystone even to refuse this one.)
        lambda: api.default_types.create(volume.volume_type, project.id),
    ]:
        with pytest.raises(exceptions.Forbidden):
            call()
    with pytest.raises(CommandFailed, match="403|not allowed|doesn't allow"):
        project.member.openstack("volume", "service", "list")
    refused = project.member.request("GET", "/os-services")
    assert (refused.status_code, refused.json()["forbidden"]["code"]) == (403, 403)
    assert "Policy doesn't allow" in refused.json()["forbidden"]["message"]


def test_hosts_are_for_administrators(project):
    volume = project.member.volume()
    assert not hasattr(project.member.api().volumes.get(volume.id), "os-vol-host-attr:host")
    assert "@" in getattr(project.admin.api().volumes.get(volume.id), "os-vol-host-attr:host")


def test_projects_do_not_see_each_other(cell, project):
    other = cell.project().member.api()
    member = project.member.api()
    volume = project.member.volume()
    snapshot = project.member.snapshot(volume)
    attached = project.member.volume()
    attachment = member.attachments.create(attached.id, None, "5c2f7e0c-1a0c-4f5c-9c0a-000000000001")["id"]
    transfer = member.transfers.create(project.member.volume().id)
    for listed in [
        other.volumes.list(),
        other.volume_snapshots.list(),
        other.attachments.list(),
        other.transfers.list(),
    ]:
        assert listed == []
    for call in [
        lambda: other.volumes.get(volume.id),
        lambda: other.volumes.update(volume, name="mine now"),
        lambda: other.volumes.extend(volume, 5),
        lambda: other.volumes.delete(volume),
        lambda: other.volumes.set_metadata(volume, {"a": "1"}),
        lambda: other.volumes.create(1, source_volid=volume.id),
        lambda: other.volumes.create(1, snapshot_id=snapshot.id),
        lambda: other.volume_snapshots.get(snapshot.id),
        lambda: other.volume_snapshots.create(volume.id),
        lambda: other.volume_snapshots.delete(snapshot),
        lambda: other.attachments.show(attachment),
        lambda: other.attachments.create(volume.id, None, "5c2f7e0c-1a0c-4f5c-9c0a-000000000002"),
        lambda: other.transfers.create(volume.id),
        lambda: other.transfers.delete(transfer.id),
    ]:
        with pytest.raises(exceptions.NotFound):
            call()
    assert member.volumes.get(volume.id).status == "available"
