//! The answers to queries, as they stand in JSON. The command line reads the same structs back.
//!
//! Names are Cinder's where it has one; sizes are GiB (`_gib`), moments RFC 3339, positions numbers.

mod attachment;
mod decision;
mod drift;
mod event;
mod flow;
mod log;
mod pool;
mod quota;
mod service;
mod snapshot;
mod volume;
mod volume_type;

pub use attachment::{AttachmentList, AttachmentView};
pub use decision::{DecisionList, DecisionView};
pub use drift::{DriftList, DriftView, InventoryView};
pub use event::{EventActor, EventView};
pub use flow::{FlowHistory, FlowList, TaskHistory, TaskState, TaskTransition};
pub use log::{ErrorAnswer, ErrorBody, LogDigest, LogHead, Readiness};
pub use pool::{PoolList, PoolView};
pub use quota::{QuotaLine, QuotaSetView};
pub use service::{ServiceList, ServiceState, ServiceStatus, ServiceView};
pub use snapshot::{SnapshotList, SnapshotView};
pub use volume::{VolumeList, VolumeView};
pub use volume_type::{TypeList, TypeView};
