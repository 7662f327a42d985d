//! A client that costs next to nothing: it shares its processors with the cell that it measures.
//!
//! HTTP/1.1 on one connection, one request at a time, answers with a length: that is what the API gives.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::failure::Failure;

/// The most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    /// What every request says.
    headers: String,
}

impl Client {
    /// Connects to an API at `http://<address>`, as somebody.
    pub(super) async fn connect(url: &str, token: &str) -> Result<Self, Failure> {
        let address = url.strip_prefix("http://").unwrap_or(url);
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let headers = format!("host: {address}\r\nx-auth-token: {token}\r\ncontent-type: application/json\r\n");
        Ok(Self { stream: BufReader::new(stream), headers })
    }

    /// The same, with a further header in every request.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Asks; gives the body of an answer that is good.
    pub(super) async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>, Failure> {
        let (headers, length) = (&self.headers, body.len());
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let status = self.line().await?;
        let mut length = 0;
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| unreadable(&line))?;
            }
        }
        if length > ANSWER_BYTES_MAX {
            return Err(unreadable(&format!("{length} bytes")));
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        match status.split(' ').nth(1) {
            Some(code) if code.starts_with('2') => Ok(answer),
            _ => Err(unreadable(&format!("{status}: {}", String::from_utf8_lossy(&answer)))),
        }
    }

    async fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(unreadable("the connection was closed"));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

fn unreadable(what: &str) -> Failure {
    Failure::new("NoAnswer", what, "see the API's log")
}
