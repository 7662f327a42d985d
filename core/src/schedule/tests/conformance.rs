//! What Cinder's own filters and weighers answer. The rows come from Cinder's unit tests (C, K) and from runs of its
//! code (CX, KX).

use serde::Deserialize;

use super::{Pool, Specs, chosen, create, decide_with};
use crate::schedule::free_space::Space;
use crate::schedule::{
    Amount, Capabilities, Check, FilterName, PlacementRequest, PoolStats, Ratio, SchedulerConfig, Verdict, WeigherName,
    filter,
};

fn check(filter: FilterName, request: &PlacementRequest<'_>, pool: &Pool) -> Check {
    filter::check(filter, request, &pool.view(), pool.stats.as_ref().unwrap(), &SchedulerConfig::default())
}

#[derive(Deserialize)]
struct CapabilitiesRow {
    id: String,
    capabilities: Capabilities,
    extra_specs: Specs,
    pass: bool,
}

#[test]
fn capabilities_conform() {
    let rows: Vec<CapabilitiesRow> = serde_json::from_str(include_str!("../testdata/capabilities.json")).unwrap();
    assert_eq!(rows.len(), 24);
    for row in rows {
        let mut pool = Pool::new("h@b#p", 10.0, 10.0);
        pool.stats.as_mut().unwrap().capabilities = row.capabilities;
        let got = check(FilterName::Capabilities, &create(1, &row.extra_specs), &pool);
        assert_eq!(got.verdict == Verdict::Passed, row.pass, "{}: {got:?}", row.id);
    }
}

/// A capacity in the tables, where a total of -1 occurs; reports refuse it.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Capacity {
    Number(f64),
    Other(Amount),
}

impl From<Capacity> for Amount {
    fn from(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Number(gib) => Self::Number(gib),
            Capacity::Other(amount) => amount,
        }
    }
}

#[derive(Deserialize)]
struct CapacityRow {
    id: String,
    case: String,
    size: u32,
    total: Capacity,
    free: Option<Capacity>,
    provisioned: f64,
    ratio: f64,
    reserved_percentage: u32,
    thin: bool,
    provisioning_type: Option<String>,
    virtual_free: Option<f64>,
    pass: bool,
}

#[test]
fn capacity_conforms() {
    let rows: Vec<CapacityRow> = serde_json::from_str(include_str!("../testdata/capacity.json")).unwrap();
    assert_eq!(rows.len(), 36);
    for row in rows {
        let mut stats = PoolStats::new(row.total.into(), row.free.map(Into::into));
        stats.provisioned_capacity_gb = row.provisioned;
        stats.max_over_subscription_ratio = Some(Ratio::Number(row.ratio));
        stats.reserved_percentage = row.reserved_percentage;
        stats.thin_provisioning_support = row.thin;
        let thin = row.thin && row.provisioning_type.as_deref() != Some("thick");
        let virtual_free = Space::of(&stats, 0, thin, 20.0).map(|space| space.virtual_free());
        let pool = Pool::with_stats("h@b#p", stats);
        let specs: Specs =
            row.provisioning_type.iter().map(|kind| ("provisioning:type".to_owned(), Some(kind.clone()))).collect();
        let mut request = create(row.size, &specs);
        request.vol_exists_on = row.case.contains("vol_exists_on").then_some(&pool.name);
        let got = check(FilterName::Capacity, &request, &pool);
        assert_eq!(got.verdict == Verdict::Passed, row.pass, "{} {}: {got:?}", row.id, row.case);
        assert_eq!(virtual_free, row.virtual_free, "{} {}", row.id, row.case);
    }
}

#[derive(Deserialize)]
struct WeigherRow {
    host: String,
    total: Amount,
    free: Amount,
    provisioned: Option<f64>,
    thin: bool,
    ratio: Option<f64>,
    reserved_percentage: u32,
    raw_thin: f64,
    raw_thick: f64,
    weight_thin: f64,
    weight_thick: f64,
    weight_thin_negative: f64,
}

fn weigher_rows() -> Vec<WeigherRow> {
    let rows: Vec<WeigherRow> = serde_json::from_str(include_str!("../testdata/weigher.json")).unwrap();
    assert_eq!(rows.len(), 5);
    rows
}

/// Weighs the five hosts for a volume that fits anywhere, so that no filter takes one away.
fn check_weights(provisioning: Option<&str>, multiplier: f64, expected: fn(&WeigherRow) -> (f64, f64), winner: &str) {
    let rows = weigher_rows();
    let pools: Vec<Pool> = rows
        .iter()
        .map(|row| {
            let mut stats = PoolStats::new(row.total, Some(row.free));
            stats.provisioned_capacity_gb = row.provisioned.unwrap_or_default();
            stats.max_over_subscription_ratio = row.ratio.map(Ratio::Number);
            stats.reserved_percentage = row.reserved_percentage;
            stats.thin_provisioning_support = row.thin;
            Pool::with_stats(&format!("{}@b#p", row.host), stats)
        })
        .collect();
    let specs: Specs =
        provisioning.iter().map(|kind| ("provisioning:type".to_owned(), Some((*kind).to_owned()))).collect();
    let config = SchedulerConfig {
        filters: vec![],
        weighers: vec![(WeigherName::Capacity, multiplier)],
        ..SchedulerConfig::default()
    };
    let decision = decide_with(&create(1, &specs), &pools, &config, 1);
    assert_eq!(chosen(&decision), Some(format!("{winner}@b#p").as_str()));
    for (row, pool) in rows.iter().zip(&pools) {
        let candidate = decision.candidates.iter().find(|candidate| candidate.pool == pool.name).unwrap();
        let (raw, weight) = expected(row);
        assert!((candidate.weights[0].raw - raw).abs() < 1e-6, "{}: {candidate:?}", row.host);
        assert!((candidate.weight.unwrap() - weight).abs() < 1e-6, "{}: {candidate:?}", row.host);
    }
}

#[test]
fn capacity_weights_conform() {
    check_weights(None, 1.0, |row| (row.raw_thin, row.weight_thin), "host2");
    check_weights(Some("thick"), 1.0, |row| (row.raw_thick, row.weight_thick), "host1");
    // With a negative multiplier an unmeasured pool weighs 1018 + (1018 + 101) × 100.
    check_weights(
        None,
        -1.0,
        |row| (if row.host == "host5" { 112_918.0 } else { row.raw_thin }, row.weight_thin_negative),
        "host4",
    );
}
