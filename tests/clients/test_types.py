"""Volume types: extra specs, access, default, encryption; QoS specs."""

import pytest
from cinderclient import exceptions

from access import CommandFailed


def test_openstack_types(project, name):
    member, admin = project.member.openstack, project.admin.openstack
    made = admin("volume", "type", "create", "--description", "fast", "--property", "a=1", name)
    assert (made["name"], made["is_public"], made["description"]) == (name, True, "fast")
    admin("volume", "type", "set", "--name", f"{name}-new", "--description", "faster", "--property", "b=2", name)
    admin("volume", "type", "unset", "--property", "a", f"{name}-new")
    shown = admin("volume", "type", "show", f"{name}-new")
    assert (shown["id"], shown["description"], shown["properties"]) == (made["id"], "faster", {"b": "2"})
    rows = {row["ID"]: row for row in member("volume", "type", "list")}
    assert rows[made["id"]] == {"ID": made["id"], "Name": f"{name}-new", "Is Public": True}
    assert member("volume", "type", "list", "--default")[0]["Name"] == "__DEFAULT__"
    with pytest.raises(CommandFailed):
        admin("volume", "type", "create", f"{name}-new")
    admin("volume", "type", "delete", f"{name}-new")
    assert made["id"] not in {row["ID"] for row in member("volume", "type", "list")}


def test_openstack_encryption(project, name):
    admin = project.admin.openstack
    encryption = ["--encryption-provider", "luks", "--encryption-cipher", "aes-xts-plain64"]
    encryption += ["--encryption-key-size", "256", "--encryption-control-location", "front-end"]
    admin("volume", "type", "create", *encryption, name)
    shown = admin("volume", "type", "show", "--encryption-type", name)["encryption"]
    assert (shown["provider"], shown["cipher"]) == ("luks", "aes-xts-plain64")
    assert (shown["key_size"], shown["control_location"]) == (256, "front-end")
    admin("volume", "type", "set", "--encryption-key-size", "512", name)
    assert admin("volume", "type", "show", "--encryption-type", name)["encryption"]["key_size"] == 512
    rows = {row["Name"]: row["Encryption"] for row in admin("volume", "type", "list", "--encryption-type")}
    assert rows[name]["provider"] == "luks"
    admin("volume", "type", "unset", "--encryption-type", name)
    assert not admin("volume", "type", "show", "--encryption-type", name)["encryption"]


def test_cinder_types(project, name):
    member, admin = project.member.cinder, project.admin.cinder
    (made,) = admin("type-create", "--description", "fast", name)
    admin("type-key", name, "set", "a=1", "b=<is> True")
    admin("type-key", name, "unset", "a")
    specs = {row["ID"]: row["extra_specs"] for row in admin("extra-specs-list")}
    assert specs[made["ID"]] == "{'b': '<is> True'}"
    admin("type-update", made["ID"], "--name", f"{name}-new", "--is-public", "False")
    assert admin("type-show", made["ID"])["name"] == f"{name}-new"
    assert f"{name}-new" in {row["Name"] for row in admin("type-list")}
    (row,) = member("type-default")
    assert row["Name"] == "__DEFAULT__"
    admin("type-delete", made["ID"])
    with pytest.raises(CommandFailed):
        admin("type-show", made["ID"])


def test_cinder_encryption(project, name):
    admin = project.admin.cinder
    project.admin.api().volume_types.create(name)
    (made,) = admin("encryption-type-create", "--cipher", "aes-xts-plain64", "--key-size", "256", name, "luks")
    assert (made["Provider"], made["Cipher"], made["Key Size"]) == ("luks", "aes-xts-plain64", "256")
    admin("encryption-type-update", "--key-size", "512", name)
    (shown,) = admin("encryption-type-show", name)
    assert (shown["Key Size"], shown["Control Location"]) == ("512", "front-end")
    assert made["Volume Type ID"] in {row["Volume Type ID"] for row in admin("encryption-type-list")}
    admin("encryption-type-delete", name)
    assert made["Volume Type ID"] not in {row["Volume Type ID"] for row in admin("encryption-type-list")}


