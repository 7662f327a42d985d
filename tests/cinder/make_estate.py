"""Makes a Cinder database with the real package: its migrations, its models, its quota engine.

    python make_estate.py URL

URL is SQLAlchemy's, of a database that is empty. What is in it is the same every time: ids and times are fixed.
Quota drifts in it the ways that it drifts in a cloud: a service dies between two of its transactions, a row goes and its
counter does not, a row is doubled.
"""

import datetime
import itertools
import sys
import uuid
import warnings

warnings.simplefilter("ignore")

import sqlalchemy  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_utils import timeutils  # noqa: E402

from cinder import context, quota  # noqa: E402
from cinder.db import api as db  # noqa: E402
from cinder.db import migration, models  # noqa: E402
from cinder.objects import register_all  # noqa: E402

NOW = datetime.datetime(2026, 11, 26, 12, 0, 0)
ALPHA = "a1fa0000000000000000000000000001"
BETA = "be7a0000000000000000000000000002"
GAMMA = "9a33a000000000000000000000000003"
POOL = "cinder1@lvm#cinder-volumes"


def uid(kind, number):
    return str(uuid.UUID(int=(kind << 96) + number))


def volume_id(number):
    return uid(0xC1, number)


def at(hours):
    """Everything that is written from here on is so many hours old."""
    timeutils.set_time_override(NOW - datetime.timedelta(hours=hours))


def fixed_ids():
    """Ids that Cinder makes itself are the same every time as well."""
    numbers = itertools.count(1)
    uuid.uuid4 = lambda: uuid.UUID(int=(0xF1 << 96) + next(numbers), version=4)


