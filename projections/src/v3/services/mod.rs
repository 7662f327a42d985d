//! What operators see and change of the cell's parts: services, hosts, pools, capabilities, zones.

mod capabilities;
mod change;
mod clusters;
#[cfg(test)]
mod conformance;
mod hosts;
mod known;
mod list;
mod log_levels;
mod pool;
mod pools;
#[cfg(test)]
mod tests;
mod zones;

use super::routes::Routes;

pub(super) use change::no_such_service;
pub(super) use known::{VOLUME, backends_on};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .get("/os-services", 0, list::list)
        .put("/os-services/enable", 0, change::enable)
        .put("/os-services/disable", 0, change::disable)
        .put("/os-services/disable-log-reason", 0, change::disable_log_reason)
        .put("/os-services/freeze", 0, change::freeze)
        .put("/os-services/thaw", 0, change::thaw)
        .put("/os-services/failover_host", 0, change::failover)
        .put("/os-services/set-log", log_levels::SINCE, log_levels::set)
        .put("/os-services/get-log", log_levels::SINCE, log_levels::get);
    let routes = routes
        .get("/os-hosts", 0, hosts::list)
        .get("/os-hosts/{host}", 0, hosts::show)
        .put("/os-hosts/{host}", 0, hosts::update)
        .get("/scheduler-stats/get_pools", 0, pools::list)
        .get("/capabilities/{host}", 0, capabilities::show)
        .get("/os-availability-zone", 0, zones::list);
    clusters::routes(routes)
}
