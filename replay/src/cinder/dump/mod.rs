//! Rows of a dump: what `mariadb-dump` and `mysqldump` write, one database.
//!
//! Strict: a statement that dumps do not have, a row with too few values, an end that is missing are errors with their
//! line. Only one row is in memory at a time, however long its INSERT is.

mod lexer;

use std::collections::BTreeMap;
use std::io::BufRead;

use lexer::{Lexer, Token};

use super::row::{Place, ReadError, Row, Value};
use super::schema::{TABLES, Table, find};

/// The most columns of a table; MariaDB has at most 4096.
const COLUMNS_MAX: usize = 4096;

/// Statements that dumps have, and in which nothing stands that is read.
const PASSED_OVER: &[&str] = &["SET", "LOCK", "UNLOCK", "DROP", "USE", "START", "BEGIN", "COMMIT", "ALTER", "ANALYZE"];

/// Gives every row of the tables that are read.
pub(super) fn read(
    input: impl BufRead,
    take: &mut dyn FnMut(&Row<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut dump = Dump { lexer: Lexer::new(input), tables: BTreeMap::new() };
    while dump.statement(take)? {}
    dump.ended()
}

struct Dump<R> {
    lexer: Lexer<R>,
    /// The columns of tables that are read, in the order in which INSERT gives their values.
    tables: BTreeMap<&'static str, Vec<String>>,
}

impl<R: BufRead> Dump<R> {
    /// False at the end.
    fn statement(&mut self, take: &mut dyn FnMut(&Row<'_>) -> Result<(), ReadError>) -> Result<bool, ReadError> {
        let word = match self.lexer.token()? {
            Token::End => return Ok(false),
            Token::Mark(b';') => return Ok(true),
            Token::Word(word) => word.to_ascii_uppercase(),
            other => return self.lexer.wrong(format!("a statement begins with {}", shown(&other))),
        };
        match word.as_str() {
            "CREATE" => self.create()?,
            "INSERT" | "REPLACE" => self.insert(take)?,
            passed if PASSED_OVER.contains(&passed) => self.lexer.skip_statement()?,
            _ if self.lexer.head_says("PostgreSQL database dump") => {
                return Err(ReadError::NotADatabase("it is a dump of PostgreSQL"));
            }
            _ => return self.lexer.wrong(format!("{word} is no statement of a dump of MariaDB or MySQL")),
        }
        Ok(true)
    }

    /// A dump that begins with its program's name ends with a line as well.
    fn ended(&self) -> Result<(), ReadError> {
        if let Some(table) = TABLES.iter().find(|table| table.always && !self.tables.contains_key(table.name)) {
            return Err(ReadError::NoTable(table.name));
        }
        let has_end = self.lexer.comment().starts_with("- Dump completed");
        if !has_end && (self.lexer.head_says("MariaDB dump") || self.lexer.head_says("MySQL dump")) {
            return Err(ReadError::Cut("its last line, \"Dump completed\", is missing"));
        }
        Ok(())
    }

    fn create(&mut self) -> Result<(), ReadError> {
        if !self.word_is("TABLE")? {
            return self.lexer.skip_statement();
        }
        let mut token = self.lexer.token()?;
        if token == Token::Word("IF".to_owned()) {
            for _ in ["NOT", "EXISTS"] {
                self.lexer.token()?;
            }
            token = self.lexer.token()?;
        }
        let Some(table) = find(&self.table_name(token)?) else { return self.lexer.skip_statement() };
        if self.tables.contains_key(table.name) {
            let what = "the dump has two: it holds several databases, and only Cinder's is wanted";
            return self.lexer.wrong(format!("table {}: {what}", table.name));
        }
        let columns = self.columns()?;
        table.places(&columns).map_err(|column| ReadError::NoColumn { table: table.name, column })?;
        self.tables.insert(table.name, columns);
        self.lexer.skip_statement()
    }

    /// The names in `( name type ..., KEY ..., ...)`.
    fn columns(&mut self) -> Result<Vec<String>, ReadError> {
        self.expect(b'(')?;
        let mut columns = Vec::new();
        let (mut depth, mut begins) = (1_u32, true);
        while depth > 0 {
            let token = self.lexer.token()?;
            match &token {
                Token::Name(name) if begins => columns.push(name.clone()),
                Token::Word(word) if begins && !is_key(word) => columns.push(word.clone()),
                Token::Mark(b'(') => depth += 1,
                Token::Mark(b')') => depth -= 1,
                Token::Mark(b';') | Token::End => return self.lexer.wrong("a list of columns has no end"),
                _ => {}
            }
            begins = depth == 1 && token == Token::Mark(b',');
            if columns.len() > COLUMNS_MAX || depth > 64 {
                return self.lexer.wrong("a table has too many columns");
            }
        }
        Ok(columns)
    }

    fn insert(&mut self, take: &mut dyn FnMut(&Row<'_>) -> Result<(), ReadError>) -> Result<(), ReadError> {
        let mut token = self.lexer.token()?;
        while let Token::Word(word) = &token {
            if !matches!(word.to_ascii_uppercase().as_str(), "INTO" | "IGNORE" | "DELAYED" | "LOW_PRIORITY") {
                break;
            }
            token = self.lexer.token()?;
        }
        let Some(table) = find(&self.table_name(token)?) else { return self.lexer.skip_statement() };
        let Some(mut columns) = self.tables.get(table.name).cloned() else {
            let what = "has rows and no CREATE TABLE before them; dump it with its structure";
            return self.lexer.wrong(format!("table {} {what}", table.name));
        };
        let mut token = self.lexer.token()?;
        if token == Token::Mark(b'(') {
            columns = self.names()?;
            token = self.lexer.token()?;
        }
        match &token {
            Token::Word(word) if matches!(word.to_ascii_uppercase().as_str(), "VALUES" | "VALUE") => {}
            other => return self.lexer.wrong(format!("{} where VALUES is expected", shown(other))),
        }
        let places = table.places(&columns).map_err(|column| ReadError::NoColumn { table: table.name, column })?;
        loop {
            self.row(table, columns.len(), &places, take)?;
            match self.lexer.token()? {
                Token::Mark(b',') => {}
                Token::Mark(b';') => return Ok(()),
                other => {
                    return self.lexer.wrong(format!("{} where another row or the end is expected", shown(&other)));
                }
            }
        }
    }

    fn row(
        &mut self,
        table: &'static Table,
        columns: usize,
        places: &[Option<usize>],
        take: &mut dyn FnMut(&Row<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.expect(b'(')?;
        let place = Place::Line(self.lexer.line());
        let mut all = Vec::with_capacity(columns);
        loop {
            all.push(self.value()?);
            match self.lexer.token()? {
                Token::Mark(b',') if all.len() < columns => {}
                Token::Mark(b')') if all.len() == columns => break,
                other => {
                    let what = format!("{} behind {} of {columns} values", shown(&other), all.len());
                    return self.lexer.wrong(format!("table {}: {what}", table.name));
                }
            }
        }
        let values: Vec<Value> =
            places.iter().map(|place| place.and_then(|place| all.get(place).cloned()).unwrap_or(Value::Null)).collect();
        take(&Row { table, values: &values, place })
    }

    fn value(&mut self) -> Result<Value, ReadError> {
        let text = |bytes| String::from_utf8(bytes).map_or(Value::Other, Value::Text);
        Ok(match self.lexer.token()? {
            Token::Text(bytes) => text(bytes),
            Token::Number(number) => number.parse().map_or(Value::Other, Value::Integer),
            Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                "NULL" => Value::Null,
                "TRUE" => Value::Integer(1),
                "FALSE" => Value::Integer(0),
                // `_binary '...'`: how the bytes are meant.
                introducer if introducer.starts_with('_') => match self.lexer.token()? {
                    Token::Text(bytes) => text(bytes),
                    other => return self.lexer.wrong(format!("{} behind {word}", shown(&other))),
                },
                _ => return self.lexer.wrong(format!("{word} where a value is expected")),
            },
            other => return self.lexer.wrong(format!("{} where a value is expected", shown(&other))),
        })
    }

    /// Names up to the closing bracket.
    fn names(&mut self) -> Result<Vec<String>, ReadError> {
        let mut names = Vec::new();
        loop {
            match self.lexer.token()? {
                Token::Name(name) | Token::Word(name) => names.push(name),
                other => return self.lexer.wrong(format!("{} where a column is expected", shown(&other))),
            }
            match self.lexer.token()? {
                Token::Mark(b')') => return Ok(names),
                Token::Mark(b',') if names.len() < COLUMNS_MAX => {}
                other => return self.lexer.wrong(format!("{} in a list of columns", shown(&other))),
            }
        }
    }

    fn table_name(&mut self, token: Token) -> Result<String, ReadError> {
        match token {
            Token::Name(name) | Token::Word(name) => Ok(name),
            other => self.lexer.wrong(format!("{} where a table's name is expected", shown(&other))),
        }
    }

    fn word_is(&mut self, wanted: &str) -> Result<bool, ReadError> {
        Ok(matches!(self.lexer.token()?, Token::Word(word) if word.eq_ignore_ascii_case(wanted)))
    }

    fn expect(&mut self, mark: u8) -> Result<(), ReadError> {
        match self.lexer.token()? {
            Token::Mark(found) if found == mark => Ok(()),
            other => self.lexer.wrong(format!("{} where {:?} is expected", shown(&other), char::from(mark))),
        }
    }
}

fn is_key(word: &str) -> bool {
    const KEYS: &[&str] =
        &["PRIMARY", "UNIQUE", "KEY", "INDEX", "CONSTRAINT", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "PERIOD"];
    KEYS.contains(&word.to_ascii_uppercase().as_str())
}

/// A token in a message.
fn shown(token: &Token) -> String {
    let cut = |text: &str| text.chars().take(40).collect::<String>();
    match token {
        Token::Word(text) | Token::Name(text) | Token::Number(text) => format!("{:?}", cut(text)),
        Token::Text(bytes) => format!("the text {:?}", cut(&String::from_utf8_lossy(bytes))),
        Token::Mark(mark) => format!("{:?}", char::from(*mark)),
        Token::End => "the end".to_owned(),
    }
}
