use super::*;
use crate::scenario::{Cell, everything};

#[test]
fn a_digest_tells_states_apart_and_says_where() {
    let cell = everything::told();
    let digest = StateDigest::of(cell.state());
    assert_eq!(digest.differences(&digest), [""; 0]);
    let mut other = cell.state().clone();
    other.volumes.clear();
    let changed = StateDigest::of(&other);
    assert_ne!(changed.digest, digest.digest);
    let expected = format!("volumes (0 rows against {})", cell.state().volumes.len());
    assert_eq!(changed.differences(&digest), [expected]);
    let json = serde_json::to_string(&digest).unwrap();
    assert_eq!(serde_json::from_str::<StateDigest>(&json).unwrap(), digest);
}

/// How a state came to be does not matter: only what is true.
#[test]
fn two_ways_to_one_state_have_one_digest() {
    let digest = |script: &str| {
        let mut cell = Cell::new();
        cell.run(script);
        StateDigest::of(cell.state()).digest
    };
    let straight = digest("quota demo volumes=1 gigabytes=2");
    assert_eq!(straight, digest("quota demo gigabytes=2; quota demo volumes=7; quota demo volumes=1; delete z"));
    assert_ne!(straight, digest("quota demo volumes=1 gigabytes=3"));
}
