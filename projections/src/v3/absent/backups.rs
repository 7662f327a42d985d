//! `/backups`: there is no backup service.

use serde_json::{Value, json};
use stele_core::state::{Snapshot as VolumeSnapshot, Volume};

use super::empty_page;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::python::quoted;
use crate::v3::routes::Routes;
use crate::v3::schema::{
    BOOLEAN, DESCRIPTION, Kind, PAIRS, PAIRS_OR_NULL, Rule as Is, Schema, TEXT_OR_NULL, UUID, UUID_OR_NULL, object,
    under,
};

/// The versions in which backups could be changed, got metadata, and got a zone.
const UPDATE_SINCE: u16 = 9;
const METADATA_SINCE: u16 = 43;
const ZONE_SINCE: u16 = 51;

/// The version since which lists say how long they are.
const COUNT_SINCE: u16 = 45;

const SORTS_BY: &[&str] =
    &["id", "created_at", "updated_at", "name", "display_name", "status", "size", "volume_id", "availability_zone"];

macro_rules! backup {
    ($($key:literal => $schema:expr),* $(,)?) => {
        under!("backup", object!({
            "volume_id" => UUID,
            "container" => TEXT_OR_NULL,
            "description" => DESCRIPTION,
            "incremental" => BOOLEAN,
            "force" => BOOLEAN,
            "name" => TEXT_OR_NULL,
            "snapshot_id" => UUID_OR_NULL,
            $($key => $schema),*
        } required ["volume_id"]))
    };
}

const CREATE: Schema = backup!();
const CREATE_WITH_METADATA: Schema = backup!("metadata" => PAIRS_OR_NULL);
const CREATE_WITH_ZONE: Schema = backup!("metadata" => PAIRS_OR_NULL, "availability_zone" => TEXT_OR_NULL);

const UPDATE: Schema =
    under!("backup", object!({ "name" => TEXT_OR_NULL, "description" => DESCRIPTION, "metadata" => PAIRS }));

const RESTORE: Schema = under!(
    "restore",
    Schema(&[
        Is::Kind(&[Kind::Object, Kind::Null]),
        Is::Keys(&[("name", TEXT_OR_NULL), ("volume_id", UUID_OR_NULL)]),
        Is::Closed,
    ])
);

const IMPORT: Schema = under!(
    "backup-record",
    object!({
        "backup_service" => Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMax(255)]),
        "backup_url" => Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMin(1)]),
    } required ["backup_service", "backup_url"])
);

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/backups", 0, list)
        .get("/backups/detail", 0, list)
        .post("/backups", 0, create)
        .post("/backups/import_record", 0, import)
        .get("/backups/{backup}", 0, show)
        .put("/backups/{backup}", UPDATE_SINCE, update)
        .delete("/backups/{backup}", 0, delete)
        .get("/backups/{backup}/export_record", 0, export)
        .post("/backups/{backup}/restore", 0, restore)
        .action("/backups/{backup}/action", "os-force_delete", 0, force_delete)
        .action("/backups/{backup}/action", "os-reset_status", 0, reset_status)
}

async fn list(context: Context) -> Answered {
    context.allow(Rule::BackupGetAll)?;
    empty_page(&context, "Backup", SORTS_BY)?;
    let counts = context.version.has(COUNT_SINCE) && context.query.truth("with_count")?;
    Ok(Answer::ok(&if counts { json!({"backups": [], "count": 0}) } else { json!({"backups": []}) }))
}

async fn create(context: Context) -> Answered {
    let schema = match () {
        () if context.version.has(ZONE_SINCE) => &CREATE_WITH_ZONE,
        () if context.version.has(METADATA_SINCE) => &CREATE_WITH_METADATA,
        () => &CREATE,
    };
    let given = context.body_of(schema, "backup")?;
    context.allow(Rule::BackupCreate)?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let (volume, snapshot_id) = (text("volume_id").unwrap_or_default(), text("snapshot_id"));
    let found = context.read(move |context, snapshot| {
        context.owned::<Volume>(snapshot, &volume)?;
        snapshot_id.map(|id| context.owned::<VolumeSnapshot>(snapshot, &id)).transpose().map(drop)
    });
    found.await?;
    Err(no_service("cinder-backup"))
}

async fn import(context: Context) -> Answered {
    let given = context.body_of(&IMPORT, "backup-record")?;
    context.allow(Rule::BackupBackupImport)?;
    Err(no_service(given.get("backup_service").and_then(Value::as_str).unwrap_or_default()))
}

fn no_service(name: &str) -> Fault {
    Fault::unavailable(format!("Service {name} could not be found."))
}

async fn show(context: Context) -> Answered {
    missing(&context, Rule::BackupGet)
}

async fn update(context: Context) -> Answered {
    context.body(&UPDATE)?;
    missing(&context, Rule::BackupUpdate)
}

async fn delete(context: Context) -> Answered {
    missing(&context, Rule::BackupDelete)
}

async fn export(context: Context) -> Answered {
    missing(&context, Rule::BackupExportImport)
}

async fn restore(context: Context) -> Answered {
    context.body(&RESTORE)?;
    missing(&context, Rule::BackupRestore)
}

async fn force_delete(context: Context) -> Answered {
    missing(&context, Rule::BackupAdminActionsForceDelete)
}

async fn reset_status(context: Context) -> Answered {
    let known = ["available", "error"];
    let schema = under!("os-reset_status", object!({ "status" => crate::v3::schema::TEXT } required ["status"]));
    let given = context.body_of(&schema, "os-reset_status")?;
    let status = given.get("status").and_then(Value::as_str).unwrap_or_default();
    if !known.contains(&status) {
        let shown = quoted(status).trim_matches(['\'', '"']).to_owned();
        let text = format!("Backup status: {shown} is invalid, valid statuses are: ['available', 'error'].");
        return Err(Fault::bad_request(text));
    }
    missing(&context, Rule::BackupAdminActionsResetStatus)
}

fn missing(context: &Context, rule: Rule) -> Answered {
    context.allow(rule)?;
    Err(Fault::no_such("Backup", context.path("backup")))
}
