//! Reading and writing configfs: folders are the kernel's objects, files their attributes, links what they have to do with
//! each other. Each function does nothing where it is done already, and its errors name the path.

use std::fs;
use std::io;
use std::path::Path;

/// The folders in a folder; none when it is not there.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in entries(folder)? {
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().into_string().map_err(|name| {
                let what = format!("{} holds {name:?}, which is not UTF-8", folder.display());
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?);
        }
    }
    names.sort_unstable();
    Ok(names)
}

pub(super) fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(at(folder, &error)),
    }
}

/// What an attribute says; nothing when it is not there.
pub(super) fn value(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        Ok(bytes) => {
            let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            Ok(String::from_utf8_lossy(bytes).trim().to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(at(path, &error)),
    }
}

/// One write, as the kernel wants it. What was written is not told: it may be a password.
pub(super) fn write(path: &Path, what: &str) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, what.as_bytes()))
        .map_err(|error| at(path, &error))
}

/// Writes only what is not there yet.
pub(super) fn settle(path: &Path, wanted: &str) -> io::Result<()> {
    if value(path)? == wanted { Ok(()) } else { write(path, wanted) }
}

pub(super) fn folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(at(path, &error)),
        _ => Ok(()),
    }
}

pub(super) fn link(to: &Path, path: &Path) -> io::Result<()> {
    match std::os::unix::fs::symlink(to, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(at(path, &error)),
        _ => Ok(()),
    }
}

pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    gone(fs::remove_dir(path), path)
}

pub(super) fn remove_link(path: &Path) -> io::Result<()> {
    gone(fs::remove_file(path), path)
}

fn gone(removed: io::Result<()>, path: &Path) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path, &error)),
        _ => Ok(()),
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
