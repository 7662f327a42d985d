//! The format, as values and bytes; the module above has the picture.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stele_core::chain::Chain;
use stele_core::unit::{Hash, Position};

/// The version of the format that this code writes.
pub(super) const FORMAT: u32 = 1;

/// The only compression so far.
pub(super) const CODEC: &str = "zstd";

/// A frame is closed when it holds so many bytes: enough for repetitions to be found, and little to write again after
/// an export that was cut short.
pub const FRAME_BYTES: usize = 1 << 20;

/// A frame is closed when it holds so many messages.
pub(super) const FRAME_MESSAGES: usize = 4096;

/// The largest message; a cell's streams take 1 MiB.
pub(super) const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// The largest frame that is believed when it is read: memory is bounded by it, whatever the bytes say.
const RAW_BYTES_MAX: usize = FRAME_BYTES + 4 + MESSAGE_BYTES_MAX;

/// The most that incompressible bytes grow by.
const STORED_BYTES_MAX: usize = RAW_BYTES_MAX + RAW_BYTES_MAX / 128 + 1024;

/// Headers have some hundred bytes.
const HEADER_JSON_MAX: usize = 64 << 10;

const MAGIC: &[u8; 8] = b"STELELOG";
const END_MAGIC: &[u8; 8] = b"STELEEND";
const FRAME_MARK: &[u8; 4] = b"FRAM";
const FOOTER_MARK: &[u8; 4] = b"FOOT";
const HASH_BYTES: usize = 32;
const FRAME_HEAD_BYTES: usize = 24;
const ENTRY_BYTES: usize = 16 + HASH_BYTES;
const TRAILER_BYTES: usize = 16;

/// Which log it is, and where in it the file begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub format: u32,
    /// How frames are compressed.
    pub codec: String,
    /// The stream that the log was read from.
    pub stream: String,
    /// The shard.
    pub shard: u32,
    /// The position of the first message.
    pub first: Position,
    /// The last record before it: what the first record of the file names as its predecessor.
    pub before: Chain,
}

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// The position of the last message; one less than the first when there is none.
    pub last: Position,
    /// How many messages.
    pub messages: u64,
    /// How many of them continue the chain.
    pub records: u64,
    /// How many do not.
    pub strays: u64,
    /// The bytes of all messages.
    pub bytes: u64,
    /// How many frames hold them.
    pub frames: u64,
    /// The last record.
    pub head: Chain,
}

/// A frame, as the footer lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Indexed {
    pub(super) first: Position,
    pub(super) offset: u64,
    pub(super) sum: Hash,
}

/// What is wrong with bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    Io(String),
    /// They end too early.
    Cut,
    NotAnExport,
    Newer(String),
    At {
        offset: u64,
        what: String,
    },
}

fn at(offset: u64, what: impl Into<String>) -> Broken {
    Broken::At { offset, what: what.into() }
}

/// The header's bytes and its hash.
pub(super) fn encode_header(header: &Header) -> io::Result<(Vec<u8>, Hash)> {
    let mut bytes = MAGIC.to_vec();
    push_json(&mut bytes, header)?;
    let sum = Hash::of(&bytes);
    bytes.extend(sum.0);
    Ok((bytes, sum))
}

/// The header, its hash, and where the first frame begins.
pub(super) fn read_header(file: &File) -> Result<(Header, Hash, u64), Broken> {
    let length = length(file)?;
    let start = read_up_to(file, 0, MAGIC.len() + 4)?;
    if !MAGIC.starts_with(&start[..start.len().min(MAGIC.len())]) {
        return Err(Broken::NotAnExport);
    }
    let json_bytes = u32_at(&start, MAGIC.len()).ok_or(Broken::Cut)? as usize;
    if json_bytes > HEADER_JSON_MAX {
        return Err(at(0, "the header's length cannot be"));
    }
    let end = start.len() + json_bytes;
    if length < (end + HASH_BYTES) as u64 {
        return Err(Broken::Cut);
    }
    let bytes = read_up_to(file, 0, end + HASH_BYTES)?;
    let (covered, sum) = bytes.split_at_checked(end).ok_or(Broken::Cut)?;
    let expected = Hash::of(covered);
    if sum != expected.0 {
        return Err(at(0, "the header's checksum differs"));
    }
    Ok((parse_header(&covered[start.len()..])?, expected, (end + HASH_BYTES) as u64))
}