class Estate:
    def __init__(self):
        self.ctxt = context.get_admin_context()
        self.types = {}

    def deltas(self, size, volume_type):
        name = self.types[volume_type]["name"]
        return {"volumes": 1, "gigabytes": size, f"volumes_{name}": 1, f"gigabytes_{name}": size}

    def reserve(self, project, expire=None, **deltas):
        return quota.QUOTAS.reserve(self.ctxt, expire=expire, project_id=project, **deltas)

    def commit(self, project, reservations):
        quota.QUOTAS.commit(self.ctxt, reservations, project_id=project)

    def volume(self, number, project, size, volume_type="gold", counted=True, **more):
        if counted:
            self.commit(project, self.reserve(project, **self.deltas(size, volume_type)))
        values = {
            "id": volume_id(number), "project_id": project, "user_id": "u" * 32, "size": size, "host": POOL,
            "availability_zone": "nova", "status": "available", "attach_status": "detached",
            "display_name": f"volume {number}", "volume_type_id": self.types[volume_type]["id"],
        }
        return db.volume_create(self.ctxt, {**values, **more})

    def snapshot(self, number, volume, project, size, volume_type="gold", **more):
        name = self.types[volume_type]["name"]
        self.commit(project, self.reserve(
            project, snapshots=1, gigabytes=size, **{f"snapshots_{name}": 1, f"gigabytes_{name}": size}))
        values = {
            "id": uid(0x5A, number), "volume_id": volume_id(volume), "project_id": project, "user_id": "u" * 32,
            "status": "available", "progress": "100%", "volume_size": size, "display_name": f"snapshot {number}",
            "volume_type_id": self.types[volume_type]["id"],
        }
        return db.snapshot_create(self.ctxt, {**values, **more})

    def attachment(self, number, volume, **more):
        values = {
            "id": uid(0xA7, number), "volume_id": volume_id(volume), "attach_status": "attached", "attach_mode": "rw",
            "instance_uuid": uid(0x15, number), "attached_host": "compute1", "mountpoint": "/dev/vdb",
        }
        return db.volume_attach(self.ctxt, {**values, **more})

    def create(self):
        at(1000)
        self.catalogue()
        self.limits()
        at(900)
        self.healthy()
        self.unadoptable()
        self.drift()

    def catalogue(self):
        specs = {"volume_backend_name": "lvm"}
        gold = {"id": uid(0x7E, 1), "name": "gold", "description": "fast; it's \"quick\"", "is_public": True,
                "extra_specs": specs}
        lab = {"id": uid(0x7E, 2), "name": "lab", "is_public": False, "extra_specs": {}}
        luks = {"id": uid(0x7E, 3), "name": "luks", "is_public": True, "extra_specs": {}}
        shared = {"id": uid(0x7E, 4), "name": "shared_one", "is_public": True,
                  "extra_specs": {"multiattach": "<is> True"}}
        gone = {"id": uid(0x7E, 5), "name": "gone", "is_public": True, "extra_specs": {}}
        for values in (gold, lab, luks, shared, gone):
            key = values["name"]
            self.types[key] = {"id": values["id"], "name": values["name"]}
            db.volume_type_create(self.ctxt, values)
        default = db.volume_type_get_by_name(self.ctxt, "__DEFAULT__")
        self.types["__DEFAULT__"] = {"id": default["id"], "name": "__DEFAULT__"}
        db.volume_type_access_add(self.ctxt, self.types["lab"]["id"], BETA)
        db.volume_type_encryption_create(self.ctxt, self.types["luks"]["id"], {
            "encryption_id": uid(0xEC, 1), "cipher": "aes-xts-plain64", "key_size": 256, "provider": "luks",
            "control_location": "front-end"})
        qos = db.qos_specs_create(self.ctxt, {
            "name": "slow", "consumer": "back-end", "specs": {"total_iops_sec": "500"}})
        db.volume_type_qos_associate(self.ctxt, self.types["gold"]["id"], qos["id"])
        db.project_default_volume_type_set(self.ctxt, self.types["gold"]["id"], ALPHA)
        db.group_type_create(self.ctxt, {
            "id": uid(0x97, 1), "name": "set", "description": "volumes that belong together", "is_public": True,
            "group_specs": {"purpose": "databases"}})

    def limits(self):
        for name, limit in {"volumes": 20, "gigabytes": 100, "volumes_gold": 8}.items():
            db.quota_create(self.ctxt, ALPHA, name, limit)
        db.quota_create(self.ctxt, GAMMA, "consistencygroups", 3)
        db.quota_class_update(self.ctxt, "default", "snapshots", 12)

    def healthy(self):
        # First the reservation, as Cinder does: a counter that is missing is made from the rows that are there.
        groups = quota.GROUP_QUOTAS.reserve(self.ctxt, project_id=ALPHA, groups=1)
        group = db.group_create(self.ctxt, {
            "id": uid(0x96, 1), "name": "db", "description": "", "project_id": ALPHA, "user_id": "u" * 32,
            "group_type_id": uid(0x97, 1), "volume_type_ids": [self.types["gold"]["id"]], "status": "available",
            "host": POOL, "availability_zone": "nova"})
        quota.GROUP_QUOTAS.commit(self.ctxt, groups, project_id=ALPHA)
        self.volume(1, ALPHA, 2, display_name="O'Reilly \\ \"web\"\nfront",
                    display_description="größer; ü, 漢字 -- /* no comment */", bootable=True,
                    metadata={"tier": "1", "a;b": "c,(d)"}, group_id=group["id"])
        self.volume(2, ALPHA, 1, status="in-use", attach_status="attached")
        self.attachment(1, 2)
        self.volume(3, ALPHA, 3, "__DEFAULT__", admin_metadata={"readonly": "True"})
        # A migration has finished: the LV has another name.
        self.volume(4, ALPHA, 1, _name_id=uid(0xC2, 4), migration_status="success")
        self.volume(5, BETA, 1, "lab", group_id=None)
        self.volume(6, BETA, 2, "shared_one", status="in-use", attach_status="attached", multiattach=True)
        self.attachment(2, 6)
        self.attachment(3, 6, attached_host="compute2")
        self.snapshot(1, 1, ALPHA, 2, metadata={"kept": "yes"})
        # The volume was extended behind it.
        self.snapshot(2, 3, ALPHA, 1, "__DEFAULT__")
        db.volume_glance_metadata_create(self.ctxt, volume_id(1), "os_type", "linux")

    def unadoptable(self):
        self.volume(20, BETA, 1, "luks", encryption_key_id=uid(0xEC, 20))
        self.volume(21, BETA, 1, status="error", host=None)
        self.volume(22, BETA, 1, migration_status="migrating", status="available")
        self.volume(23, BETA, 1, counted=False, migration_status="target:" + volume_id(22), use_quota=False)
        self.volume(24, GAMMA, 4, "__DEFAULT__", display_name="image-cache")
        db.image_volume_cache_create(
            self.ctxt, POOL, None, uid(0x1A, 1), NOW, volume_id(24), 4)
        self.volume(25, BETA, 1, status="awaiting-transfer")
        self.volume(26, ALPHA, 1)
        db.volume_destroy(self.ctxt, volume_id(26))
        self.commit(ALPHA, quota.QUOTAS.reserve(
            self.ctxt, project_id=ALPHA, volumes=-1, gigabytes=-1, volumes_gold=-1, gigabytes_gold=-1))
        self.commit(ALPHA, self.reserve(ALPHA, backups=1, backup_gigabytes=2))
        db.backup_create(self.ctxt, {
            "id": uid(0xBA, 1), "volume_id": volume_id(1), "project_id": ALPHA, "user_id": "u" * 32, "size": 2,
            "status": "available", "display_name": "nightly", "service": "cinder.backup.drivers.nfs.NFSBackupDriver",
            "host": "cinder1"})

    def drift(self):
        # Two creates died between the reservation and the row: one is expired, and nobody swept it; one is not yet.
        at(60)
        self.reserve(ALPHA, expire=3600, **self.deltas(7, "gold"))
        at(2)
        self.reserve(ALPHA, **self.deltas(5, "gold"))
        at(50)
        # The row went, and taking it off the counter failed.
        self.volume(40, ALPHA, 9, "__DEFAULT__")
        db.volume_destroy(self.ctxt, volume_id(40))
        # The commit failed; the row is there, its units are nowhere.
        self.volume(41, BETA, 6, "__DEFAULT__", counted=False)
        # The message was lost: nobody works on these any more.
        at(30)
        self.volume(42, BETA, 1, "__DEFAULT__", status="creating", host=None)
        self.volume(43, ALPHA, 1, "__DEFAULT__", status="deleting")
        self.snapshot(3, 1, ALPHA, 2, status="creating", progress="0%")
        at(1)
        self.volume(44, ALPHA, 1, "__DEFAULT__", status="attaching")
        with db.main_context_manager.writer.using(self.ctxt):
            # Two APIs made the same counter at once, before there was a constraint; and a type was deleted with its own.
            for project, resource, in_use in ((BETA, "volumes", 2), (GAMMA, "volumes_gone", 1)):
                row = models.QuotaUsage(project_id=project, resource=resource, in_use=in_use, reserved=0)
                row.race_preventer = sqlalchemy.null()
                self.ctxt.session.add(row)
        db.volume_type_destroy(self.ctxt, self.types["gone"]["id"])


def main():
    fixed_ids()
    register_all()
    cfg.CONF([], project="cinder", default_config_files=[])
    cfg.CONF.set_override("connection", sys.argv[1], group="database")
    migration.db_sync()
    Estate().create()


if __name__ == "__main__":
    main()
