//! `stele replay`.

use super::Session;
use crate::args::Replay;
use crate::failure::Failure;

pub(super) async fn run(_session: &Session, _command: &Replay) -> Result<(), Failure> {
    Ok(())
}
