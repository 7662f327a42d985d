//! A row as it was read, and what is wrong when it cannot be.

use std::fmt;
use std::io;

use stele_core::unit::Timestamp;

use super::schema::Table;

/// What stands in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// A whole number; a truth value is 0 or 1.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes that are no text, or a number with a fraction: no column that is read has such.
    Other,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a dump: the line on which it begins, from 1.
    Line(u64),
    /// In a SQLite database: which row of its table, from 1.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// Why a database was not read. What cannot be read to its end is not used at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file or the pipe failed.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is neither a SQLite database nor a dump of MariaDB or MySQL: {0}")]
    NotADatabase(&'static str),
    /// SQLite says no.
    #[error("SQLite cannot read it: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The dump is not as `mariadb-dump` and `mysqldump` write it.
    #[error("line {line}: {what}")]
    Syntax {
        /// Where.
        line: u64,
        /// What was found, and what should have been there.
        what: String,
    },
    /// The dump's end is missing.
    #[error("the dump is cut: {0}")]
    Cut(&'static str),
    /// It holds no such table.
    #[error("it has no table {0}: is it Cinder's database, and all of it?")]
    NoTable(&'static str),
    /// The table has no such column.
    #[error("its table {table} has no column {column}: is it Cinder's?")]
    NoColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column holds what it cannot hold in Cinder.
    #[error("{place} of table {table}: column {column} {what}")]
    Value {
        /// Where.
        place: Place,
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// More than fits into memory.
    #[error("it has more than {0} rows that count")]
    TooManyRows(usize),
}

/// A row of a table; the values are in the order of the table's columns.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) table: &'static Table,
    pub(super) values: &'a [Value],
    pub(super) place: Place,
}

impl Row<'_> {
    /// As Cinder's queries see it: NULL is not `false`, and a table without the column deletes its rows.
    pub(super) fn is_live(&self) -> Result<bool, ReadError> {
        if !self.table.columns.contains(&"deleted") {
            return Ok(true);
        }
        Ok(self.integer("deleted")? == Some(0))
    }

    pub(super) fn text(&self, column: &'static str) -> Result<Option<String>, ReadError> {
        match self.value(column) {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.clone())),
            Value::Integer(number) => Ok(Some(number.to_string())),
            Value::Other => Err(self.wrong(column, "holds something that is no text")),
        }
    }

    /// A text that must be there.
    pub(super) fn needed(&self, column: &'static str) -> Result<String, ReadError> {
        self.text(column)?.ok_or_else(|| self.wrong(column, "is NULL"))
    }

    /// A text; nothing is the empty one.
    pub(super) fn words(&self, column: &'static str) -> Result<String, ReadError> {
        Ok(self.text(column)?.unwrap_or_default())
    }

    pub(super) fn integer(&self, column: &'static str) -> Result<Option<i64>, ReadError> {
        match self.value(column) {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(*number)),
            // Older releases wrote truth values of some columns as texts.
            Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" => Ok(Some(1)),
                "false" => Ok(Some(0)),
                number => number.parse().map(Some).map_err(|_| self.wrong(column, "holds something that is no number")),
            },
            Value::Other => Err(self.wrong(column, "holds something that is no whole number")),
        }
    }

    /// A number that is 0 when it is NULL, as in Cinder's sums.
    pub(super) fn number(&self, column: &'static str) -> Result<i64, ReadError> {
        Ok(self.integer(column)?.unwrap_or(0))
    }

    pub(super) fn flag(&self, column: &'static str, absent: bool) -> Result<bool, ReadError> {
        Ok(self.integer(column)?.map_or(absent, |number| number != 0))
    }

    /// A moment; both kinds of database hold UTC without saying so.
    pub(super) fn moment(&self, column: &'static str) -> Result<Option<Timestamp>, ReadError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        let read = format!("{}Z", text.replacen(' ', "T", 1)).parse();
        read.map(Some).map_err(|_| self.wrong(column, "holds something that is no time"))
    }

    fn value(&self, column: &'static str) -> &Value {
        let place = self.table.columns.iter().position(|known| *known == column);
        place.and_then(|place| self.values.get(place)).unwrap_or(&Value::Null)
    }

    fn wrong(&self, column: &'static str, what: &str) -> ReadError {
        ReadError::Value { place: self.place, table: self.table.name, column, what: what.to_owned() }
    }
}
