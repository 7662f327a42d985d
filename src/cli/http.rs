//! Reading from the API.

use std::time::Duration;

use serde::de::DeserializeOwned;
use stele_core::unit::Position;
use stele_projections::view::ErrorAnswer;

use crate::args::Token;
use crate::failure::Failure;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// An API, by its address.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    agent: ureq::Agent,
    token: Option<Token>,
}

impl Api {
    /// The API at `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WITHIN))
            // A token is shown to nobody but the API that was named.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .build();
        Self { url: url.trim_end_matches('/').to_owned(), agent: config.into(), token: None }
    }

    /// The same, with a token for an API that asks for one.
    #[must_use]
    pub fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }

    /// The answer to a query, not older than `min_position`.
    ///
    /// # Errors
    /// The API's own error with its code, or `ApiUnreachable`.
    pub async fn get<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        query: &[(&str, String)],
        min_position: Option<Position>,
    ) -> Result<T, Failure> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (key, value) in query {
            request = request.query(*key, value);
        }
        if let Some(position) = min_position {
            request = request.header("Stele-Min-Position", position.to_string());
        }
        if let Some(Token(token)) = &self.token {
            request = request.header("X-Auth-Token", token);
        }
        let url = self.url.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let mut response = request.call().map_err(|e| unreachable(&url, &e.to_string()))?;
            let status = response.status().as_u16();
            let body = response.body_mut().read_to_vec().map_err(|e| unreachable(&url, &e.to_string()))?;
            Ok::<_, Failure>((status, body))
        });
        let (status, body) = asked.await.map_err(|e| Failure::new("Interrupted", e.to_string(), "try again"))??;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(|e| unreadable(&self.url, &e));
        }
        let answer: ErrorAnswer = serde_json::from_slice(&body).map_err(|e| unreadable(&self.url, &e))?;
        Err(Failure::new(answer.error.code, answer.error.message, answer.error.remedy))
    }
}

fn unreachable(url: &str, why: &str) -> Failure {
    Failure::new(
        "ApiUnreachable",
        format!("the API at {url} does not answer: {why}"),
        "start `stele api` or `stele dev`, or name it with --url or STELE_URL",
    )
}

fn unreadable(url: &str, error: &serde_json::Error) -> Failure {
    Failure::new(
        "ApiUnreadable",
        format!("the answer of {url} is not understood: {error}"),
        "is it a Stele API of this release?",
    )
}
