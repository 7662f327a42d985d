//! What people read, and what is stored.

use super::{Pool, Specs, create, decide, decide_with};
use crate::schedule::{Amount, Capability, Decision, PoolStats, Purpose, Ratio, SchedulerConfig};

fn spec(key: &str, value: &str) -> Specs {
    Specs::from([(key.to_owned(), Some(value.to_owned()))])
}

#[test]
fn a_refusal_names_every_pool_and_why() {
    let specs = spec("storage_protocol", "<in> FC");
    let mut pools = vec![
        Pool::new("n1@lvm#vg", 100.0, 3.0),
        Pool::new("n2@lvm#vg", 100.0, 90.0),
        Pool::new("n3@lvm#vg", 100.0, 90.0),
        Pool::new("n4@lvm#vg", 100.0, 90.0),
        Pool::new("n5@lvm#vg", 100.0, 90.0),
        Pool::new("n6@lvm#vg", 100.0, 90.0),
    ];
    pools[1].heartbeat_age_ms = Some(75_000);
    pools[2].zone = "az9";
    let stats = pools[3].stats.as_mut().unwrap();
    stats.capabilities.insert("storage_protocol".into(), Capability::Text("iSCSI".into()));
    let stats = pools[4].stats.as_mut().unwrap();
    stats.capabilities.insert("storage_protocol".into(), Capability::Text("FC".into()));
    let tried = [pools[4].name.clone()];
    let mut request = create(5, &specs);
    request.availability_zones = vec!["nova".into(), "az2".into()];
    request.tried_pools = &tried;
    request.attempt = 2;
    let decision = decide(&request, &pools);
    assert_eq!(decision.reason, "0 of 6 pools passed every check");
    assert_eq!(
        decision.refusal_text(),
        "no valid pool: n1@lvm#vg rejected by capacity: free 3.00 GiB, needs 5 GiB; \
         n2@lvm#vg rejected by service: down, no heartbeat for 75 s (limit 60 s); \
         n3@lvm#vg rejected by availability_zone: zone az9, needs nova or az2; \
         n4@lvm#vg rejected by capabilities: storage_protocol is \"iSCSI\", needs storage_protocol \"<in> FC\"; \
         n5@lvm#vg rejected by tried_pools: tried by an earlier attempt, needs a pool that was not tried yet; \
         n6@lvm#vg rejected by capabilities: storage_protocol is not reported, needs storage_protocol \"<in> FC\""
    );
    let filters: Vec<_> = decision.candidates[4].checks.iter().map(|check| check.filter.to_string()).collect();
    assert_eq!(filters, ["service", "availability_zone", "capacity", "capabilities", "tried_pools"]);
}

#[test]
fn groups_have_words_too() {
    let specs = Specs::new();
    let mut pools: Vec<Pool> =
        (10..40).map(|n| Pool::new(&format!("n{n}@lvm#vg"), 100.0, f64::from(n) / 40.0)).collect();
    for pool in &mut pools[28..] {
        pool.disabled = Some("rack 7 is being moved");
    }
    let text = decide(&create(1, &specs), &pools).refusal_text();
    assert!(text.starts_with("no valid pool: n10@lvm#vg rejected by capacity: free 0.25 GiB, needs 1 GiB; n11@"));
    assert!(
        text.ends_with(
            "n25@lvm#vg rejected by capacity: free 0.62 GiB, needs 1 GiB; \
         2 more pools rejected by service: disabled (must be enabled) (n38@lvm#vg, n39@lvm#vg); \
         12 more pools rejected by capacity: needs 1 GiB (n26@lvm#vg, n27@lvm#vg, n28@lvm#vg, ...)"
        ),
        "{text}"
    );
}

#[test]
fn no_pool_at_all_says_what_to_do() {
    let specs = Specs::new();
    let mut request = create(1, &specs);
    let none = "no valid pool: no backend has ever reported; start a worker (`stele worker`)";
    assert_eq!(decide(&request, &[]).refusal_text(), none);
    let pool = Pool::new("n1@lvm#vg", 1.0, 1.0);
    request.only_pool = Some(&pool.name);
    let only = "no valid pool: n1@lvm#vg has never reported; start its worker (`stele worker`)";
    assert_eq!(decide(&request, &[]).refusal_text(), only);
    request.attempt = 4;
    let attempts = "no valid pool: exceeded max scheduling attempts 3";
    assert_eq!(decide(&request, std::slice::from_ref(&pool)).refusal_text(), attempts);
}

