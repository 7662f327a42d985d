//! Which pool is chosen.

use super::{Pool, Specs, chosen, create, decide, decide_with};
use crate::schedule::{
    Amount, CANDIDATES_SHOWN, Capability, CheckName, Decision, FilterName, PoolStats, Purpose, SchedulerConfig,
    WeigherName,
};

#[test]
fn the_emptiest_pool_wins_whatever_the_order() {
    let specs = Specs::new();
    let mut pools = vec![
        Pool::new("n1@lvm#vg", 100.0, 30.0),
        Pool::new("n2@lvm#vg", 100.0, 90.0),
        Pool::new("n3@lvm#vg", 50.0, 50.0),
    ];
    let decision = decide(&create(5, &specs), &pools);
    assert_eq!(chosen(&decision), Some("n2@lvm#vg"));
    let names: Vec<_> = decision.candidates.iter().map(|candidate| candidate.pool.as_str()).collect();
    assert_eq!(names, ["n2@lvm#vg", "n3@lvm#vg", "n1@lvm#vg"]);
    pools.reverse();
    assert_eq!(decide(&create(5, &specs), &pools), decision);
}

#[test]
fn equal_pools_share_the_load() {
    let specs = Specs::new();
    let pools: Vec<Pool> = (1..=4).map(|n| Pool::new(&format!("n{n}@lvm#vg"), 100.0, 50.0)).collect();
    let mut wins = [0_u32; 4];
    for seed in 0..4000 {
        let decision = decide_with(&create(1, &specs), &pools, &SchedulerConfig::default(), seed);
        assert_eq!(decision.chosen.as_ref(), Some(&decision.candidates[0].pool));
        let winner = pools.iter().position(|pool| decision.chosen.as_ref() == Some(&pool.name)).unwrap();
        wins[winner] += 1;
    }
    assert!(wins.iter().all(|&wins| (850..1150).contains(&wins)), "{wins:?}");
}

/// Recorded decisions are replayed with their seed, so these winners may never change.
#[test]
fn the_draw_is_fixed_for_ever() {
    let specs = Specs::new();
    let pools: Vec<Pool> = (1..=4).map(|n| Pool::new(&format!("n{n}@lvm#vg"), 100.0, 50.0)).collect();
    let winner = |seed| decide_with(&create(1, &specs), &pools, &SchedulerConfig::default(), seed).chosen;
    let winners: Vec<_> = (0..8).map(|seed| winner(seed).unwrap().backend().host().to_owned()).collect();
    assert_eq!(winners, WINNERS);
}

const WINNERS: [&str; 8] = ["n2", "n2", "n1", "n1", "n2", "n2", "n2", "n2"];

#[test]
fn a_heavier_pool_is_not_drawn_against() {
    let specs = Specs::new();
    let pools = [Pool::new("n1@lvm#vg", 100.0, 50.0), Pool::new("n2@lvm#vg", 100.0, 50.01)];
    for seed in 0..100 {
        let decision = decide_with(&create(1, &specs), &pools, &SchedulerConfig::default(), seed);
        assert_eq!(chosen(&decision), Some("n2@lvm#vg"));
    }
}

#[test]
fn claims_count_as_used() {
    let specs = Specs::new();
    let mut thick = Pool::new("n1@lvm#vg", 10.0, 10.0);
    thick.claimed_gib = 6;
    assert_eq!(chosen(&decide(&create(4, &specs), std::slice::from_ref(&thick))), Some("n1@lvm#vg"));
    assert_eq!(chosen(&decide(&create(5, &specs), std::slice::from_ref(&thick))), None);
    let stats = thick.stats.as_mut().unwrap();
    stats.thin_provisioning_support = true;
    stats.max_over_subscription_ratio = Some(crate::schedule::Ratio::Number(2.0));
    assert_eq!(chosen(&decide(&create(14, &specs), std::slice::from_ref(&thick))), Some("n1@lvm#vg"));
    assert_eq!(chosen(&decide(&create(15, &specs), std::slice::from_ref(&thick))), None);
}

