//! The log as a file: compressed, checked, complete by itself, and readable by every other module as if it were the log.
//!
//! ```text
//! file    = header frame* footer                                   integers are little-endian
//! header  = "STELELOG" length:u32 json sha256                      the hash is of everything before it
//! frame   = "FRAM" count:u32 first:u64 raw:u32 stored:u32 zstd sha256    the hash is of the frame up to it
//! zstd    = (length:u32 message)*, compressed; `stored` bytes, `raw` bytes once decompressed
//! footer  = "FOOT" length:u32 json entry* sha256 size:u64 "STELEEND"
//! entry   = first:u64 offset:u64 sha256                            one for each frame, with the frame's hash
//! ```
//!
//! The header says which log it is and the last record before the first message ([`Header`]); the footer says what the
//! file holds and which record its chain ends with ([`Footer`]). The footer's hash is of the header's hash and of the
//! footer up to it, and the footer holds the hash of every frame: it is a checksum of all. A file without a footer was
//! cut short. Messages lie as they lay in the stream, strays among them, so their hashes and positions stay true.
//!
//! | module | holds |
//! | --- | --- |
//! | `layout` | the format, as values and bytes |
//! | `write` | messages in, frames and a footer out; going on behind the last whole frame |
//! | `pipeline` | the halves of writing, beside each other |
//! | `read` | [`ExportedLog`]: the file as a [`Log`](stele_core::port::Log) |
//! | `before` | the record that a range builds on, found without reading from the first one |
//! | `run` | [`export`]: from a log to a file that is never half there |

mod before;
mod error;
mod layout;
mod pipeline;
mod read;
mod run;
mod write;

pub use error::{ExportError, FileError};
pub use layout::{FRAME_BYTES, Footer, Header};
pub use read::{ExportedLog, ExportedReader};
pub use run::{ExportOptions, Exported, export};
pub(crate) use run::{export_behind, part_of};

#[cfg(test)]
mod tests;
