//! The extensions of Cinder's API whose routes are served. Clients look for them by alias, as in the days before
//! microversions.

use serde::Serialize;
use serde_json::json;

use super::answer::{Answer, Answered};
use super::context::Context;
use super::fault::Fault;
use super::routes::Routes;

/// An extension as Cinder shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Extension {
    name: &'static str,
    alias: &'static str,
    description: &'static str,
    updated: &'static str,
    links: [(); 0],
}

const fn extension(
    alias: &'static str,
    name: &'static str,
    updated: &'static str,
    description: &'static str,
) -> Extension {
    Extension { name, alias, description, updated, links: [] }
}

/// By alias.
const EXTENSIONS: &[Extension] = &[
    extension(
        "OS-SCH-HNT",
        "SchedulerHints",
        "2013-04-18T00:00:00+00:00",
        "Pass arbitrary key/value pairs to the scheduler.",
    ),
    extension("backups", "Backups", "2012-12-12T00:00:00+00:00", "Backups support."),
    extension("capabilities", "Capabilities", "2015-08-31T00:00:00+00:00", "Capabilities support."),
    extension("cgsnapshots", "Cgsnapshots", "2014-08-18T00:00:00+00:00", "cgsnapshots support."),
    extension("consistencygroups", "Consistencygroups", "2014-08-18T00:00:00+00:00", "consistency groups support."),
    extension(
        "encryption",
        "VolumeTypeEncryption",
        "2013-07-01T00:00:00+00:00",
        "Encryption support for volume types.",
    ),
    extension("os-admin-actions", "AdminActions", "2012-08-25T00:00:00+00:00", "Enable admin actions."),
    extension("os-availability-zone", "AvailabilityZones", "2013-06-27T00:00:00+00:00", "Describe Availability Zones."),
    extension("os-extended-services", "ExtendedServices", "2014-01-10T00:00:00-00:00", "Extended services support."),
    extension(
        "os-extended-snapshot-attributes",
        "ExtendedSnapshotAttributes",
        "2012-06-19T00:00:00+00:00",
        "Extended SnapshotAttributes support.",
    ),
    extension("os-hosts", "Hosts", "2011-06-29T00:00:00+00:00", "Admin-only host administration."),
    extension("os-quota-class-sets", "QuotaClasses", "2012-03-12T00:00:00+00:00", "Quota classes management support."),
    extension("os-quota-sets", "Quotas", "2011-08-08T00:00:00+00:00", "Quota management support."),
    extension("os-services", "Services", "2012-10-28T00:00:00-00:00", "Services support."),
    extension(
        "os-snapshot-actions",
        "SnapshotActions",
        "2013-07-16T00:00:00+00:00",
        "Enable snapshot manager actions.",
    ),
    extension(
        "os-snapshot-manage",
        "SnapshotManage",
        "2014-12-31T00:00:00+00:00",
        "Allows existing backend storage to be 'managed' by Cinder.",
    ),
    extension(
        "os-snapshot-unmanage",
        "SnapshotUnmanage",
        "2014-12-31T00:00:00+00:00",
        "Enable volume unmanage operation.",
    ),
    extension("os-types-extra-specs", "TypesExtraSpecs", "2011-08-24T00:00:00+00:00", "Type extra specs support."),
    extension("os-types-manage", "TypesManage", "2011-08-24T00:00:00+00:00", "Types manage support."),
    extension(
        "os-used-limits",
        "UsedLimits",
        "2013-10-03T00:00:00+00:00",
        "Provide data on limited resources that are being used.",
    ),
    extension(
        "os-vol-host-attr",
        "VolumeHostAttribute",
        "2011-11-03T00:00:00+00:00",
        "Expose host as an attribute of a volume.",
    ),
    extension(
        "os-vol-image-meta",
        "VolumeImageMetadata",
        "2012-12-07T00:00:00+00:00",
        "Show image metadata associated with the volume.",
    ),
    extension(
        "os-vol-mig-status-attr",
        "VolumeMigStatusAttribute",
        "2013-08-08T00:00:00+00:00",
        "Expose migration_status as an attribute of a volume.",
    ),
    extension(
        "os-vol-tenant-attr",
        "VolumeTenantAttribute",
        "2011-11-03T00:00:00+00:00",
        "Expose the internal project_id as an attribute of a volume.",
    ),
    extension("os-volume-actions", "VolumeActions", "2012-05-31T00:00:00+00:00", "Enable volume actions."),
    extension(
        "os-volume-encryption-metadata",
        "VolumeEncryptionMetadata",
        "2013-07-10T00:00:00+00:00",
        "Volume encryption metadata retrieval support.",
    ),
    extension(
        "os-volume-manage",
        "VolumeManage",
        "2014-02-10T00:00:00+00:00",
        "Allows existing backend storage to be 'managed' by Cinder.",
    ),
    extension(
        "os-volume-transfer",
        "VolumeTransfer",
        "2013-05-29T00:00:00+00:00",
        "Volume transfer management support.",
    ),
    extension("os-volume-type-access", "VolumeTypeAccess", "2014-06-26T00:00:00Z", "Volume type access support."),
    extension("os-volume-unmanage", "VolumeUnmanage", "2012-05-31T00:00:00+00:00", "Enable volume unmanage operation."),
    extension("qos-specs", "Qos_specs_manage", "2013-08-02T00:00:00+00:00", "QoS specs support."),
    extension("scheduler-stats", "Scheduler_stats", "2014-09-07T00:00:00+00:00", "Scheduler stats support."),
];

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/extensions", 0, list).get("/extensions/{alias}", 0, show)
}

async fn list(_: Context) -> Answered {
    Ok(Answer::ok(&json!({"extensions": EXTENSIONS})))
}

async fn show(context: Context) -> Answered {
    let found = EXTENSIONS.iter().find(|extension| extension.alias == context.path("alias"));
    found.map(|extension| Answer::ok(&json!({"extension": extension}))).ok_or_else(Fault::nothing_here)
}
