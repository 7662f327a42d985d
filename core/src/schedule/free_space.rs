//! How much room a pool has: what the capacity filter and the capacity weigher both compute with.
//!
//! Source: `cinder/scheduler/sched_utils.py`, `calculate_capacity_factors` and
//! `calculate_max_over_subscription_ratio`.

use std::collections::BTreeMap;

use super::capability::{Amount, Ratio};
use super::stats::PoolStats;

/// The ratio of `auto` while nothing is provisioned (Cinder's `INITIAL_AUTO_MOSR`).
const RATIO_AUTO_INITIAL: f64 = 20.0;

/// True when the pool is to be computed with as thin: it can be, and the type does not insist on thick.
#[must_use]
pub(super) fn is_thin(stats: &PoolStats, extra_specs: &BTreeMap<String, Option<String>>) -> bool {
    let wants_thick = || extra_specs.get("provisioning:type").is_some_and(|spec| spec.as_deref() == Some("thick"));
    stats.thin_provisioning_support && !wants_thick()
}

/// The over-subscription ratio of a pool; 1 where it means nothing (not thin, or a capacity that is no number).
///
/// It comes from the report alone: claims that are newer do not move it, as volumes that Cinder placed since the last
/// report do not.
#[must_use]
pub(super) fn ratio(stats: &PoolStats, default: f64) -> f64 {
    let free = stats.free_capacity_gb.unwrap_or(Amount::Number(0.0));
    let (true, Some(total), Some(free)) = (stats.thin_provisioning_support, stats.total_capacity_gb.gib(), free.gib())
    else {
        return 1.0;
    };
    match stats.max_over_subscription_ratio {
        // Python's `or` takes 0 for absent too.
        None | Some(Ratio::Number(0.0)) => default,
        Some(Ratio::Number(ratio)) => ratio,
        Some(Ratio::Auto) if stats.provisioned_capacity_gb == 0.0 => RATIO_AUTO_INITIAL,
        Some(Ratio::Auto) => 1.0 + stats.provisioned_capacity_gb / (total - free + 1.0),
    }
}

impl PoolStats {
    /// The most that could be promised on top of `claimed_gib`, in GiB, reckoned the way that allows more (thin where
    /// the pool can be thin). `None` when a capacity is unknown, infinite or missing.
    #[must_use]
    pub fn room_gib(&self, claimed_gib: u64, ratio_default: f64) -> Option<f64> {
        Space::of(self, claimed_gib, self.thin_provisioning_support, ratio_default).map(|space| space.virtual_free())
    }
}

/// The numbers that room is computed from, in GiB, claims already applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    pub(super) total: f64,
    pub(super) free: f64,
    pub(super) provisioned: f64,
    pub(super) ratio: f64,
    pub(super) reserved_percentage: u32,
    pub(super) thin: bool,
}

impl Space {
    /// Takes the claims that are newer than the report off what was free and adds them to what was promised.
    ///
    /// `None` when a capacity is unknown, infinite or missing.
    #[expect(clippy::cast_precision_loss, reason = "claims stay far below 2^53 GiB")]
    pub(super) fn of(stats: &PoolStats, claimed_gib: u64, thin: bool, ratio_default: f64) -> Option<Self> {
        let claimed = claimed_gib as f64;
        Some(Self {
            total: stats.total_capacity_gb.gib()?,
            free: stats.free_capacity_gb?.gib()? - claimed,
            provisioned: stats.provisioned_capacity_gb + claimed,
            ratio: ratio(stats, ratio_default),
            reserved_percentage: stats.reserved_percentage,
            thin,
        })
    }

    /// All that may be promised: the total less the reserve, for a thin pool several times over.
    fn available(&self) -> f64 {
        let reserved = (self.total * (f64::from(self.reserved_percentage) / 100.0)).floor();
        let unreserved = self.total - reserved;
        if self.thin { unreserved * self.ratio } else { unreserved }
    }

    /// [`Self::available`] to two decimals, as Cinder compares it.
    pub(super) fn available_rounded(&self) -> f64 {
        round2(self.available())
    }

    /// What can still be promised by the books.
    fn unpromised(&self) -> f64 {
        self.available() - self.provisioned
    }