#[test]
fn a_choice_says_why() {
    let specs = Specs::new();
    let reason = |free: &[f64]| {
        let pools: Vec<Pool> = (1_u32..).zip(free).map(|(n, &f)| Pool::new(&format!("n{n}@b#p"), 100.0, f)).collect();
        let decision = decide(&create(1, &specs), &pools);
        assert_eq!(decision.refusal_text(), decision.reason);
        decision.reason
    };
    assert_eq!(reason(&[5.0]), "n1@b#p alone passed every check, of 1 pool");
    assert_eq!(reason(&[5.0, 0.0]), "n1@b#p alone passed every check, of 2 pools");
    assert_eq!(reason(&[5.0, 6.0, 0.5]), "n2@b#p has the highest weight, 1.000; 2 of 3 pools passed every check");
    let drawn = " was drawn by the seed from 2 that share the highest weight, 0.000; 2 of 2 pools passed every check";
    assert!(reason(&[5.0, 5.0]).ends_with(drawn));
}

/// The capacity check of one pool as `observed | required`.
fn capacity_text(stats: PoolStats, claimed_gib: u64, size_gib: u32, purpose: Purpose, specs: &Specs) -> String {
    let mut pool = Pool::with_stats("n1@lvm#vg", stats);
    pool.claimed_gib = claimed_gib;
    let mut request = create(size_gib, specs);
    request.purpose = purpose;
    let decision = decide(&request, &[pool]);
    let check = &decision.candidates[0].checks[2];
    format!("{} | {}", check.observed, check.required)
}

#[test]
fn room_is_shown_with_the_numbers_behind_it() {
    let specs = Specs::new();
    let mut stats = PoolStats::new(Amount::Number(500.0), Some(Amount::Number(200.0)));
    stats.provisioned_capacity_gb = 700.0;
    stats.max_over_subscription_ratio = Some(Ratio::Number(1.5));
    stats.reserved_percentage = 5;
    stats.thin_provisioning_support = true;
    let text = |stats: &PoolStats, claimed| capacity_text(stats.clone(), claimed, 100, Purpose::Create, &specs);
    assert_eq!(
        text(&stats, 0),
        "virtual free 12.50 GiB (total 500 × ratio 1.5 − reserved 5 % − provisioned 700) | 100 GiB"
    );
    assert_eq!(
        text(&stats, 2),
        "virtual free 10.50 GiB (total 500 × ratio 1.5 − reserved 5 % − provisioned 700 − claimed 2) | 100 GiB"
    );
    stats.max_over_subscription_ratio = Some(Ratio::Number(1.0));
    stats.provisioned_capacity_gb = 375.004;
    // To two decimals there would be room for 100 GiB.
    assert_eq!(text(&stats, 0), "475.004 GiB promised of 475 GiB available at ratio 1 | promises within the ratio");
    stats.max_over_subscription_ratio = Some(Ratio::Number(0.8));
    assert_eq!(text(&stats, 0), "over-subscription ratio 0.8 | a ratio of at least 1");
    stats.thin_provisioning_support = false;
    stats.provisioned_capacity_gb = 300.0;
    assert_eq!(text(&stats, 0), "free 175.00 GiB (total 500 − reserved 5 % − provisioned 300) | 100 GiB");
    stats.provisioned_capacity_gb = 0.0;
    assert_eq!(text(&stats, 0), "free 200.00 GiB | 100 GiB");
    assert_eq!(text(&stats, 150), "free 50.00 GiB (reported 200 − claimed 150) | 100 GiB");
    stats.total_capacity_gb = Amount::Infinite;
    assert_eq!(text(&stats, 0), "total infinite, reserved 5 % | a total in numbers, or nothing reserved");
    stats.free_capacity_gb = None;
    assert_eq!(text(&stats, 0), "free capacity not reported | a report of the free capacity");
    stats.free_capacity_gb = Some(Amount::Unknown);
    let growth = capacity_text(stats, 0, 9, Purpose::Extend { attached: false }, &specs);
    assert_eq!(growth, "free unknown | 9 GiB more");
}

