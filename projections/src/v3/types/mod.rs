//! `/types` and what hangs on them: extra specs, access, encryption, and the types that projects use by default.

mod access;
mod default;
mod encryption;
mod extra_specs;
mod list;
mod manage;
#[cfg(test)]
mod tests;
mod view;

use stele_core::id::TypeId;
use stele_core::state::{DEFAULT_TYPE_NAME, VolumeType};

use super::answer::{Answer, Answered};
use super::context::Context;
use super::fault::Fault;
use super::policy::Rule;
use super::routes::Routes;
use crate::reader::Snapshot;
pub(super) use list::{invalid_filters, is_public};
pub(super) use manage::changes;
use view::{Shown, TypeView};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .get("/types", 0, list::list)
        .post("/types", 0, manage::create)
        .get("/types/{id}", 0, show)
        .put("/types/{id}", 0, manage::update)
        .delete("/types/{id}", 0, manage::delete)
        .action("/types/{id}/action", "create", 0, manage::create)
        .action("/types/{id}/action", "update", 0, manage::update)
        .action("/types/{id}/action", "delete", 0, manage::delete_as_action)
        .action("/types/{id}/action", "addProjectAccess", 0, access::grant)
        .action("/types/{id}/action", "removeProjectAccess", 0, access::revoke)
        .get("/types/{id}/os-volume-type-access", 0, access::list);
    let routes = routes
        .get("/types/{id}/extra_specs", 0, extra_specs::list)
        .post("/types/{id}/extra_specs", 0, extra_specs::create)
        .get("/types/{id}/extra_specs/{key}", 0, extra_specs::show)
        .put("/types/{id}/extra_specs/{key}", 0, extra_specs::update)
        .delete("/types/{id}/extra_specs/{key}", 0, extra_specs::delete);
    let routes = routes
        .get("/types/{id}/encryption", 0, encryption::list)
        .post("/types/{id}/encryption", 0, encryption::create)
        .get("/types/{id}/encryption/{key}", 0, encryption::show)
        .put("/types/{id}/encryption/{key}", 0, encryption::update)
        .delete("/types/{id}/encryption/{key}", 0, encryption::delete);
    routes
        .get("/default-types", default::SINCE, default::list)
        .get("/default-types/{project}", default::SINCE, default::show)
        .put("/default-types/{project}", default::SINCE, default::set)
        .delete("/default-types/{project}", default::SINCE, default::unset)
}

/// `GET /types/{id}`; the id may be `default`.
async fn show(context: Context) -> Answered {
    let answer = |context: &Context, snapshot: &Snapshot| {
        let (found, shown) = match context.path("id") {
            "default" => (default_type(context, snapshot)?, Shown::Default),
            id => (find(context, snapshot, id)?, Shown::Read),
        };
        context.allow(Rule::TypeGet)?;
        Ok(Answer::ok(&Body { volume_type: TypeView::new(&found, &context.caller, shown) }))
    };
    context.read(answer).await
}

#[derive(serde::Serialize)]
struct Body<'a> {
    volume_type: TypeView<'a>,
}

/// A type by the id in the client's words, when the caller may know of it.
fn find(context: &Context, snapshot: &Snapshot, id: &str) -> Result<VolumeType, Fault> {
    let parsed: Option<TypeId> = id.parse().ok();
    let found = parsed.map(|id| snapshot.find::<VolumeType>(&id)).transpose()?.flatten();
    let visible = |found: &VolumeType| context.caller.is_admin || found.is_visible_to(&context.caller.project);
    found.filter(visible).ok_or_else(|| Fault::no_such("Volume type", id))
}

/// [`find`] on its own, for the type that the path names; a path that names none is found out before anything is asked
/// of the cell.
async fn named(context: &Context) -> Result<VolumeType, Fault> {
    context.read(|context, snapshot| find(context, snapshot, context.path("id"))).await
}

fn default_type(context: &Context, snapshot: &Snapshot) -> Result<VolumeType, Fault> {
    let types = snapshot.types()?;
    let chosen = snapshot.default_type_of(&context.caller.project)?.and_then(|id| types.get(id));
    let found = chosen.or_else(|| types.find(DEFAULT_TYPE_NAME));
    found.cloned().ok_or_else(|| Fault::not_found("Default volume type can not be found."))
}