def test_private_types(cell, project, name):
    other, admin = cell.project(), project.admin
    made = admin.api().volume_types.create(name, is_public=False)
    admin.cinder("type-access-add", "--volume-type", name, "--project-id", project.id)
    (row,) = admin.cinder("type-access-list", "--volume-type", name)
    assert (row["Volume_type_ID"], row["Project_ID"]) == (made.id, project.id)
    assert project.member.volume(volume_type=name).volume_type == name
    if cell.asks:
        assert name in {each.name for each in project.member.api().volume_types.list()}
        assert name not in {each.name for each in other.member.api().volume_types.list()}
        with pytest.raises(exceptions.NotFound):
            other.member.api().volumes.create(1, volume_type=name)
    with pytest.raises(exceptions.ClientException, match="409"):
        admin.api().volume_type_access.add_project_access(made.id, project.id)
    admin.cinder("type-access-remove", "--volume-type", name, "--project-id", project.id)
    assert admin.cinder("type-access-list", "--volume-type", name) == []
    public = admin.api().volume_types.create(f"{name}-public")
    with pytest.raises(exceptions.BadRequest):
        admin.api().volume_type_access.add_project_access(public.id, project.id)


def test_a_type_in_use_stays(project, name):
    admin = project.admin.api()
    made = admin.volume_types.create(name)
    project.member.volume(volume_type=name)
    with pytest.raises(exceptions.BadRequest):
        admin.volume_types.delete(made)


def test_default_types_of_projects(project, name):
    """Cinder asks Keystone whether there is such a project, so it fails here."""
    made = project.admin.api().volume_types.create(name)
    project.admin.cinder("default-type-set", name, project.id)
    shown = project.admin.cinder("default-type-list", "--project-id", project.id)
    assert shown == {"volume_type_id": made.id, "project_id": project.id}
    rows = project.admin.cinder("default-type-list")
    assert {"Volume Type ID": made.id, "Project ID": project.id} in rows
    assert project.member.volume().volume_type == name
    project.admin.cinder("default-type-unset", project.id)
    assert project.member.volume().volume_type == "__DEFAULT__"


def test_openstack_qos(project, name):
    admin = project.admin.openstack
    kind = project.admin.api().volume_types.create(name)
    made = admin("volume", "qos", "create", "--consumer", "front-end", "--property", "read_iops_sec=2000", name)
    assert (made["name"], made["consumer"], made["properties"]) == (name, "front-end", {"read_iops_sec": "2000"})
    admin("volume", "qos", "set", "--property", "write_iops_sec=1000", name)
    admin("volume", "qos", "unset", "--property", "read_iops_sec", name)
    admin("volume", "qos", "associate", name, name)
    shown = admin("volume", "qos", "show", name)
    assert (shown["id"], shown["properties"], shown["associations"]) == (made["id"], {"write_iops_sec": "1000"}, [name])
    assert project.admin.api().volume_types.get(kind.id).qos_specs_id == made["id"]
    rows = {row["ID"]: row for row in admin("volume", "qos", "list")}
    assert (rows[made["id"]]["Name"], rows[made["id"]]["Associations"]) == (name, [name])
    with pytest.raises(CommandFailed):
        admin("volume", "qos", "delete", name)
    admin("volume", "qos", "disassociate", "--volume-type", name, name)
    admin("volume", "qos", "delete", name)
    assert made["id"] not in {row["ID"] for row in admin("volume", "qos", "list")}


def test_cinder_qos(project, name):
    admin = project.admin.cinder
    kind = project.admin.api().volume_types.create(name)
    made = admin("qos-create", name, "consumer=back-end", "a=1")
    qos = made["id"]
    admin("qos-key", qos, "set", "b=2")
    admin("qos-key", qos, "unset", "a")
    assert admin("qos-show", qos)["specs"] == "b : 2"
    admin("qos-associate", qos, kind.id)
    (row,) = admin("qos-get-association", qos)
    assert (row["ID"], row["Name"]) == (kind.id, name)
    admin("qos-disassociate", qos, kind.id)
    admin("qos-associate", qos, kind.id)
    admin("qos-disassociate-all", qos)
    assert admin("qos-get-association", qos) == []
    assert qos in {row["ID"] for row in admin("qos-list")}
    admin("qos-delete", qos)
    assert qos not in {row["ID"] for row in admin("qos-list")}
