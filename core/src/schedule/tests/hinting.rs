//! What a user wants of the place. The rows about operators are those of Cinder's unit tests of its JsonFilter
//! (`cinder/tests/unit/scheduler/test_host_filters.py`).

use std::collections::BTreeMap;

use super::{Pool, chosen, create, decide};
use crate::id::{PoolName, VolumeId};
use crate::schedule::filter::query::{Query, check};
use crate::schedule::{Capability, Hints, HintsInForce, Verdict};

fn pool() -> Pool {
    let mut pool = Pool::new("h@b#p", 100.0, 40.0);
    let stats = pool.stats.as_mut().unwrap();
    stats.capabilities.insert("enabled".to_owned(), Capability::Bool(true));
    stats.capabilities.insert("opt1".to_owned(), Capability::Text("match".to_owned()));
    stats.capabilities.insert("storage_protocol".to_owned(), Capability::Text("iSCSI".to_owned()));
    let nested = [("disks".to_owned(), Capability::Int(12))].into();
    stats.capabilities.insert("nested".to_owned(), Capability::Map(nested));
    pool
}

/// Queries with what Cinder answers.
const QUERIES: &[(&str, bool)] = &[
    // Each operator, as in Cinder's tests.
    (r#"["=", 1, 1]"#, true),
    (r#"["=", 1, 2]"#, false),
    (r#"["<", 1, 2]"#, true),
    (r#"["<", 1, 1]"#, false),
    (r#"["<", 2, 1]"#, false),
    (r#"[">", 2, 1]"#, true),
    (r#"[">", 2, 2]"#, false),
    (r#"[">", 2, 3]"#, false),
    (r#"["<=", 1, 2]"#, true),
    (r#"["<=", 1, 1]"#, true),
    (r#"["<=", 2, 1]"#, false),
    (r#"[">=", 2, 1]"#, true),
    (r#"[">=", 2, 2]"#, true),
    (r#"[">=", 2, 3]"#, false),
    (r#"["in", 1, 1]"#, true),
    (r#"["in", 1, 1, 2, 3]"#, true),
    (r#"["in", 4, 1, 2, 3]"#, false),
    (r#"["not", true]"#, false),
    (r#"["not", false]"#, true),
    (r#"["or", true, false]"#, true),
    (r#"["or", false, false]"#, false),
    (r#"["and", true, true]"#, true),
    (r#"["and", false, false]"#, false),
    (r#"["and", true, false]"#, false),
    (r#"["and", ["or", true, false], [">", 2, 1], true]"#, true),
    (r#"["not", true, false, true, false]"#, true),
    (r#"["not", true, true, true]"#, false),
    ("[]", true),
    ("{}", true),
    (r#"[">", ["and", ["or", ["not", ["<", [">=", ["<=", ["in"]]]]]]]]"#, false),
    (r#"[">", 1]"#, false),
    // What the pool does not say is left out.
    (r#"["=", "$........", 1, 1]"#, true),
    (r#"["=", "$foo", 2, 2]"#, true),
    (r#"["=", "$foo", 2]"#, false),
    // What `not` gives is a list, and a list that is not empty is true: Cinder's users know this one.
    (r#"["and", ["not", true], true]"#, true),
    // What the pool says.
    (
        r#"["and", "$capabilities.enabled", ["=", "$capabilities.opt1", "match"], [">=", "$free_capacity_gb", 40]]"#,
        true,
    ),
    (r#"[">", "$free_capacity_gb", 40]"#, false),
    (r#"["=", "$host", "h@b#p"]"#, true),
    (r#"["=", "$backend_id", "h@b#other"]"#, false),
    (r#"["=", "$pool_name", "p"]"#, true),
    (r#"["=", "$storage_protocol", "iSCSI"]"#, true),
    (r#"["=", "$enabled", true]"#, false),
    (r#"["=", "$capabilities.nested.disks", 12]"#, true),
    (r#"["=", "$capabilities.nested.disks.more", 12]"#, false),
    (r#"["=", "$total_capacity_gb", 100, 100.0]"#, true),
    // True is one, in Python; a text is no number.
    (r#"["=", true, 1]"#, true),
    (r#"["=", "1", 1]"#, false),
    (r#"["<", "a", "b"]"#, true),
    (r#"["<", "a", 1]"#, false),
];

#[test]
fn queries_conform() {
    let pool = pool();
    for (text, passes) in QUERIES {
        let query = Query::read(text).unwrap();
        let got = check(&query, &pool.view(), pool.stats.as_ref().unwrap());
        assert_eq!(got.verdict == Verdict::Passed, *passes, "{text}: {got:?}");
    }
    for (text, why) in [
        ("", "it is not JSON: EOF while parsing a value at line 1 column 0"),
        ("1", "it is not a list"),
        (r#"["!=", 1, 2]"#, r#"a list begins with "!=", which is none of =, <, >, in, <=, >=, not, or, and"#),
        (r#"["and", [1]]"#, "a list begins with 1, which is none of =, <, >, in, <=, >=, not, or, and"),
    ] {
        assert_eq!(Query::read(text).unwrap_err(), why);
    }
}

#[test]
fn a_query_says_what_it_saw() {
    let pool = pool();
    let shown = |text: &str| {
        let got = check(&Query::read(text).unwrap(), &pool.view(), pool.stats.as_ref().unwrap());
        (got.observed, got.required)
    };
    let query = r#"["and", [">", "$free_capacity_gb", 50], "$foo"]"#;
    let observed = "$free_capacity_gb is 40.0; $foo is not reported";
    assert_eq!(shown(query), (observed.to_owned(), query.to_owned()));
    assert_eq!(shown(r#"["<", "a", 1]"#).0, r#""a" and 1 cannot be compared"#);
    let long = format!(r#"["=", "{}", 1]"#, "x".repeat(500));
    assert!(shown(&long).1.chars().count() < 200);
}

/// What was given away since the report counts, as in Cinder.
#[test]
fn a_query_sees_claims() {
    let pool = Pool { claimed_gib: 30, ..pool() };
    let query =
        Query::read(r#"["and", ["=", "$free_capacity_gb", 10], ["=", "$provisioned_capacity_gb", 90]]"#).unwrap();
    let got = check(&query, &pool.view(), pool.stats.as_ref().unwrap());
    assert_eq!(got.verdict, Verdict::Passed, "{got:?}");
}

#[test]
fn volumes_attract_and_repel() {
    let pools = [Pool::new("a@b#p", 100.0, 90.0), Pool::new("b@b#p", 100.0, 60.0), Pool::new("c@b#p", 100.0, 30.0)];
    let id = |number| VolumeId(uuid::Uuid::from_u128(number));
    let at = |number, pool: &str| (id(number), PoolName::new(pool).unwrap());
    let known: BTreeMap<_, _> = [at(1, "a@b#p"), at(2, "b@b#p")].into();
    type Row = (&'static [u128], &'static [u128], Option<&'static str>, Option<&'static str>);
    let rows: &[Row] = &[
        (&[], &[1], None, Some("b@b#p")),
        (&[], &[1, 2], None, Some("c@b#p")),
        (&[2], &[], None, Some("b@b#p")),
        (&[2, 1], &[], None, Some("a@b#p")),
        (&[1], &[1], None, None),
        // Nobody knows where that one lies.
        (&[9], &[], None, None),
        (&[], &[9], None, Some("a@b#p")),
        (&[], &[], Some(r#"["<", "$free_capacity_gb", 50]"#), Some("c@b#p")),
        (&[1, 2], &[1], Some(r#"[">", "$free_capacity_gb", 5]"#), Some("b@b#p")),
    ];
    for (same, different, query, expected) in rows {
        let hints = Hints {
            same_host: same.iter().copied().map(id).collect(),
            different_host: different.iter().copied().map(id).collect(),
            query: query.map(str::to_owned),
        };
        let query = query.map(|text| Query::read(text).unwrap());
        let in_force = HintsInForce { hints: &hints, pools: known.clone(), query };
        let specs = BTreeMap::new();
        let mut request = create(1, &specs);
        request.hints = Some(&in_force);
        let decision = decide(&request, &pools);
        assert_eq!(chosen(&decision), *expected, "{hints:?}");
        assert_eq!(decision.request.hints.as_ref(), Some(&hints), "the record says what was wanted");
    }
}

#[test]
fn a_hint_that_keeps_a_pool_away_says_so() {
    let id = |number| VolumeId(uuid::Uuid::from_u128(number));
    let hints = Hints { same_host: (1..=5).map(id).collect(), ..Hints::default() };
    let in_force = HintsInForce { hints: &hints, pools: BTreeMap::new(), query: None };
    let specs = BTreeMap::new();
    let mut request = create(1, &specs);
    request.hints = Some(&in_force);
    let text = decide(&request, &[Pool::new("a@b#p", 10.0, 10.0)]).refusal_text();
    let ids: Vec<String> = (1..=3).map(|number| id(number).to_string()).collect();
    assert_eq!(
        text,
        format!(
            "no valid pool: a@b#p rejected by same_host: holds none of them, needs one of the volumes {}, ...",
            ids.join(", ")
        )
    );
}
