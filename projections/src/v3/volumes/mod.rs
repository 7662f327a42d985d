//! `/volumes`: volumes, their metadata, and what is done to them.

mod absent;
mod action;
mod create;
mod image_metadata;
mod list;
mod manage;
mod metadata;
mod show;
#[cfg(test)]
mod tests;
mod update;
mod view;

use super::routes::Routes;

/// The path of actions.
const ACTION: &str = "/volumes/{volume}/action";

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .get("/volumes", 0, list::summary)
        .post("/volumes", 0, create::create)
        .get("/volumes/detail", 0, list::detail)
        .get("/volumes/summary", 12, list::totals)
        .get("/volumes/{volume}", 0, show::show)
        .put("/volumes/{volume}", 0, update::update)
        .delete("/volumes/{volume}", 0, update::delete)
        .get("/volumes/{volume}/encryption", 0, show::encryption)
        .get("/volumes/{volume}/encryption/{key}", 0, show::encryption_key)
        .get("/volumes/{volume}/metadata", 0, metadata::list)
        .post("/volumes/{volume}/metadata", 0, metadata::create)
        .put("/volumes/{volume}/metadata", 0, metadata::replace)
        .get("/volumes/{volume}/metadata/{key}", 0, metadata::show)
        .put("/volumes/{volume}/metadata/{key}", 0, metadata::update)
        .delete("/volumes/{volume}/metadata/{key}", 0, metadata::delete)
        .action(ACTION, "os-extend", 0, action::extend)
        .action(ACTION, "os-set_bootable", 0, action::set_bootable)
        .action(ACTION, "os-update_readonly_flag", 0, action::set_readonly)
        .action(ACTION, "os-reset_status", 0, action::reset_status)
        .action(ACTION, "os-force_delete", 0, action::force_delete)
        .action(ACTION, "os-retype", 0, action::retype)
        .action(ACTION, "revert", 40, action::revert)
        .action(ACTION, "os-set_image_metadata", 0, image_metadata::set)
        .action(ACTION, "os-show_image_metadata", 0, image_metadata::show)
        .action(ACTION, "os-unset_image_metadata", 0, image_metadata::unset);
    manage::routes(absent::routes(routes))
}
