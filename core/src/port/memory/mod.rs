//! The ports in memory, for tests and for the simulator: honest, stateful, and without a runtime or a clock.
//!
//! Each one keeps its port's contract, including the unpleasant half: appends that were stored though the answer was
//! lost, requests that arrive late, tasks that come twice. A plan (a closure that is asked about each operation)
//! decides when that happens, so a simulator can draw it from a seed.
//!
//! Where a real port waits "about a second", these wait until something arrives or until `tick` is called, which makes
//! every waiting call return as if its time had passed. Nothing depends on real time, so a run can be repeated exactly.

mod inbox;
mod log;
mod report;
mod shared;
mod task_queue;

pub use inbox::{MemoryInbox, MemoryInboxReader};
pub use log::{AppendAttempt, AppendFault, MemoryLog, MemoryLogReader};
pub use report::{MemoryReporter, MemoryReports, PendingReport, ReportFault, report_channel};
pub use task_queue::{DispatchFault, MemoryClaimed, MemoryDispatcher, MemoryTaskSource, MemoryTasks};
