//! The scheduler's conformance rows, through the API: for each row a backend with its figures, a volume type with its
//! extra specs, and a volume of that type, which becomes `available` exactly where Cinder would have found room.

use serde::Deserialize;
use serde_json::{Value, json};
use stele_core::command::Source;
use stele_core::id::{BackendName, WorkerName};
use stele_core::schedule::{Amount, PoolStats};
use stele_core::task::{BackendReport, PoolReport, Report, ReportBody, TASK_VERSION};

use crate::testing::Cell;
use crate::v3::testing::Api;

/// The tables that the scheduler's own tests read.
macro_rules! rows {
    ($name:literal) => {
        serde_json::from_str(include_str!(concat!("../../../../core/src/schedule/testdata/", $name, ".json"))).unwrap()
    };
}

/// A backend reports one pool with these figures, as they stand in the tables: some of them no driver could report.
fn report(cell: &mut Cell, backend: &str, stats: &Value) {
    let backend: BackendName = backend.parse().unwrap();
    let body = ReportBody::Backend(BackendReport {
        at: cell.now,
        availability_zone: "nova".to_owned(),
        driver: "lvm".to_owned(),
        as_of: cell.tail(),
        pools: vec![PoolReport {
            pool: backend.pool("p").unwrap(),
            stats: PoolStats::new(Amount::Infinite, Some(Amount::Infinite)),
        }],
        backend,
    });
    let report = Report { v: TASK_VERSION, worker: WorkerName::new("node:1").unwrap(), body };
    let mut report = serde_json::to_value(report).unwrap();
    *find(&mut report, "stats").unwrap() = stats.clone();
    cell.offer("stele.report.x", &report.to_string(), Source::Report);
    cell.append();
}

/// The value under a key, wherever it is.
fn find<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(map) => {
            if map.contains_key(key) {
                return map.get_mut(key);
            }
            map.values_mut().find_map(|value| find(value, key))
        }
        Value::Array(items) => items.iter_mut().find_map(|value| find(value, key)),
        _ => None,
    }
}

/// An API in front of backends that are there from the beginning, with as much quota as anybody needs.
async fn cell_of(backends: &[(&str, Value)]) -> Api {
    let mut cell = Cell::new();
    for (backend, stats) in backends {
        report(&mut cell, backend, stats);
    }
    let api = Api::with(cell).await;
    let unlimited = json!({"quota_set": {"gigabytes": -1}});
    api.put("p/admin", "/os-quota-sets/p", 0, unlimited).await.with(200);
    api
}

/// What becomes of a volume of a new type.
async fn volume(api: &Api, size: u32, extra_specs: &Value) -> Value {
    let body = json!({"volume_type": {"name": "t", "extra_specs": extra_specs}});
    api.post("p/admin", "/types", 0, body).await.with(200);
    let body = json!({"volume": {"size": size, "volume_type": "t"}});
    let made = api.post("p/member", "/volumes", 0, body).await.with(202);
    let path = format!("/volumes/{}", made["volume"]["id"].as_str().unwrap());
    api.get("p/admin", &path, 0).await.with(200)["volume"].clone()
}

fn status(passes: bool) -> &'static str {
    if passes { "available" } else { "error" }
}

#[derive(Deserialize)]
struct CapacityRow {
    id: String,
    case: String,
    size: u32,
    total: Value,
    free: Value,
    provisioned: f64,
    ratio: f64,
    reserved_percentage: u32,
    thin: bool,
    provisioning_type: Option<String>,
    pass: bool,
}

impl CapacityRow {
    fn stats(&self) -> Value {
        json!({
            "total_capacity_gb": self.total,
            "free_capacity_gb": self.free,
            "provisioned_capacity_gb": self.provisioned,
            "max_over_subscription_ratio": self.ratio,
            "reserved_percentage": self.reserved_percentage,
            "thin_provisioning_support": self.thin,
        })
    }

    fn extra_specs(&self) -> Value {
        self.provisioning_type.as_ref().map_or(json!({}), |kind| json!({"provisioning:type": kind}))
    }
}