fn parse_header(json: &[u8]) -> Result<Header, Broken> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Version {
        format: u32,
        codec: String,
    }
    let unreadable = |error: serde_json::Error| at(0, format!("the header cannot be read: {error}"));
    let version: Version = serde_json::from_slice(json).map_err(unreadable)?;
    if version.format != FORMAT {
        return Err(Broken::Newer(format!("format version {}", version.format)));
    }
    if version.codec != CODEC {
        return Err(Broken::Newer(format!("compression {:?}", version.codec)));
    }
    serde_json::from_slice(json).map_err(unreadable)
}

/// A frame's bytes and its hash; `raw` is [`push_message`]s.
pub(super) fn encode_frame(
    compressor: &mut zstd::bulk::Compressor<'_>,
    first: Position,
    count: usize,
    raw: &[u8],
) -> io::Result<(Vec<u8>, Hash)> {
    let mut bytes = vec![0; FRAME_HEAD_BYTES + zstd::zstd_safe::compress_bound(raw.len())];
    let stored = compressor.compress_to_buffer(raw, &mut bytes[FRAME_HEAD_BYTES..])?;
    bytes.truncate(FRAME_HEAD_BYTES + stored);
    let head = [
        FRAME_MARK.as_slice(),
        &small(count)?.to_le_bytes(),
        &first.0.to_le_bytes(),
        &small(raw.len())?.to_le_bytes(),
        &small(stored)?.to_le_bytes(),
    ];
    bytes[..FRAME_HEAD_BYTES].copy_from_slice(&head.concat());
    let sum = Hash::of(&bytes);
    bytes.extend(sum.0);
    Ok((bytes, sum))
}

/// Adds a message to the bytes of a frame.
pub(super) fn push_message(raw: &mut Vec<u8>, message: &[u8]) -> io::Result<()> {
    raw.extend(small(message.len())?.to_le_bytes());
    raw.extend_from_slice(message);
    Ok(())
}

/// A frame whose checksum is right, not decompressed yet.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) first: Position,
    pub(super) count: u32,
    pub(super) sum: Hash,
    pub(super) offset: u64,
    /// Where it ends.
    pub(super) end: u64,
    raw_bytes: usize,
    bytes: Vec<u8>,
}

/// Reads the frame that begins at `offset` and ends at `limit` or before.
pub(super) fn read_frame(file: &File, offset: u64, limit: u64) -> Result<Frame, Broken> {
    let room = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
    if room < FRAME_HEAD_BYTES {
        return Err(Broken::Cut);
    }
    let head = read_up_to(file, offset, FRAME_HEAD_BYTES)?;
    let (Some(count), Some(first)) = (u32_at(&head, 4), u64_at(&head, 8)) else { return Err(Broken::Cut) };
    let (Some(raw), Some(stored)) = (u32_at(&head, 16), u32_at(&head, 20)) else { return Err(Broken::Cut) };
    let (raw_bytes, stored) = (raw as usize, stored as usize);
    if &head[..4] != FRAME_MARK || raw_bytes > RAW_BYTES_MAX || stored > STORED_BYTES_MAX {
        return Err(at(offset, "no frame begins here"));
    }
    let whole = FRAME_HEAD_BYTES + stored + HASH_BYTES;
    if room < whole {
        return Err(Broken::Cut);
    }
    let mut bytes = read_up_to(file, offset, whole)?;
    if bytes.len() < whole {
        return Err(Broken::Cut);
    }
    let found = bytes.split_off(FRAME_HEAD_BYTES + stored);
    let sum = Hash::of(&bytes);
    if found != sum.0 {
        return Err(at(offset, format!("the checksum of the frame that begins with position {first} differs")));
    }
    Ok(Frame { first: Position(first), count, sum, offset, end: offset + whole as u64, raw_bytes, bytes })
}

impl Frame {
    /// The position of the last message.
    pub(super) fn last(&self) -> Position {
        Position((self.first.0 + u64::from(self.count)).saturating_sub(1))
    }

    /// The messages; they share one buffer.
    pub(super) fn messages(&self) -> Result<Vec<Bytes>, Broken> {
        let raw = zstd::bulk::decompress(&self.bytes[FRAME_HEAD_BYTES..], self.raw_bytes);
        let mut raw = Bytes::from(raw.map_err(|e| at(self.offset, format!("the frame cannot be decompressed: {e}")))?);
        let odd = || at(self.offset, "the frame does not hold what it says");
        let mut messages = Vec::new();
        while let Some(length) = u32_at(&raw, 0) {
            let end = 4 + length as usize;
            if end > raw.len() {
                return Err(odd());
            }
            let message = raw.split_to(end);
            messages.push(message.slice(4..));
        }
        if !raw.is_empty() || messages.len() != self.count as usize || messages.is_empty() {
            return Err(odd());
        }
        Ok(messages)
    }
}

