//! `stele control`.

use std::time::Duration;

use super::connect::{connected, prepared};
use super::stop;
use crate::archive::archive;
use crate::args::Control;
use crate::control::{ControlSettings, run};
use crate::failure::Failure;
use crate::nats::StreamSettings;
use crate::settings::Settings;

/// Runs a control until the process is asked to end.
///
/// # Errors
/// A [`Failure`] that says what to do.
pub async fn main(settings: &Settings, args: &Control) -> Result<(), Failure> {
    let streams = StreamSettings { replicas: usize::from(args.replicas), ..StreamSettings::default() };
    let connection = connected(settings, "stele control").await?;
    prepared(&connection, &streams, args.server_syncs.then_some(true), args.force).await?;
    let mut config = settings.from_file.control.clone();
    if let Some(deadline_ms) = args.task_deadline_ms {
        config.task_deadline_ms = deadline_ms;
    }
    let control = ControlSettings {
        config,
        data: args.data.clone(),
        server_syncs: args.server_syncs,
        claim_after: Duration::from_millis(args.claim_after_ms),
        host: host_name(),
        streams,
        archive: archive(settings)?,
    };
    Ok(run(connection, control, stop::on_signals()).await?)
}

/// The name of this machine.
#[must_use]
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String =
        name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
