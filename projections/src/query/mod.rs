//! Questions to a [`crate::reader::Snapshot`]: pure functions of what is stored and of their arguments.

mod decisions;
mod entities;
mod flows;
mod hanging;
mod page;
mod pools;
mod quotas;
mod services;
#[cfg(test)]
mod tests;
mod types;
mod volumes;

pub use decisions::{decision_of_volume, decisions_of_volume};
pub use entities::{Entities, List, Listed, Order, Scope, Stored};
pub use flows::{flow, flows_of_volume};
pub use hanging::{HangingPageError, HangingPageRequest, attachments, snapshot, snapshots};
pub use page::{LIMIT_DEFAULT, LIMIT_MAX, Sort, SortDirection, SortKey};
pub use pools::{pool, pools};
pub use quotas::{quota_class, quota_defaults, quotas_of_project};
pub use services::services;
pub use types::{Types, volume_type, volume_types};
pub use volumes::{VolumeFilter, VolumePageError, VolumePageRequest, volume, volumes};
