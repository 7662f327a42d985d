//! Rows of a SQLite database.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::row::{Place, ReadError, Row, Value};
use super::schema::{TABLES, Table};

/// Gives every row of the tables that are read. Only reads: the database of a Cinder that runs stays as it is.
pub(super) fn read(path: &Path, take: &mut dyn FnMut(&Row<'_>) -> Result<(), ReadError>) -> Result<(), ReadError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    // All tables as they were at one moment.
    database.execute_batch("BEGIN")?;
    for table in TABLES {
        let there = columns(&database, table)?;
        if there.is_empty() {
            if table.always {
                return Err(ReadError::NoTable(table.name));
            }
            continue;
        }
        let places = table.places(&there).map_err(|column| ReadError::NoColumn { table: table.name, column })?;
        rows(&database, table, &places, take)?;
    }
    Ok(())
}

fn columns(database: &Connection, table: &Table) -> Result<Vec<String>, ReadError> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table.name], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn rows(
    database: &Connection,
    table: &'static Table,
    places: &[Option<usize>],
    take: &mut dyn FnMut(&Row<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let named = table.columns.iter().zip(places);
    let named: Vec<String> =
        named.map(|(name, place)| place.map_or_else(|| "NULL".to_owned(), |_| format!("\"{name}\""))).collect();
    let mut statement = database.prepare(&format!("SELECT {} FROM \"{}\"", named.join(", "), table.name))?;
    let mut found = statement.query([])?;
    let mut count = 0;
    while let Some(row) = found.next()? {
        count += 1;
        let mut values = Vec::with_capacity(table.columns.len());
        for column in 0..table.columns.len() {
            values.push(value(row.get_ref(column)?));
        }
        take(&Row { table, values: &values, place: Place::Row(count) })?;
    }
    Ok(())
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            std::str::from_utf8(text).map_or(Value::Other, |text| Value::Text(text.to_owned()))
        }
        ValueRef::Real(_) => Value::Other,
    }
}
