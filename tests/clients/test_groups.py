"""Group types, groups, group snapshots."""

import pytest
from cinderclient import exceptions

from access import CommandFailed, available, gone, reaches


@pytest.fixture
def types(project, name):
    """A volume type and a group type of that name."""
    admin = project.admin.api()
    return admin.volume_types.create(name), admin.group_types.create(name)


@pytest.fixture
def group(project, name, types):
    """An available group of that name."""
    volume_type, group_type = types
    api = project.member.api()
    return available(api.groups, api.groups.create(group_type.id, volume_type.id, name=name))


def test_group_types(project, name):
    admin = project.admin
    made = admin.openstack("volume", "group", "type", "create", "--description", "d", name, version="3.11")
    group_type = ["volume", "group", "type"]
    admin.openstack(*group_type, "set", "--property", "a=1", "--description", "e", name, version="3.11")
    shown = admin.openstack(*group_type, "show", name, version="3.11")
    assert (shown["ID"], shown["Description"], shown["Properties"]) == (made["ID"], "e", {"a": "1"})
    assert name in {row["Name"] for row in admin.openstack(*group_type, "list", version="3.11")}
    admin.cinder("group-type-key", name, "set", "b=2")
    admin.cinder("group-type-key", name, "unset", "a")
    specs = {row["Name"]: row["group_specs"] for row in admin.cinder("group-specs-list")}
    assert specs[name] == "{'b': '2'}"
    admin.cinder("group-type-update", made["ID"], "--name", f"{name}-new")
    assert admin.cinder("group-type-show", made["ID"])["name"] == f"{name}-new"
    admin.openstack(*group_type, "delete", f"{name}-new", version="3.11")
    assert f"{name}-new" not in {row["Name"] for row in admin.cinder("group-type-list")}


def test_openstack_groups(project, name, types):
    openstack, api = project.member.openstack, project.member.api()
    which = ["--volume-group-type", name, "--volume-type", name]
    made = openstack("volume", "group", "create", *which, "--name", name, version="3.14")
    group = available(api.groups, api.groups.get(made["ID"]))
    volume = project.member.volume(volume_type=name)
    openstack("volume", "group", "set", "--description", "d", name, version="3.13")
    available(api.groups, group)
    openstack("volume", "group", "add", "volume", name, volume.id, version="3.13")
    available(api.groups, group)
    assert api.volumes.get(volume.id).group_id == group.id
    shown = openstack("volume", "group", "show", "--volumes", name, version="3.25")
    assert (shown["ID"], shown["Description"], shown["Group Type"]) == (group.id, "d", types[1].id)
    assert (shown["Volume Types"], shown["Volumes"]) == ([types[0].id], [volume.id])
    # This sends all_tenants=False; Cinder finds nothing for a member then.
    (row,) = openstack("volume", "group", "list", version="3.13")
    assert row == {"ID": group.id, "Status": "available", "Name": name}
    openstack("volume", "group", "remove", "volume", name, volume.id, version="3.13")
    available(api.groups, group)
    assert api.volumes.get(volume.id).group_id is None
    openstack("volume", "group", "delete", name, version="3.13")
    gone(api.groups, group)


def test_openstack_group_snapshots(project, name, types, group):
    openstack, api = project.member.openstack, project.member.api()
    volume = project.member.volume(volume_type=name, group_id=group.id)
    words = ["volume", "group", "snapshot"]
    made = openstack(*words, "create", "--name", name, name, version="3.14")
    snapshot = available(api.group_snapshots, api.group_snapshots.get(made["ID"]))
    shown = openstack(*words, "show", name, version="3.14")
    assert (shown["ID"], shown["Group"], shown["Group Type"]) == (snapshot.id, group.id, types[1].id)
    (row,) = openstack(*words, "list", version="3.14")
    assert (row["ID"], row["Status"], row["Name"]) == (snapshot.id, "available", name)
    (part,) = api.volume_snapshots.list()
    assert (part.volume_id, part.group_snapshot_id) == (volume.id, snapshot.id)
    with pytest.raises(exceptions.BadRequest):
        api.volume_snapshots.delete(part)
    for source in [["--group-snapshot", name], ["--source-group", name]]:
        # This sends null for the other source; Cinder refuses it.
        made = openstack("volume", "group", "create", *source, "--name", f"{name}-copy", version="3.14")
        copy = available(api.groups, api.groups.get(made["ID"]))
        (volume_of_copy,) = [each for each in api.volumes.list() if each.group_id == copy.id]
        available(api.volumes, volume_of_copy)
        openstack("volume", "group", "delete", "--force", copy.id, version="3.13")
        gone(api.groups, copy)
        gone(api.volumes, volume_of_copy)
    openstack(*words, "delete", name, version="3.14")
    gone(api.group_snapshots, snapshot)
    gone(api.volume_snapshots, part)


def test_cinder_groups(project, name, types):
    cinder, api = project.member.cinder, project.member.api()
    made = cinder("group-create", "--name", name, types[1].id, types[0].id)
    group = available(api.groups, api.groups.get(made["id"]))
    volume = project.member.volume(volume_type=name, group_id=group.id)
    cinder("group-update", name, "--description", "d", "--remove-volumes", volume.id)
    available(api.groups, group)
    cinder("group-update", name, "--add-volumes", volume.id)
    available(api.groups, group)
    assert cinder("group-show", name)["description"] == "d"
    (row,) = cinder("group-list")
    assert (row["ID"], row["Status"], row["Name"]) == (group.id, "available", name)
    made = cinder("group-snapshot-create", "--name", name, group.id)
    snapshot = available(api.group_snapshots, api.group_snapshots.get(made["id"]))
    copy = cinder("group-create-from-src", "--group-snapshot", snapshot.id, "--name", f"{name}-copy")
    copy = available(api.groups, api.groups.get(copy["id"]))
    cinder("group-delete", "--delete-volumes", copy.id)
    gone(api.groups, copy)
    assert cinder("group-snapshot-show", snapshot.id)["group_id"] == group.id
    (row,) = cinder("group-snapshot-list")
    assert row["ID"] == snapshot.id
    with pytest.raises(CommandFailed):
        cinder("group-delete", "--delete-volumes", group.id)
    cinder("group-snapshot-delete", snapshot.id)
    gone(api.group_snapshots, snapshot)
    with pytest.raises(CommandFailed):
        cinder("group-delete", group.id)
    cinder("group-delete", "--delete-volumes", group.id)
    gone(api.groups, group)
    gone(api.volumes, volume)


def test_reset_status(project, group):
    admin = project.admin
    admin.cinder("reset-state", "--type", "group", "--state", "error", group.id)
    assert project.member.api().groups.get(group.id).status == "error"
    admin.api().groups.reset_state(group, "available")
    api = project.member.api()
    project.member.volume(volume_type=group.name, group_id=group.id)
    snapshot = available(api.group_snapshots, api.group_snapshots.create(group.id, name=group.name))
    admin.cinder("reset-state", "--type", "group-snapshot", "--state", "error", snapshot.id)
    reaches(api.group_snapshots, snapshot, "error")


def test_volumes_of_other_types_stay_out(project, group):
    api = project.member.api()
    other = project.member.volume()
    with pytest.raises(exceptions.BadRequest):
        api.groups.update(group.id, add_volumes=other.id)
    with pytest.raises(exceptions.BadRequest):
        api.volumes.create(1, group_id=group.id)
