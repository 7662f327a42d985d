"""What operators look at and turn: services, hosts, pools, capabilities, zones, extensions, log levels."""

import pytest
from cinderclient import exceptions

from access import CommandFailed


def backends(project):
    """The hosts of the volume services, each `host@backend`."""
    return [
        row["Host"] for row in project.admin.openstack("volume", "service", "list") if row["Binary"] == "cinder-volume"
    ]


def test_openstack_services(project):
    admin = project.admin.openstack
    rows = admin("volume", "service", "list")
    assert {row["Binary"] for row in rows} >= {"cinder-scheduler", "cinder-volume"}
    assert {(row["Status"], row["State"], row["Zone"]) for row in rows} == {("enabled", "up", "nova")}
    host = backends(project)[0]
    admin("volume", "service", "set", "--disable", "--disable-reason", "new disks", host, "cinder-volume")
    (row,) = admin("volume", "service", "list", "--long", "--host", host, "--service", "cinder-volume")
    assert (row["Host"], row["Status"], row["Disabled Reason"]) == (host, "disabled", "new disks")
    # Cinder 29.0.0 answers this and changes nothing.
    admin("volume", "service", "set", "--enable", host, "cinder-volume")
    (row,) = admin("volume", "service", "list", "--long", "--host", host, "--service", "cinder-volume")
    assert (row["Status"], row["Disabled Reason"] or None) == ("enabled", None)


def test_a_disabled_backend_gets_no_volume(project):
    host = backends(project)[0]
    api = project.admin.api()
    api.services.disable_log_reason(host, "cinder-volume", "a test")
    try:
        for _ in range(3):
            placed = getattr(api.volumes.get(project.admin.volume().id), "os-vol-host-attr:host")
            assert not placed.startswith(f"{host}#")
    finally:
        api.services.enable(host, "cinder-volume")


def test_cinder_services(project):
    admin = project.admin.cinder
    host = backends(project)[0]
    rows = admin("service-list", "--binary", "cinder-volume")
    assert {row["Host"] for row in rows} == set(backends(project))
    admin("service-disable", host, "cinder-volume", "--reason", "new disks")
    (row,) = admin("service-list", "--host", host)
    assert (row["Status"], row["Disabled Reason"]) == ("disabled", "new disks")
    admin("service-enable", host, "cinder-volume")
    admin("freeze-host", host)
    services = {service.host: service for service in project.admin.api().services.list(binary="cinder-volume")}
    assert services[host].frozen is True
    admin("thaw-host", host)
    with pytest.raises(CommandFailed):
        admin("freeze-host", "nobody@nowhere")
    with pytest.raises(exceptions.NotFound):
        project.admin.api().services.enable("nobody@nowhere", "cinder-volume")


def test_log_levels(project):
    admin = project.admin
    admin.openstack(
        "block", "storage", "log", "level", "set", "--service", "cinder-scheduler", "WARNING", version="3.32"
    )
    rows = admin.openstack("block", "storage", "log", "level", "list", "--service", "cinder-scheduler", version="3.32")
    assert rows and {row["Level"] for row in rows} == {"WARNING"}
    admin.cinder("service-set-log", "INFO", "--binary", "cinder-scheduler")
    assert {row["Level"] for row in admin.cinder("service-get-log", "--binary", "cinder-scheduler")} == {"INFO"}


def test_pools_and_capabilities(project):
    admin = project.admin
    pools = admin.openstack("volume", "backend", "pool", "list", "--long")
    hosts = backends(project)
    assert {pool["Name"].split("#")[0] for pool in pools} == set(hosts)
    assert len({pool["Capabilities"]["volume_backend_name"] for pool in pools}) == len(hosts)
    assert admin.cinder("get-pools")["name"] in {pool["Name"] for pool in pools}
    for pool in pools:
        shown = admin.request("GET", f"/capabilities/{pool['Name'].split('#')[0]}").json()
        for key in ["volume_backend_name", "storage_protocol", "vendor_name", "driver_version"]:
            assert shown[key] == pool["Capabilities"][key], key
    assert isinstance(admin.openstack("volume", "backend", "capability", "show", hosts[0]), list)
    assert admin.cinder("get-capabilities", hosts[0])
    name = pools[0]["Name"]
    kept = admin.request("GET", "/scheduler-stats/get_pools", version="3.28", params={"name": name}).json()["pools"]
    assert kept == [{"name": name}]


def test_hosts(project):
    listed = project.admin.request("GET", "/os-hosts").json()["hosts"]
    assert {row["host_name"] for row in listed} >= set(backends(project))
    host = backends(project)[0]
    (total, *_) = project.admin.request("GET", f"/os-hosts/{host}").json()["host"]
    assert (total["resource"]["host"], total["resource"]["project"]) == (host, "(total)")
    assert all(isinstance(total["resource"][key], str) for key in ["volume_count", "total_volume_gb", "snapshot_count"])


def test_zones_and_extensions(project):
    assert project.member.openstack("availability", "zone", "list", "--volume") == [
        {"Zone Name": "nova", "Zone Status": "available"}
    ]
    assert project.member.cinder("availability-zone-list") == [{"Name": "nova", "Status": "available"}]
    names = {row["Name"] for row in project.member.openstack("extension", "list", "--volume")}
    assert {"Hosts", "Services", "VolumeTypeAccess"} <= names
    assert "Hosts" in {row["Name"] for row in project.member.cinder("list-extensions")}


def test_filters(project):
    rows = {row["Resource"]: row["Filters"] for row in project.member.cinder("list-filters")}
    assert {"volume", "snapshot", "group", "attachment", "message", "pool"} <= set(rows)
    shown = project.member.openstack("block", "storage", "resource", "filter", "show", "volume", version="3.33")
    assert {"name", "status", "metadata"} <= set(shown["Filters"])


def test_what_is_absent_says_so(project):
    """Backups, managing and migration come later; until then a client gets an answer, not a hang or a fault."""
    member, admin = project.member, project.admin
    volume = member.volume()
    for call, codes in [
        (lambda: member.request("GET", "/backups"), {200}),
        (lambda: member.request("POST", "/backups", json={"backup": {"volume_id": volume.id}}), {202, 400, 503}),
        (lambda: admin.request("GET", "/clusters", version="3.7"), {200}),
        (lambda: member.request("GET", "/consistencygroups"), {200}),
        (lambda: member.request("GET", "/cgsnapshots"), {200}),
    ]:
        answer = call()
        assert answer.status_code in codes, answer.text