/// The footer's bytes and the checksum of all.
pub(super) fn encode_footer(header_sum: Hash, footer: &Footer, index: &[Indexed]) -> io::Result<(Vec<u8>, Hash)> {
    let mut bytes = FOOTER_MARK.to_vec();
    push_json(&mut bytes, footer)?;
    for Indexed { first, offset, sum } in index {
        bytes.extend(first.0.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend(sum.0);
    }
    let sum = footer_sum(header_sum, &bytes);
    bytes.extend(sum.0);
    let size = bytes.len() as u64;
    bytes.extend(size.to_le_bytes());
    bytes.extend(END_MAGIC);
    Ok((bytes, sum))
}

/// The end of a file.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) footer: Footer,
    pub(super) index: Vec<Indexed>,
    /// The checksum of all.
    pub(super) sum: Hash,
    /// Where the footer begins.
    pub(super) offset: u64,
    /// The length of the file.
    pub(super) length: u64,
}

/// The footer of a file whose first frame begins at `frames_from`.
pub(super) fn read_footer(file: &File, header_sum: Hash, frames_from: u64) -> Result<Ending, Broken> {
    let length = length(file)?;
    let Some(trailer_at) = length.checked_sub(TRAILER_BYTES as u64) else { return Err(Broken::Cut) };
    let trailer = read_up_to(file, trailer_at, TRAILER_BYTES)?;
    let size = u64_at(&trailer, 0).filter(|_| trailer.ends_with(END_MAGIC)).ok_or(Broken::Cut)?;
    let offset = trailer_at.checked_sub(size).filter(|offset| *offset >= frames_from);
    let offset = offset.ok_or_else(|| at(trailer_at, "the footer's length cannot be"))?;
    let whole = usize::try_from(size).map_err(|_| at(trailer_at, "the footer's length cannot be"))?;
    let bytes = read_up_to(file, offset, whole)?;
    let broken = |what: &str| at(offset, what);
    let covered = bytes.len().checked_sub(HASH_BYTES).ok_or_else(|| broken("the footer is too short"))?;
    let (bytes, found) = bytes.split_at(covered);
    let sum = footer_sum(header_sum, bytes);
    if found != sum.0 {
        return Err(broken("the footer's checksum differs"));
    }
    let json_bytes = u32_at(bytes, 4).filter(|_| bytes.starts_with(FOOTER_MARK));
    let json_end = json_bytes.map(|json_bytes| 8 + json_bytes as usize).filter(|end| *end <= bytes.len());
    let json_end = json_end.ok_or_else(|| broken("no footer begins here"))?;
    let footer: Footer = serde_json::from_slice(&bytes[8..json_end])
        .map_err(|e| at(offset, format!("the footer cannot be read: {e}")))?;
    let entries = bytes[json_end..].chunks_exact(ENTRY_BYTES);
    if !entries.remainder().is_empty() || entries.len() as u64 != footer.frames {
        return Err(broken("the footer does not list its frames"));
    }
    let index: Option<Vec<Indexed>> = entries.map(indexed).collect();
    let index = index.ok_or_else(|| broken("the footer does not list its frames"))?;
    Ok(Ending { footer, index, sum, offset, length })
}

fn indexed(bytes: &[u8]) -> Option<Indexed> {
    let sum = Hash(bytes.get(16..)?.try_into().ok()?);
    Some(Indexed { first: Position(u64_at(bytes, 0)?), offset: u64_at(bytes, 8)?, sum })
}

fn footer_sum(header_sum: Hash, footer: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update(header_sum.0).chain_update(footer).finalize().into())
}

fn push_json<T: Serialize>(bytes: &mut Vec<u8>, value: &T) -> io::Result<()> {
    let json = serde_json::to_vec(value)?;
    bytes.extend(small(json.len())?.to_le_bytes());
    bytes.extend(json);
    Ok(())
}

fn small(number: usize) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| io::Error::other("longer than the format allows"))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// How long the file is.
pub(super) fn length(file: &File) -> Result<u64, Broken> {
    file.metadata().map(|metadata| metadata.len()).map_err(|e| Broken::Io(e.to_string()))
}

/// So many bytes from `offset` on, or as many as there are.
fn read_up_to(file: &File, offset: u64, count: usize) -> Result<Vec<u8>, Broken> {
    let left = usize::try_from(length(file)?.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; count.min(left)];
    file.read_exact_at(&mut bytes, offset).map_err(|e| Broken::Io(e.to_string()))?;
    Ok(bytes)
}