    /// The room for new volumes in GiB, to two decimals; for a thick volume never more than what is really free.
    pub(super) fn virtual_free(&self) -> f64 {
        round2(if self.is_short_of_free() { self.free } else { self.unpromised() })
    }

    /// True when a thick volume is limited by what is free and not by the books.
    pub(super) fn is_short_of_free(&self) -> bool {
        !self.thin && self.free <= self.unpromised()
    }
}

/// Rounds to two decimals as Python's `round(x, 2)` does: by the exact value of the number, ties to even.
#[must_use]
pub(super) fn round2(number: f64) -> f64 {
    if number.fract() == 0.0 {
        return number;
    }
    // Multiplying by 100 would round twice; the formatter is exact, so its digits are the answer.
    format!("{number:.2}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_ratio_conforms() {
        use Amount::{Infinite, Number, Unknown};
        let auto = Some(Ratio::Auto);
        let rows = [
            (10.0, Number(100.0), Number(95.0), auto, true, 2.67),
            (0.0, Number(100.0), Number(95.0), auto, true, 20.0),
            (100.0, Number(2500.0), Number(500.0), auto, true, 1.05),
            (10_000.0, Number(2500.0), Number(0.1), auto, true, 5.0),
            (1010.0, Number(2500.0), Number(2500.0), auto, true, 1011.0),
            (10.0, Number(10.0), Number(10.0), auto, true, 11.0),
            (10.0, Number(10.0), Number(10.0), Some(Ratio::Number(15.5)), true, 15.5),
            (10.0, Number(10.0), Unknown, auto, true, 1.0),
            (10.0, Infinite, Number(10.0), auto, true, 1.0),
            (10.0, Number(10.0), Number(10.0), auto, false, 1.0),
            // Not in Cinder's unit cases: the default.
            (10.0, Number(10.0), Number(10.0), None, true, 7.0),
            (10.0, Number(10.0), Number(10.0), Some(Ratio::Number(0.0)), true, 7.0),
        ];
        for (provisioned, total, free, reported, thin, expected) in rows {
            let mut stats = PoolStats::new(total, Some(free));
            stats.provisioned_capacity_gb = provisioned;
            stats.max_over_subscription_ratio = reported;
            stats.thin_provisioning_support = thin;
            let got = ratio(&stats, 7.0);
            assert!((round2(got) - expected).abs() < 1e-9, "{stats:?}: {got}, not {expected}");
        }
    }

    #[test]
    fn virtual_free_conforms() {
        let rows = [
            (30.01, 28.01, 2.0, 1.0, false, 27.01),
            (20.01, 18.01, 2.0, 2.0, true, 36.02),
            (20.01, 18.01, 2.0, 2.0, true, 36.02),
            (30.01, 28.01, 2.0, 2.0, false, 27.01),
        ];
        for (total, free, provisioned, ratio, thin, expected) in rows {
            let space = Space { total, free, provisioned, ratio, reserved_percentage: 5, thin };
            assert_eq!(space.virtual_free().to_bits(), f64::to_bits(expected), "{space:?}");
        }
    }

    #[test]
    fn rounding_is_pythons() {
        for (number, expected) in
            [(0.125, 0.12), (0.375, 0.38), (2.675, 2.67), (1.005, 1.0), (-0.125, -0.12), (1e17, 1e17), (99.999, 100.0)]
        {
            assert_eq!(round2(number).to_bits(), f64::to_bits(expected), "{number}");
        }
    }

    #[test]
    fn a_type_can_insist_on_thick() {
        let mut stats = PoolStats::new(Amount::Unknown, None);
        let specs = |value: Option<&str>| BTreeMap::from([("provisioning:type".to_owned(), value.map(str::to_owned))]);
        assert!(!is_thin(&stats, &specs(Some("thin"))));
        stats.thin_provisioning_support = true;
        assert!(is_thin(&stats, &specs(Some("thin"))) && is_thin(&stats, &specs(None)));
        assert!(is_thin(&stats, &BTreeMap::new()) && !is_thin(&stats, &specs(Some("thick"))));
    }
}