#[test]
fn an_extension_looks_at_its_own_pool_only() {
    let specs = Specs::new();
    let mut pools = vec![Pool::new("n1@lvm#vg", 100.0, 3.0), Pool::new("n2@lvm#vg", 100.0, 90.0)];
    let only = pools[0].name.clone();
    let mut request = create(3, &specs);
    (request.purpose, request.current_size_gib) = (Purpose::Extend { attached: true }, 2);
    request.only_pool = Some(&only);
    let decision = decide(&request, &pools);
    assert_eq!((chosen(&decision), decision.candidates_total), (Some("n1@lvm#vg"), 1));
    request.size_gib = 4;
    assert_eq!(chosen(&decide(&request, &pools)), None);
    request.size_gib = 3;
    let online = |value| ("online_extend_support".to_owned(), Capability::Bool(value));
    pools[0].stats.as_mut().unwrap().capabilities.extend([online(true)]);
    assert_eq!(chosen(&decide(&request, &pools)), Some("n1@lvm#vg"));
    pools[0].stats.as_mut().unwrap().capabilities.extend([online(false)]);
    assert_eq!(chosen(&decide(&request, &pools)), None);
    request.purpose = Purpose::Extend { attached: false };
    assert_eq!(chosen(&decide(&request, &pools)), Some("n1@lvm#vg"));
}

#[test]
fn a_service_that_cannot_work_is_no_candidate() {
    let specs = Specs::new();
    let check = |change: fn(&mut Pool), observed: &str, required: &str| {
        let mut pool = Pool::new("n1@lvm#vg", 10.0, 10.0);
        change(&mut pool);
        let decision = decide(&create(1, &specs), std::slice::from_ref(&pool));
        let check = decision.candidates[0].rejection().unwrap_or(&decision.candidates[0].checks[0]);
        assert_eq!((check.filter, &*check.observed, &*check.required), (CheckName::Service, observed, required));
        (decision.chosen.is_some(), decision.candidates[0].checks.len())
    };
    let rejected = (false, 1);
    assert_eq!(check(|_| {}, "up, last heartbeat 5 s ago", "limit 60 s"), (true, 5));
    assert_eq!(check(|p| p.heartbeat_age_ms = Some(60_000), "up, last heartbeat 60 s ago", "limit 60 s"), (true, 5));
    let late = "down, no heartbeat for 60.001 s";
    assert_eq!(check(|p| p.heartbeat_age_ms = Some(60_001), late, "limit 60 s"), rejected);
    assert_eq!(check(|p| p.disabled = Some("disk swap"), "disabled: disk swap", "must be enabled"), rejected);
    assert_eq!(check(|p| p.disabled = Some(""), "disabled", "must be enabled"), rejected);
    assert_eq!(check(|p| p.frozen = Some("failover"), "frozen: failover", "must not be frozen"), rejected);
    let never = "never reported";
    assert_eq!(check(|p| p.heartbeat_age_ms = None, never, "needs a heartbeat and a report"), rejected);
    assert_eq!(check(|p| p.stats = None, "up, but its pool was never reported", "needs a report"), rejected);
}

#[test]
fn zones_and_earlier_attempts_count() {
    let specs = Specs::new();
    let mut pools = vec![Pool::new("n1@lvm#vg", 100.0, 90.0), Pool::new("n2@lvm#vg", 100.0, 10.0)];
    pools[1].zone = "az2";
    let mut request = create(1, &specs);
    request.availability_zones = vec!["az2".into(), "az3".into()];
    assert_eq!(chosen(&decide(&request, &pools)), Some("n2@lvm#vg"));
    let tried = [pools[0].name.clone()];
    let mut request = create(1, &specs);
    request.tried_pools = &tried;
    request.attempt = 3;
    assert_eq!(chosen(&decide(&request, &pools)), Some("n2@lvm#vg"));
    request.attempt = 4;
    let decision = decide(&request, &pools);
    assert_eq!((chosen(&decision), decision.candidates.len()), (None, 0));
    assert_eq!(decision.reason, "exceeded max scheduling attempts 3");
}

