//! The database that `tests/cinder/make_estate.py` makes with the real package, read from both kinds of source.

mod adopt;
mod check;
mod dump;

use std::path::PathBuf;

use super::Estate;

const ALPHA: &str = "a1fa0000000000000000000000000001";
const BETA: &str = "be7a0000000000000000000000000002";
const GAMMA: &str = "9a33a000000000000000000000000003";

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/cinder").join(name)
}

/// The dump that MariaDB made.
fn estate() -> Estate {
    Estate::read(&testdata("estate.mariadb.sql")).unwrap()
}

#[test]
fn both_kinds_of_database_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cinder.sqlite");
    let sql = std::fs::read_to_string(testdata("estate.sqlite.sql")).unwrap();
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    database.execute_batch(&sql).unwrap();
    drop(database);
    let (dumped, read) = (estate(), Estate::read(&path).unwrap());
    assert_eq!(read, dumped);
    assert_eq!((read.volumes.len(), read.snapshots.len(), read.usages.len()), (16, 3, 30));
    assert_eq!(read.deleted["volumes"], 2);

    let first = &read.volumes["000000c1-0000-0000-0000-000000000001"];
    assert_eq!(first.name, "O'Reilly \\ \"web\"\nfront");
    assert_eq!(first.description, "größer; ü, 漢字 -- /* no comment */");
    assert_eq!(first.metadata["a;b"], "c,(d)");
    assert_eq!(first.image_metadata["os_type"], "linux");
    assert!(read.types.values().any(|found| found.description == "fast; it's \"quick\""));

    // Another database, and one that lacks a table.
    let other = folder.path().join("other.sqlite");
    let database = rusqlite::Connection::open(&other).unwrap();
    database.execute_batch("CREATE TABLE volumes (id TEXT)").unwrap();
    drop(database);
    assert_eq!(
        Estate::read(&other).unwrap_err().to_string(),
        "it has no table quota_usages: is it Cinder's database, and all of it?"
    );
}
