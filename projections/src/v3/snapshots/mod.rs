//! `/snapshots`: snapshots, their metadata, and what is done to them.

mod action;
mod create;
mod list;
mod manage;
mod metadata;
#[cfg(test)]
mod tests;
mod view;

use super::routes::Routes;

/// The path of actions.
const ACTION: &str = "/snapshots/{snapshot}/action";

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .get("/snapshots", 0, list::summary)
        .post("/snapshots", 0, create::create)
        .get("/snapshots/detail", 0, list::detail)
        .get("/snapshots/{snapshot}", 0, view::show)
        .put("/snapshots/{snapshot}", 0, create::update)
        .delete("/snapshots/{snapshot}", 0, action::delete)
        .get("/snapshots/{snapshot}/metadata", 0, metadata::list)
        .post("/snapshots/{snapshot}/metadata", 0, metadata::create)
        .put("/snapshots/{snapshot}/metadata", 0, metadata::replace)
        .get("/snapshots/{snapshot}/metadata/{key}", 0, metadata::show)
        .put("/snapshots/{snapshot}/metadata/{key}", 0, metadata::update)
        .delete("/snapshots/{snapshot}/metadata/{key}", 0, metadata::delete)
        .action(ACTION, "os-reset_status", 0, action::reset_status)
        .action(ACTION, "os-force_delete", 0, action::force_delete)
        .action(ACTION, "os-update_snapshot_status", 0, action::set_status);
    manage::routes(routes)
}
