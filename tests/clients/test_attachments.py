"""Attachments, as Nova and its like make them."""

import uuid

import pytest
from cinderclient import exceptions

from access import SERVICE_TOKEN

CONNECTOR = {
    "host": "node",
    "initiator": "iqn.1994-05.org:node",
    "ip": "127.0.0.1",
    "platform": "x86_64",
    "os_type": "linux",
    "multipath": False,
}


def server():
    """The id of a server that no compute service knows."""
    return str(uuid.uuid4())


def status(project, volume):
    return project.member.api().volumes.get(volume.id).status


def test_from_reserved_to_gone(project):
    api = project.member.api()
    volume, instance = project.member.volume(), server()
    made = api.attachments.create(volume.id, None, instance)
    assert (made["status"], made["volume_id"], made["instance"]) == ("reserved", volume.id, instance)
    assert status(project, volume) == "reserved"
    connected = api.attachments.update(made["id"], CONNECTOR)
    assert api.attachments.show(made["id"]).status == "attaching"
    assert connected.connection_info["driver_volume_type"]
    assert connected.connection_info["attachment_id"] == made["id"]
    assert status(project, volume) == "attaching"
    api.attachments.complete(made["id"])
    assert api.attachments.show(made["id"]).status == "attached"
    assert status(project, volume) == "in-use"
    (seen,) = api.volumes.get(volume.id).attachments
    assert (seen["attachment_id"], seen["server_id"], seen["id"]) == (made["id"], instance, volume.id)
    assert [each.id for each in api.attachments.list(search_opts={"volume_id": volume.id})] == [made["id"]]
    with pytest.raises(exceptions.BadRequest):
        api.volumes.delete(volume)
    api.attachments.delete(made["id"])
    assert status(project, volume) == "available"
    assert api.attachments.list() == []


def test_reserved_and_connected_at_once(project):
    api = project.member.api()
    volume = project.member.volume()
    made = api.attachments.create(volume.id, CONNECTOR, server(), mode="ro")
    seen = api.attachments.show(made["id"])
    assert (seen.status, seen.attach_mode) == ("attaching", "ro")
    assert made["connection_info"]["driver_volume_type"]
    with pytest.raises(exceptions.BadRequest):
        api.attachments.create(volume.id, None, server())


def test_in_use_volumes_grow_since_3_42(project):
    volume = project.member.volume()
    api = project.member.api()
    made = api.attachments.create(volume.id, CONNECTOR, server())
    api.attachments.complete(made["id"])
    with pytest.raises(exceptions.BadRequest):
        project.member.api("3.41").volumes.extend(volume, 2)
    with pytest.raises(exceptions.BadRequest):
        project.member.api("3.65").volume_snapshots.create(volume.id)
    assert project.member.api("3.65").volume_snapshots.create(volume.id, force=True).volume_id == volume.id


def test_many_attachments_of_a_volume_whose_type_allows_them(project, name):
    kind = project.admin.api().volume_types.create(name)
    kind.set_keys({"multiattach": "<is> True"})
    api = project.member.api()
    volume = project.member.volume(volume_type=name)
    assert volume.multiattach is True
    made = []
    for _ in range(2):
        made.append(api.attachments.create(volume.id, CONNECTOR, server()))
        api.attachments.complete(made[-1]["id"])
    first, second = made
    assert len(api.volumes.get(volume.id).attachments) == 2
    api.attachments.delete(first["id"])
    assert status(project, volume) == "in-use"
    api.attachments.delete(second["id"])
    assert status(project, volume) == "available"


def test_cinder(project, name):
    cinder = project.member.cinder
    volume, instance = project.member.volume(name=name), server()
    made = cinder("attachment-create", name, instance)
    assert (made["status"], made["volume_id"], made["instance"]) == ("reserved", volume.id, instance)
    cinder(
        "attachment-update", made["id"], "--host", "node", "--ip", "127.0.0.1", "--initiator", "iqn.1994-05.org:node"
    )
    assert cinder("attachment-show", made["id"])["status"] == "attaching"
    cinder("attachment-complete", made["id"])
    (row,) = cinder("attachment-list")
    assert (row["ID"], row["Volume ID"], row["Status"]) == (made["id"], volume.id, "attached")
    cinder("attachment-delete", made["id"])
    assert cinder("attachment-list") == []


def test_openstack(project, name):
    """Its `create` asks Nova for the server, so it is left out: there is none."""
    openstack, api = project.member.openstack, project.member.api()
    volume = project.member.volume(name=name)
    made = api.attachments.create(volume.id, None, server())["id"]
    (row,) = openstack("volume", "attachment", "list", "--volume-id", volume.id, version="3.27")
    assert (row["ID"], row["Volume ID"], row["Status"]) == (made, volume.id, "reserved")
    connector = ["--host", "node", "--ip", "127.0.0.1", "--initiator", "iqn.1994-05.org:node"]
    openstack("volume", "attachment", "set", *connector, made, version="3.27")
    assert openstack("volume", "attachment", "show", made, version="3.27")["Status"] == "attaching"
    openstack("volume", "attachment", "complete", made, version="3.44")
    assert openstack("volume", "show", name)["status"] == "in-use"
    openstack("volume", "attachment", "delete", made, version="3.27")
    assert openstack("volume", "attachment", "list", "--volume-id", volume.id, version="3.27") == []


def test_the_sdk(project):
    storage = project.member.sdk()
    volume = project.member.volume()
    made = storage.create_attachment(volume.id, instance=server())
    storage.update_attachment(made, connector=CONNECTOR)
    storage.complete_attachment(made)
    assert storage.get_attachment(made.id).status == "attached"
    assert [each.id for each in storage.attachments()] == [made.id]
    storage.delete_attachment(made)
    assert storage.get_volume(volume.id).status == "available"


def test_what_compute_attached_only_compute_detaches(cell, project):
    """CVE-2023-2088: a user who detached behind Nova's back would leave the server with the next volume's data.

    Cinder asks Nova whether it knows the server; a cell remembers who made the attachment.
    """
    if not cell.asks:
        pytest.skip("noauth asks nobody")
    member, service = project.member, {"X-Service-Token": SERVICE_TOKEN}
    volume, instance = member.volume(), server()
    body = {"attachment": {"volume_uuid": volume.id, "instance_uuid": instance, "connector": CONNECTOR}}
    made = member.request("POST", "/attachments", version="3.44", json=body, headers=service).json()["attachment"]
    path = f"/attachments/{made['id']}"
    answer = member.request("POST", f"{path}/action", version="3.44", json={"os-complete": {}}, headers=service)
    assert answer.status_code == 204
    refused = member.request("DELETE", path, version="3.44")
    assert (refused.status_code, refused.json()["conflictingRequest"]["code"]) == (409, 409)
    assert instance in refused.json()["conflictingRequest"]["message"]
    assert status(project, volume) == "in-use"
    assert member.request("DELETE", path, version="3.44", headers=service).status_code == 200
    assert status(project, volume) == "available"
