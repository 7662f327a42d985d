"""Quota sets, classes, usage, limits."""

import pytest
from cinderclient import exceptions

from access import CommandFailed

DEFAULTS = {
    "volumes": 10,
    "snapshots": 10,
    "gigabytes": 1000,
    "backups": 10,
    "backup_gigabytes": 1000,
    "per_volume_gigabytes": -1,
    "groups": 10,
}


def test_defaults(project):
    api = project.admin.api()
    for shown in [
        api.quotas.get(project.id),
        api.quotas.defaults(project.id),
        project.member.api().quotas.get(project.id),
    ]:
        assert {key: getattr(shown, key) for key in DEFAULTS} == DEFAULTS


def test_cinder_quotas(project):
    admin = project.admin.cinder
    admin("quota-update", "--volumes", "3", "--gigabytes", "20", "--snapshots", "-1", project.id)
    shown = admin("quota-show", project.id)
    assert (shown["volumes"], shown["gigabytes"], shown["snapshots"]) == ("3", "20", "-1")
    project.member.snapshot(project.member.volume(2))
    rows = {row["Type"]: row for row in admin("quota-usage", project.id)}
    assert [rows["volumes"][key] for key in ["In_use", "Reserved", "Limit"]] == ["1", "0", "3"]
    assert [rows["gigabytes"][key] for key in ["In_use", "Reserved", "Limit"]] == ["4", "0", "20"]
    assert rows["snapshots"]["In_use"] == "1"
    with pytest.raises(CommandFailed, match="exceed"):
        project.member.cinder("create", "17")
    assert admin("quota-defaults", project.id)["volumes"] == "10"
    admin("quota-delete", project.id)
    assert admin("quota-show", project.id)["volumes"] == "10"


def test_openstack_quotas(project):
    """`quota show` and `quota set` ask Keystone for names and Nova for its quotas, so the SDK stands in."""
    storage = project.admin.sdk()
    storage.update_quota_set(project.id, volumes=4)
    assert storage.get_quota_set(project.id).volumes == 4
    project.member.volume()
    assert storage.get_quota_set(project.id, usage=True).usage["volumes"] == 1
    storage.revert_quota_set(project.id)
    assert storage.get_quota_set(project.id).volumes == 10
    assert storage.get_quota_set_defaults(project.id).gigabytes == 1000


def test_quotas_of_a_type(project, name):
    admin = project.admin
    admin.api().volume_types.create(name)
    admin.cinder("quota-update", "--volumes", "1", "--volume-type", name, project.id)
    assert admin.cinder("quota-show", project.id)[f"volumes_{name}"] == "1"
    project.member.volume(volume_type=name)
    with pytest.raises(exceptions.OverLimit, match=f"volumes_{name}"):
        project.member.api().volumes.create(1, volume_type=name)
    project.member.volume()


def test_a_volume_may_be_too_large_for_a_project(project):
    project.admin.api().quotas.update(project.id, per_volume_gigabytes=5)
    with pytest.raises(exceptions.OverLimit, match="Requested volume size 6G is larger than maximum allowed limit 5G"):
        project.member.api().volumes.create(6)
    volume = project.member.volume(5)
    with pytest.raises(exceptions.OverLimit):
        project.member.api().volumes.extend(volume, 6)


@pytest.mark.parametrize("body", [{"bogus": 1}, {"volumes": -2}, {"volumes": "many"}])
def test_refusals(project, body):
    answer = project.admin.request("PUT", f"/os-quota-sets/{project.id}", json={"quota_set": body})
    assert answer.status_code == 400


def test_classes(cell, project):
    admin = project.admin
    assert admin.cinder("quota-class-show", "default")["volumes"] == "10"
    try:
        admin.cinder("quota-class-update", "--snapshots", "12", "default")
        assert admin.cinder("quota-class-show", "default")["snapshots"] == "12"
        assert admin.api().quotas.defaults(cell.project().id).snapshots == 12
    finally:
        admin.cinder("quota-class-update", "--snapshots", "10", "default")


def test_limits(project):
    project.member.snapshot(project.member.volume(2))
    expected = {"maxTotalVolumes": 10, "maxTotalVolumeGigabytes": 1000, "maxTotalSnapshots": 10, "totalVolumesUsed": 1}
    expected |= {"totalGigabytesUsed": 4, "totalSnapshotsUsed": 1, "totalBackupsUsed": 0, "totalBackupGigabytesUsed": 0}
    limits = {each.name: each.value for each in project.member.api().limits.get().absolute}
    assert {key: limits[key] for key in expected} == expected
    assert (
        project.member.cinder("absolute-limits").items() >= {key: str(value) for key, value in expected.items()}.items()
    )
    absolute = project.member.sdk().get_limits().absolute
    assert (absolute.max_total_volumes, absolute.total_gigabytes_used) == (10, 4)
