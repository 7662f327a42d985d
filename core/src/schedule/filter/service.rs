//! The check that comes before every configured filter: is there a service that could do the work?
//!
//! Cinder does this while it gathers its candidates (`cinder/scheduler/host_manager.py`,
//! `_update_backend_state_map`) and tells nobody whom it left out.

use crate::schedule::decision::{Check, CheckName};
use crate::schedule::place::PoolView;

/// Rejects a pool whose service is disabled, frozen, silent from the start, or silent for longer than
/// `service_down_ms`; in this order, because that is the order in which an operator would mend them.
#[must_use]
pub fn check(pool: &PoolView<'_>, service_down_ms: u64) -> Check {
    let rejected = |observed: String, required: String| Check::rejected(CheckName::Service, observed, required);
    if let Some(reason) = pool.disabled_reason {
        return rejected(with_reason("disabled", reason), "must be enabled".into());
    }
    if let Some(reason) = pool.frozen_reason {
        return rejected(with_reason("frozen", reason), "must not be frozen".into());
    }
    let limit = format!("limit {}", seconds(service_down_ms));
    let Some(age_ms) = pool.heartbeat_age_ms else {
        return rejected("never reported".into(), "needs a heartbeat and a report".into());
    };
    if age_ms > service_down_ms {
        return rejected(format!("down, no heartbeat for {}", seconds(age_ms)), limit);
    }
    if pool.stats.is_none() {
        return rejected("up, but its pool was never reported".into(), "needs a report".into());
    }
    Check::passed(CheckName::Service, format!("up, last heartbeat {} ago", seconds(age_ms)), limit)
}

fn with_reason(state: &str, reason: &str) -> String {
    if reason.is_empty() { state.to_owned() } else { format!("{state}: {reason}") }
}

#[expect(clippy::cast_precision_loss, reason = "no heartbeat is 2^53 ms old")]
fn seconds(millis: u64) -> String {
    format!("{} s", millis as f64 / 1000.0)
}
