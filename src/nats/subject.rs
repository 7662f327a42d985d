use stele_core::id::{BackendName, CommandId, ProjectId};

/// Where every worker's reports arrive.
pub const REPORT_SUBJECTS: &str = "stele.report.*";

/// Where commands arrive whose sender waits for the outcome.
pub const ASK_SUBJECTS: &str = "stele.ask.>";

/// Where commands arrive that are published and forgotten; all of them are kept in the inbox.
pub(super) const COMMAND_SUBJECTS: &str = "stele.cmd.>";

/// Where tasks are queued; one subject per backend.
pub(super) const TASK_SUBJECTS: &str = "stele.task.*";

/// The one subject of a shard's log.
#[must_use]
pub fn log_subject(shard: u32) -> String {
    format!("stele.log.{shard}")
}

/// Where the writer of a shard says that it lives.
#[must_use]
pub fn leader_subject(shard: u32) -> String {
    format!("stele.leader.{shard}")
}

/// The queue of one backend's tasks.
#[must_use]
pub fn task_subject(backend: &BackendName) -> String {
    format!("stele.task.{}", backend.subject_token())
}

/// Where one backend's workers report.
#[must_use]
pub fn report_subject(backend: &BackendName) -> String {
    format!("stele.report.{}", backend.subject_token())
}

/// Where the outcome of a command from the inbox is told.
#[must_use]
pub fn outcome_subject(project: &ProjectId, command: CommandId) -> String {
    format!("stele.outcome.{project}.{command}")
}
