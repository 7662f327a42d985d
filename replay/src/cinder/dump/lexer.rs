//! A dump's bytes become tokens: names, texts with MySQL's escapes, numbers, hexadecimal and binary literals.

use std::io::BufRead;

use super::super::row::ReadError;

/// The most bytes of one text or number. Cinder's longest column is a TEXT of 64 KiB, which escapes may double; columns
/// that are passed over may hold more.
const LITERAL_BYTES_MAX: usize = 64 << 20;
/// The most bytes of a name or a word.
const WORD_BYTES_MAX: usize = 1024;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, as it stands: a keyword, or a name without quotes.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// A text in quotes, without its escapes, or what a hexadecimal or binary literal says.
    Text(Vec<u8>),
    /// A number, as it stands.
    Number(String),
    /// Any other byte.
    Mark(u8),
    /// Nothing follows.
    End,
}

/// Reads tokens. Comments are passed over, those that only some servers run (`/*! ... */`) as well: dumps keep nothing
/// in them that is read here.
#[derive(Debug)]
pub(super) struct Lexer<R> {
    input: R,
    line: u64,
    /// The last comment to the end of a line, cut.
    comment: Vec<u8>,
    /// The first of them, cut.
    head: Vec<u8>,
}

impl<R: BufRead> Lexer<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, comment: Vec::new(), head: Vec::new() }
    }

    /// The line that is read now, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The last comment that went to the end of its line.
    pub(super) fn comment(&self) -> String {
        String::from_utf8_lossy(&self.comment).into_owned()
    }

    /// Whether one of the first comments says so.
    pub(super) fn head_says(&self, what: &str) -> bool {
        String::from_utf8_lossy(&self.head).contains(what)
    }

    pub(super) fn wrong<T>(&self, what: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::Syntax { line: self.line, what: what.into() })
    }

    pub(super) fn token(&mut self) -> Result<Token, ReadError> {
        let Some(first) = self.blank()? else { return Ok(Token::End) };
        match first {
            b'`' => Ok(Token::Name(self.name()?)),
            b'\'' | b'"' => Ok(Token::Text(self.text(first)?)),
            b'0'..=b'9' => self.number(first),
            b'-' | b'+' if self.peek()?.is_some_and(|next| next.is_ascii_digit() || next == b'.') => self.number(first),
            b'_' | b'$' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.word(first),
            mark => Ok(Token::Mark(mark)),
        }
    }

    /// Goes behind the next `;`, without a look at what stands before it.
    ///
    /// # Errors
    /// [`ReadError::Cut`] when there is none.
    pub(super) fn skip_statement(&mut self) -> Result<(), ReadError> {
        loop {
            match self.blank()? {
                None => return Err(ReadError::Cut("it ends within a statement")),
                Some(b';') => return Ok(()),
                Some(quote @ (b'\'' | b'"' | b'`')) => self.skip_quoted(quote)?,
                Some(_) => {}
            }
        }
    }

    /// The next byte that is neither a space nor in a comment.
    fn blank(&mut self) -> Result<Option<u8>, ReadError> {
        while let Some(byte) = self.next()? {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | 0 => {}
                b'#' => self.rest_of_line()?,
                b'-' if self.peek()? == Some(b'-') => self.rest_of_line()?,
                b'/' if self.peek()? == Some(b'*') => self.block_comment()?,
                byte => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    fn rest_of_line(&mut self) -> Result<(), ReadError> {
        self.comment.clear();
        while let Some(byte) = self.next()? {
            if byte == b'\n' {
                break;
            }
            if self.comment.len() < WORD_BYTES_MAX {
                self.comment.push(byte);
            }
        }
        if self.head.len() < WORD_BYTES_MAX {
            self.head.extend(&self.comment);
        }
        Ok(())
    }

    fn block_comment(&mut self) -> Result<(), ReadError> {
        self.next()?;
        // What a server runs may hold texts, and these may hold the mark of the end.
        let mut last = self.next()?.unwrap_or_default();
        let runs = last == b'!' || last == b'M' && self.peek()? == Some(b'!');
        while let Some(byte) = self.next()? {
            if last == b'*' && byte == b'/' {
                return Ok(());
            }
            if runs && matches!(byte, b'\'' | b'"' | b'`') {
                self.skip_quoted(byte)?;
            }
            last = byte;
        }
        Err(ReadError::Cut("it ends within a comment"))
    }

    fn skip_quoted(&mut self, quote: u8) -> Result<(), ReadError> {
        while let Some(byte) = self.next()? {
            if byte == b'\\' && quote != b'`' {
                self.next()?;
            } else if byte == quote {
                if self.peek()? != Some(quote) {
                    return Ok(());
                }
                self.next()?;
            }
        }
        Err(ReadError::Cut("it ends within a text"))
    }

    fn text(&mut self, quote: u8) -> Result<Vec<u8>, ReadError> {
        let mut text = Vec::new();
        while let Some(byte) = self.next()? {
            if text.len() >= LITERAL_BYTES_MAX {
                return self.wrong(format!("a text has more than {LITERAL_BYTES_MAX} bytes"));
            }
            if byte == quote {
                if self.peek()? != Some(quote) {
                    return Ok(text);
                }
                self.next()?;
                text.push(quote);
            } else if byte == b'\\' {
                let Some(escaped) = self.next()? else { break };
                text.push(match escaped {
                    b'0' => 0,
                    b'b' => 8,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'Z' => 26,
                    other => other,
                });
            } else {
                text.push(byte);
            }
        }
        Err(ReadError::Cut("it ends within a text"))
    }

    fn name(&mut self) -> Result<String, ReadError> {
        let mut name = Vec::new();
        while let Some(byte) = self.next()? {
            if byte == b'`' {
                if self.peek()? != Some(b'`') {
                    return Ok(String::from_utf8_lossy(&name).into_owned());
                }
                self.next()?;
            }
            name.push(byte);
            if name.len() > WORD_BYTES_MAX {
                return self.wrong("a name is too long");
            }
        }
        Err(ReadError::Cut("it ends within a name"))
    }

    /// A number, or `0x` and hexadecimal digits.
    fn number(&mut self, first: u8) -> Result<Token, ReadError> {
        let word = self.run(first, |byte| byte.is_ascii_alphanumeric() || byte == b'.')?;
        match word.strip_prefix("0x") {
            Some(digits) => Ok(Token::Text(self.hexadecimal(digits)?)),
            None => Ok(Token::Number(word)),
        }
    }

    /// A word, or the literals `X'..'` and `B'..'`.
    fn word(&mut self, first: u8) -> Result<Token, ReadError> {
        let word = self.run(first, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..))?;
        if self.peek()? != Some(b'\'') || !matches!(word.as_str(), "x" | "X" | "b" | "B") {
            return Ok(Token::Word(word));
        }
        self.next()?;
        let digits = String::from_utf8_lossy(&self.text(b'\'')?).into_owned();
        if word.eq_ignore_ascii_case("x") {
            return Ok(Token::Text(self.hexadecimal(&digits)?));
        }
        // Bits are a number; no column of Cinder's has more than one.
        match i64::from_str_radix(&digits, 2) {
            Ok(number) => Ok(Token::Number(number.to_string())),
            Err(_) => self.wrong("a binary literal of more than 63 bits"),
        }
    }

    fn hexadecimal(&self, digits: &str) -> Result<Vec<u8>, ReadError> {
        match data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()) {
            Ok(bytes) => Ok(bytes),
            Err(_) => self.wrong("a hexadecimal literal with something else in it"),
        }
    }

    fn run(&mut self, first: u8, belongs: fn(u8) -> bool) -> Result<String, ReadError> {
        let mut word = vec![first];
        while let Some(byte) = self.peek()?.filter(|byte| belongs(*byte)) {
            self.next()?;
            word.push(byte);
            if word.len() > LITERAL_BYTES_MAX {
                return self.wrong("a word is too long");
            }
        }
        String::from_utf8(word).or_else(|_| self.wrong("a word is not UTF-8"))
    }

    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn next(&mut self) -> Result<Option<u8>, ReadError> {
        let Some(byte) = self.peek()? else { return Ok(None) };
        self.input.consume(1);
        if byte == b'\n' {
            self.line += 1;
        }
        Ok(Some(byte))
    }
}
