//! A backend's heartbeat. It is recorded when it says something new, or when the last one is a while ago.

use super::{Context, Decided};
use crate::event::Event;
use crate::id::WorkerName;
use crate::task::BackendReport;

pub(super) fn decide(cx: &Context<'_>, worker: &WorkerName, report: &BackendReport) -> Decided {
    // A pool belongs to the backend that reports it: a worker cannot speak for another's pools.
    let foreign = report.pools.iter().any(|pool| pool.pool.backend() != report.backend);
    if foreign || !is_news(cx, report) {
        return Decided::default();
    }
    Decided::events(vec![Event::BackendReported { report: Box::new(report.clone()), worker: worker.clone() }])
}

fn is_news(cx: &Context<'_>, report: &BackendReport) -> bool {
    let Some(backend) = cx.state.backends.get(&report.backend) else { return true };
    let stale = cx.now.ms_since(backend.heartbeat_at) >= cx.state.config.heartbeat_record_ms;
    if report.as_of < backend.as_of {
        // Its figures are not taken: it only says that the backend is alive.
        return stale;
    }
    let pools_differ = backend.pools.len() != report.pools.len()
        || report.pools.iter().any(|reported| {
            let pool = cx.state.pools.get(&reported.pool);
            pool.is_none_or(|pool| *pool.stats != reported.stats)
        });
    let frees_claims = report.pools.iter().any(|reported| {
        cx.state.claims_on(&reported.pool).any(|(_, claim)| claim.fulfilled_at.is_some_and(|at| at <= report.as_of))
    });
    stale
        || backend.availability_zone != report.availability_zone
        || backend.driver != report.driver
        || pools_differ
        || frees_claims
}
