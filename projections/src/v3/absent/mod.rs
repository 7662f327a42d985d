//! What this cell does not have. The routes are there, and answer as Cinder does where the service for them is absent:
//! lists are empty, a thing of an id is not found, and what would begin something says why it cannot.

mod backups;
mod consistency;
mod replication;
#[cfg(test)]
mod tests;

use super::context::Context;
use super::fault::Fault;
use super::page::Paging;
use super::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    replication::routes(consistency::routes(backups::routes(routes)))
}

/// Checks the parameters of a list that is always empty: those of Cinder's that are wrong are wrong here as well.
///
/// # Errors
/// 400 with Cinder's texts; 404 for a marker, because nothing has that id.
fn empty_page(context: &Context, kind: &str, sorts_by: &[&str]) -> Result<(), Fault> {
    let paging = Paging::read(&context.query)?;
    if paging.sort.iter().any(|(key, _)| !sorts_by.contains(&key.as_str())) {
        return Err(Fault::invalid_input("Invalid sort key"));
    }
    match &paging.marker {
        Some(marker) => Err(Fault::no_such(kind, marker)),
        None => Ok(()),
    }
}