#[test]
fn extra_specs_are_shown_with_values_and_reasons() {
    let check = |specs: &Specs, value: Capability| {
        let mut pool = Pool::new("n1@lvm#vg", 10.0, 10.0);
        pool.stats.as_mut().unwrap().capabilities.insert("x".into(), value);
        let decision = decide(&create(1, specs), &[pool]);
        let check = decision.candidates[0].checks[3].clone();
        format!("{} | {}", check.observed, check.required)
    };
    let mut specs = spec("x", "<in> 5");
    assert_eq!(check(&specs, Capability::Int(5)), "x is 5 (<in> needs a text or a list to look into) | x \"<in> 5\"");
    specs.insert("capabilities:thin_provisioning_support".into(), Some("<is> False".into()));
    assert_eq!(
        check(&specs, Capability::Text("15".into())),
        "thin_provisioning_support is false; x is \"15\" | thin_provisioning_support \"<is> False\"; x \"<in> 5\""
    );
    let vendor = spec("vendor:x", "y");
    assert_eq!(check(&vendor, Capability::Null), "no extra spec to check | nothing");
    assert_eq!(check(&Specs::from([("x".into(), None)]), Capability::Null), "x is null | x no value");
}

/// Without its feature `float_roundtrip`, serde_json reads some numbers one bit off: state folded from the log would
/// then differ from the state of the writer.
#[test]
fn numbers_survive_json_to_the_last_bit() {
    let weight = 8.0 / 21.0;
    let json = serde_json::to_string(&weight).unwrap();
    let back: f64 = serde_json::from_str(&json).unwrap();
    assert_eq!(back.to_bits(), f64::to_bits(weight), "serde_json needs its feature float_roundtrip");
}

#[test]
fn a_decision_survives_json_and_bincode() {
    let specs = Specs::from([("x".to_owned(), None), ("vendor:y".to_owned(), Some("1".to_owned()))]);
    let mut pools: Vec<Pool> = (10..40).map(|n| Pool::new(&format!("n{n}@lvm#vg"), 100.0, f64::from(n))).collect();
    for pool in &mut pools[..25] {
        pool.stats.as_mut().unwrap().capabilities.insert("x".into(), Capability::Null);
    }
    let exists = pools[3].name.clone();
    let mut request = create(20, &specs);
    request.vol_exists_on = Some(&exists);
    request.purpose = Purpose::Extend { attached: true };
    for decision in [
        decide(&request, &pools),
        decide(&request, &[]),
        decide_with(&create(500, &specs), &pools, &SchedulerConfig::default(), u64::MAX),
    ] {
        let json = serde_json::to_string(&decision).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
        let bytes = bincode::serde::encode_to_vec(&decision, bincode::config::standard()).unwrap();
        let (back, read): (Decision, usize) =
            bincode::serde::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
        assert_eq!((back, read), (decision, bytes.len()));
    }
}

#[test]
fn the_json_of_a_decision_is_plain() {
    let specs = Specs::new();
    let pools = [Pool::new("n1@lvm#vg", 10.0, 8.0)];
    let json = serde_json::to_string(&decide(&create(2, &specs), &pools)).unwrap();
    let hash = SchedulerConfig::default().hash();
    let expected = concat!(
        r#"{"request":{"size_gib":2,"current_size_gib":0,"purpose":"create","extra_specs":{},"availability_zones":[],"#,
        r#""tried_pools":[],"only_pool":null,"vol_exists_on":null,"hints":null},"attempt":1,"candidates_total":1,"passed_total":1,"#,
        r#""candidates":[{"pool":"n1@lvm#vg","stats_position":41,"claimed_gib":0,"checks":["#,
        r#"{"filter":"service","observed":"up, last heartbeat 5 s ago","required":"limit 60 s","verdict":"passed"},"#,
        r#"{"filter":"availability_zone","observed":"zone nova","required":"any zone","verdict":"passed"},"#,
        r#"{"filter":"capacity","observed":"free 8.00 GiB","required":"2 GiB","verdict":"passed"},"#,
        r#"{"filter":"capabilities","observed":"no extra spec to check","required":"nothing","verdict":"passed"},"#,
        r#"{"filter":"tried_pools","observed":"not tried yet","required":"a pool that was not tried yet","verdict":"passed"}],"#,
        r#""weight":0.0,"weights":[{"weigher":"capacity","raw":8.0,"normalised":0.0,"multiplier":1.0}]}],"#,
        r#""rejected_groups":[],"chosen":"n1@lvm#vg","config_hash":"HASH","seed":7,"#,
        r#""reason":"n1@lvm#vg alone passed every check, of 1 pool"}"#
    );
    assert_eq!(json, expected.replace("HASH", &hash.to_string()));
}