#[test]
fn the_configuration_rules() {
    let specs = Specs::from([("volume_backend_name".to_owned(), Some("ssd".to_owned()))]);
    let pools = [Pool::new("n1@lvm#vg", 100.0, 10.0), Pool::new("n2@lvm#vg", 100.0, 50.0)];
    assert_eq!(chosen(&decide(&create(1, &specs), &pools)), None);
    let config = SchedulerConfig {
        filters: vec![FilterName::Capacity],
        weighers: vec![(WeigherName::Capacity, -1.0)],
        ..SchedulerConfig::default()
    };
    let decision = decide_with(&create(1, &specs), &pools, &config, 0);
    assert_eq!(chosen(&decision), Some("n1@lvm#vg"));
    assert_eq!(decision.config_hash, config.hash());
}

#[test]
fn unmeasured_pools_take_volumes_last() {
    let specs = Specs::new();
    let unmeasured = |name| Pool::with_stats(name, PoolStats::new(Amount::Unknown, Some(Amount::Infinite)));
    let stack = SchedulerConfig { weighers: vec![(WeigherName::Capacity, -1.0)], ..SchedulerConfig::default() };
    let pools = [unmeasured("n1@x#p"), Pool::new("n2@lvm#vg", 10.0, 1.0)];
    for config in [&SchedulerConfig::default(), &stack] {
        assert_eq!(chosen(&decide_with(&create(1, &specs), &pools, config, 3)), Some("n2@lvm#vg"));
    }
    let decision = decide_with(&create(1, &specs), &pools, &stack, 3);
    assert_eq!(decision.candidates[1].weights[0].raw.to_bits(), f64::to_bits(1.0 + 10_000.0));
    let all = [unmeasured("n1@x#p"), unmeasured("n2@x#p")];
    let decision = decide_with(&create(1, &specs), &all, &stack, 3);
    assert!(decision.chosen.is_some() && decision.candidates.iter().all(|c| c.weight == Some(0.0)), "{decision:?}");
}

fn many(accepting: usize, full: usize, down: usize) -> Decision {
    let pools: Vec<Pool> = (0..accepting + full + down)
        .map(|n| {
            let free = if n < accepting { 10.0 + f64::from(u32::try_from(n).unwrap()) } else { 0.5 };
            let mut pool = Pool::new(&format!("n{n:04}@lvm#vg"), 1000.0, free);
            if n >= accepting + full {
                pool.heartbeat_age_ms = Some(70_000 + u64::try_from(n).unwrap());
            }
            pool
        })
        .collect();
    decide(&create(2, &Specs::new()), &pools)
}

#[test]
fn large_cells_are_grouped() {
    let shape = |accepting, full, down| {
        let decision = many(accepting, full, down);
        let groups: Vec<_> = decision.rejected_groups.iter().map(|group| (group.filter, group.count)).collect();
        assert_eq!(decision.candidates_total as usize, accepting + full + down);
        assert_eq!(decision.passed_total as usize, accepting);
        (decision.candidates.len(), groups)
    };
    use CheckName::{Capacity, Service};
    assert_eq!(shape(3, 10, 3), (CANDIDATES_SHOWN, vec![]));
    assert_eq!(shape(3, 10, 4), (CANDIDATES_SHOWN, vec![(Service, 1)]));
    assert_eq!(shape(3, 20, 400), (CANDIDATES_SHOWN, vec![(Service, 400), (Capacity, 7)]));
    assert_eq!(shape(30, 20, 4), (CANDIDATES_SHOWN, vec![(Service, 4), (Capacity, 20)]));
    let heaviest = &many(30, 0, 0).candidates[0].pool;
    assert_eq!(heaviest.as_str(), "n0029@lvm#vg");
}
