//! What is done to volumes with the help of services that this cell does not have: the answers are Cinder's where they
//! are absent.

use stele_core::state::{Volume, VolumeStatus};

use super::ACTION;
use crate::v3::answer::Answered;
use crate::v3::body::text;
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::routes::Routes;
use crate::v3::schema::{BOOLEAN, Constant, DESCRIPTION, Kind, Rule as Is, Schema, TEXT_OR_NULL, UUID, object, under};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .action(ACTION, "os-migrate_volume", 0, migrate)
        .action(ACTION, "os-migrate_volume_completion", 0, complete_migration)
        .action(ACTION, "os-extend_volume_completion", 0, complete_extend)
        .action(ACTION, "os-volume_upload_image", 0, upload)
        .action(ACTION, "os-reimage", 68, reimage)
}

const MIGRATE: Schema = under!(
    "os-migrate_volume",
    object!({
        "host" => Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMax(255)]),
        "force_host_copy" => BOOLEAN,
        "lock_volume" => BOOLEAN,
    } required ["host"])
);
const MIGRATE_16: Schema = under!(
    "os-migrate_volume",
    object!({
        "host" => TEXT_OR_NULL,
        "force_host_copy" => BOOLEAN,
        "lock_volume" => BOOLEAN,
        "cluster" => TEXT_OR_NULL,
    })
);
const ERROR: Schema = Schema(&[Is::Kind(&[Kind::Text, Kind::Null, Kind::Boolean])]);
const COMPLETE_MIGRATION: Schema =
    under!("os-migrate_volume_completion", object!({ "new_volume" => UUID, "error" => ERROR } required ["new_volume"]));
const COMPLETE_EXTEND: Schema = under!("os-extend_volume_completion", object!({ "error" => ERROR }));
const NAME: Schema = Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMin(1), Is::CharsMax(255)]);
const FORMAT: Schema = Schema(&[
    Is::Kind(&[Kind::Text]),
    Is::OneOf(&[
        Constant::Text("raw"),
        Constant::Text("vmdk"),
        Constant::Text("vdi"),
        Constant::Text("qcow2"),
        Constant::Text("vhd"),
        Constant::Text("vhdx"),
        Constant::Text("ploop"),
    ]),
]);
const VISIBILITY: Schema = Schema(&[
    Is::Kind(&[Kind::Text]),
    Is::OneOf(&[
        Constant::Text("community"),
        Constant::Text("public"),
        Constant::Text("private"),
        Constant::Text("shared"),
    ]),
]);
const UPLOAD: Schema = under!(
    "os-volume_upload_image",
    object!({
        "image_name" => NAME,
        "force" => BOOLEAN,
        "disk_format" => FORMAT,
        "container_format" => DESCRIPTION,
    } required ["image_name"])
);
const UPLOAD_1: Schema = under!(
    "os-volume_upload_image",
    object!({
        "image_name" => NAME,
        "force" => BOOLEAN,
        "disk_format" => FORMAT,
        "container_format" => DESCRIPTION,
        "visibility" => VISIBILITY,
        "protected" => BOOLEAN,
    } required ["image_name"])
);
const REIMAGE: Schema =
    under!("os-reimage", object!({ "image_id" => UUID, "reimage_reserved" => BOOLEAN } required ["image_id"]));

/// No service of this cell takes volumes of another one over.
async fn migrate(context: Context) -> Answered {
    let schema = if context.version.has(16) { &MIGRATE_16 } else { &MIGRATE };
    let body = context.body_of(schema, "os-migrate_volume")?;
    let given = |key: &str| text(body, key).filter(|text| !text.is_empty());
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeAdminActionsMigrateVolume)?;
    let cluster = given("cluster").filter(|_| context.version.has(16));
    let host = match (given("host"), cluster) {
        (Some(host), None) | (None, Some(host)) => host,
        _ if context.version.has(16) => {
            return Err(Fault::invalid_input("One and only one of cluster and host must be set."));
        }
        _ => return Err(Fault::invalid_input("Host field is missing.")),
    };
    let shown: String = host.chars().take(255).collect();
    if volume.pool.is_some_and(|pool| pool.as_str() == host || pool.backend().as_str() == host) {
        return Err(Fault::bad_request("Invalid host: Destination host must be different than the current host."));
    }
    Err(Fault::bad_request(format!("Invalid host: No available service named '{shown}'")))
}

async fn complete_migration(context: Context) -> Answered {
    let other = text(context.body_of(&COMPLETE_MIGRATION, "os-migrate_volume_completion")?, "new_volume");
    let other = other.unwrap_or_default().to_owned();
    let _: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeAdminActionsMigrateVolumeCompletion)?;
    let _: Volume = context.read(move |context, snapshot| context.owned(snapshot, &other)).await?;
    Err(Fault::bad_request("Invalid volume: Source volume not mid-migration."))
}

/// Only a driver that waits for the compute service would have something to complete.
async fn complete_extend(context: Context) -> Answered {
    context.body_of(&COMPLETE_EXTEND, "os-extend_volume_completion")?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeAdminActionsExtendVolumeCompletion)?;
    let text = match volume.status {
        VolumeStatus::Extending { .. } => "Required volume admin metadata is malformed or missing.",
        _ => "Volume is not being extended.",
    };
    Err(Fault::bad_request(format!("Invalid volume: {text}")))
}

async fn upload(context: Context) -> Answered {
    let schema = if context.version.has(1) { &UPLOAD_1 } else { &UPLOAD };
    context.body_of(schema, "os-volume_upload_image")?;
    let _: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeActionsUploadImage)?;
    Err(Fault::bad_request("There is no image service in this cell."))
}

async fn reimage(context: Context) -> Answered {
    let image = text(context.body_of(&REIMAGE, "os-reimage")?, "image_id").unwrap_or_default();
    let _: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeReimage)?;
    Err(Fault::no_such("Image", image))
}
