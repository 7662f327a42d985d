//! Cinder's Block Storage v3 API.
//!
//! ```text
//! request -> serve: who asks, which route, which version, which action, is the body JSON
//!              |
//!              v
//!            a route's function: policy, schema, then
//!              reads:  Context::read    -> a snapshot of the projection
//!              writes: Context::command -> stele.ask -> the log -> the projection has it -> the answer
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | `serve`, `routes`, `context` | the way of a request to its function, and what the function is given |
//! | `gateway`, `asker` | reads and commands |
//! | `auth`, `policy` | who asks, and who may do what |
//! | `version`, `versions` | microversions and the documents that announce them |
//! | `schema`, `python` | checks of bodies with the texts of Cinder's checker |
//! | `query`, `page`, `filter`, `links`, `scalar` | lists, links, moments |
//! | `fault`, `answer` | what goes back |
//! | the others | one resource each |
//!
//! Nothing is decided here. What a route checks by itself is the request's form and the caller's role; everything that
//! depends on the cell's state is a refusal of the command.

mod absent;
mod answer;
mod asker;
mod attachments;
pub mod auth;
mod body;
mod context;
mod extensions;
mod fault;
mod filter;
mod gateway;
mod group_snapshots;
mod group_types;
mod groups;
mod links;
mod manageable;
mod messages;
mod owned;
mod page;
mod pairs;
pub mod policy;
mod python;
mod qos;
mod query;
mod quotas;
mod resource_filters;
mod routes;
mod scalar;
mod schema;
mod serve;
mod services;
mod short_list;
mod snapshots;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod transfers;
mod types;
mod version;
mod versions;
mod volumes;

use axum::Router;
use axum::routing::any;

pub use asker::Asker;
pub use gateway::Gateway;
pub(crate) use serve::RouteName;

use routes::Routes;
use versions::versions;

/// Everything below `/v3`, and the versions at `/`.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(gateway: Gateway) -> Router<S> {
    Router::new()
        .route("/", any(versions::root))
        .route("/v3", any(serve::serve))
        .route("/v3/", any(serve::serve))
        .route("/v3/{*path}", any(serve::serve))
        .with_state(gateway)
}

/// Every route below `/v3`.
fn routes() -> Routes {
    let parts: &[fn(Routes) -> Routes] = &[
        versions::routes,
        volumes::routes,
        snapshots::routes,
        types::routes,
        qos::routes,
        group_types::routes,
        quotas::routes,
        services::routes,
        messages::routes,
        extensions::routes,
        resource_filters::routes,
        attachments::routes,
        transfers::routes,
        groups::routes,
        group_snapshots::routes,
        manageable::routes,
        absent::routes,
    ];
    parts.iter().fold(Routes::default(), |routes, part| part(routes))
}
