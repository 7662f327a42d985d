//! A thin pool that is nearly full takes nothing new.

use super::{Pool, Specs, chosen, create, decide};
use crate::schedule::{CheckName, Purpose, Verdict};

/// A pool that has promised little and whose data and metadata are so full, with the marks 95 and 90.
fn thin(name: &str, data_percent: f64, metadata_percent: Option<f64>) -> Pool {
    let mut pool = Pool::new(name, 100.0, 50.0);
    let stats = pool.stats.as_mut().unwrap();
    stats.thin_provisioning_support = true;
    (stats.data_percent, stats.metadata_percent) = (Some(data_percent), metadata_percent);
    (stats.data_percent_max, stats.metadata_percent_max) = (Some(95), Some(90));
    pool
}

#[test]
fn a_mark_is_passed_only_above_it() {
    let specs = Specs::new();
    for (data, metadata, expected) in [
        (0.0, Some(0.0), true),
        (95.0, Some(90.0), true),
        (95.01, Some(0.0), false),
        (0.0, Some(90.01), false),
        (100.0, Some(100.0), false),
        (95.0, None, true),
        (95.01, None, false),
    ] {
        let decision = decide(&create(1, &specs), &[thin("n1@lvm#vg", data, metadata)]);
        assert_eq!(chosen(&decision).is_some(), expected, "{data} {metadata:?}");
        let check = decision.candidates[0].checks.last().unwrap();
        assert_eq!((check.filter, check.verdict == Verdict::Passed), (CheckName::Watermark, expected));
    }
}

#[test]
fn the_refusal_names_what_is_used_and_what_may_be() {
    let specs = Specs::new();
    let decision = decide(&create(1, &specs), &[thin("n1@lvm#vg", 96.127, Some(11.0))]);
    assert_eq!(
        decision.refusal_text(),
        "no valid pool: n1@lvm#vg rejected by watermark: data 96.13 % used, metadata 11.00 % used, \
         needs data at most 95 %, metadata at most 90 %"
    );
    // Another pool takes it.
    let decision = decide(&create(1, &specs), &[thin("n1@lvm#vg", 96.0, None), thin("n2@lvm#vg", 5.0, None)]);
    assert_eq!(chosen(&decision), Some("n2@lvm#vg"));
}

#[test]
fn whatever_needs_room_is_refused_and_nothing_else() {
    let (specs, full) = (Specs::new(), [thin("n1@lvm#vg", 99.0, None)]);
    for purpose in [Purpose::Create, Purpose::Extend { attached: true }, Purpose::Snapshot] {
        let mut request = create(1, &specs);
        (request.purpose, request.only_pool) = (purpose, Some(&full[0].name));
        assert_eq!(chosen(&decide(&request, &full)), None, "{purpose:?}");
    }
    let mut request = create(1, &specs);
    (request.purpose, request.vol_exists_on) = (Purpose::Retype, Some(&full[0].name));
    assert_eq!(chosen(&decide(&request, &full)), Some("n1@lvm#vg"));
    assert_eq!(chosen(&decide(&create(0, &specs), &full)), Some("n1@lvm#vg"));
}

#[test]
fn without_marks_nobody_asks() {
    let specs = Specs::new();
    let mut pool = thin("n1@lvm#vg", 100.0, Some(100.0));
    let stats = pool.stats.as_mut().unwrap();
    (stats.data_percent_max, stats.metadata_percent_max) = (None, None);
    let decision = decide(&create(1, &specs), &[pool]);
    assert!(decision.candidates[0].checks.iter().all(|check| check.filter != CheckName::Watermark));
    assert_eq!(chosen(&decision), Some("n1@lvm#vg"));
}