#[tokio::test]
async fn capacity_conforms() {
    let rows: Vec<CapacityRow> = rows!("capacity");
    let mut through_create = 0;
    for row in &rows {
        // Without a size a volume is taken over, which no backend can do yet; a volume that is there already is retyped.
        if row.size == 0 || row.case.contains("vol_exists_on") {
            continue;
        }
        through_create += 1;
        let api = cell_of(&[("h@b", row.stats())]).await;
        let volume = volume(&api, row.size, &row.extra_specs()).await;
        assert_eq!(volume["status"], status(row.pass), "{} {}", row.id, row.case);
    }
    assert_eq!((rows.len(), through_create), (36, 34));
}

#[tokio::test]
async fn a_volume_that_is_there_already_needs_no_room() {
    let rows: Vec<CapacityRow> = rows!("capacity");
    let row = rows.iter().find(|row| row.case.contains("vol_exists_on")).unwrap();
    let roomy = json!({"total_capacity_gb": 1000.0, "free_capacity_gb": 1000.0});
    let api = cell_of(&[("h@b", roomy)]).await;
    let made = volume(&api, row.size, &row.extra_specs()).await;
    assert_eq!(made["status"], "available");
    api.cell(|cell| report(cell, "h@b", &row.stats())).await;
    let body = json!({"volume_type": {"name": "other"}});
    api.post("p/admin", "/types", 0, body).await.with(200);
    let path = format!("/volumes/{}", made["id"].as_str().unwrap());
    let retype = json!({"os-retype": {"new_type": "other", "migration_policy": "never"}});
    api.post("p/member", &format!("{path}/action"), 0, retype).await.with(202);
    let now = api.get("p/member", &path, 0).await.with(200)["volume"].clone();
    assert_eq!((&now["status"], &now["volume_type"]), (&json!("available"), &json!("other")));
}

#[derive(Deserialize)]
struct CapabilitiesRow {
    id: String,
    capabilities: Value,
    extra_specs: Value,
    pass: bool,
}

#[derive(Deserialize)]
struct OperatorRow {
    id: String,
    value: Value,
    requirement: Option<String>,
    expected: String,
}

/// A pool with room for everything and these capabilities.
fn roomy(capabilities: &Value) -> Value {
    json!({"total_capacity_gb": "infinite", "free_capacity_gb": "infinite", "capabilities": capabilities})
}

#[tokio::test]
async fn capabilities_conform() {
    let rows: Vec<CapabilitiesRow> = rows!("capabilities");
    assert_eq!(rows.len(), 24);
    for row in rows {
        let api = cell_of(&[("h@b", roomy(&row.capabilities))]).await;
        let volume = volume(&api, 1, &row.extra_specs).await;
        assert_eq!(volume["status"], status(row.pass), "{}", row.id);
    }
}

#[tokio::test]
async fn operators_conform() {
    let rows: Vec<OperatorRow> = rows!("operators");
    assert!(rows.len() >= 60, "{}", rows.len());
    for row in rows {
        let api = cell_of(&[("h@b", roomy(&json!({"x": row.value})))]).await;
        let volume = volume(&api, 1, &json!({"x": row.requirement})).await;
        assert_eq!(volume["status"], status(row.expected == "match"), "{}", row.id);
    }
}

#[derive(Deserialize)]
struct WeigherRow {
    host: String,
    total: Value,
    free: Value,
    provisioned: Option<f64>,
    thin: bool,
    ratio: Option<f64>,
    reserved_percentage: u32,
}

#[tokio::test]
async fn the_heaviest_host_wins() {
    let rows: Vec<WeigherRow> = rows!("weigher");
    assert_eq!(rows.len(), 5);
    let backends: Vec<(String, Value)> = rows
        .iter()
        .map(|row| {
            let stats = json!({
                "total_capacity_gb": row.total,
                "free_capacity_gb": row.free,
                "provisioned_capacity_gb": row.provisioned.unwrap_or_default(),
                "max_over_subscription_ratio": row.ratio,
                "reserved_percentage": row.reserved_percentage,
                "thin_provisioning_support": row.thin,
                "thick_provisioning_support": !row.thin,
            });
            (format!("{}@b", row.host), stats)
        })
        .collect();
    let backends: Vec<(&str, Value)> = backends.iter().map(|(name, stats)| (name.as_str(), stats.clone())).collect();
    for (kind, winner) in [("thin", "host2@b#p"), ("thick", "host1@b#p")] {
        let api = cell_of(&backends).await;
        let volume = volume(&api, 1, &json!({"provisioning:type": kind})).await;
        assert_eq!(volume["os-vol-host-attr:host"], winner, "{kind}");
    }
}
