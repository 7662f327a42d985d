//! Reading from the API.

use std::time::Duration;

use serde::de::DeserializeOwned;
use stele_core::id::ProjectId;
use stele_core::unit::Position;
use stele_projections::view::ErrorAnswer;

use crate::args::Token;
use crate::failure::Failure;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The version of Cinder's API that is asked.
const CINDER_VERSION: &str = "volume 3.44";

/// An API, by its address.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    agent: ureq::Agent,
    token: Option<Token>,
    /// The moment as of which Stele's own API is asked; now when absent.
    at: Option<String>,
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
        Self { url: url.trim_end_matches('/').to_owned(), agent: config.into(), token: None, at: None }
    }

    /// The same, with a token for an API that asks for one.
    #[must_use]
    pub fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }

    /// The same, asked as of a moment.
    #[must_use]
    pub fn as_of(self, at: Option<String>) -> Self {
        Self { at, ..self }
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
        Ok(self.get_at(path, query, min_position).await?.0)
    }

    /// The same, with the position up to which the log is in the answer; `None` when the API does not say.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn get_at<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        query: &[(&str, String)],
        min_position: Option<Position>,
    ) -> Result<(T, Option<Position>), Failure> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (key, value) in query {
            request = request.query(*key, value);
        }
        if let Some(at) = &self.at {
            request = request.query("at", at);
        }
        if let Some(position) = min_position {
            request = request.header("Stele-Min-Position", position.to_string());
        }
        if let Some(Token(token)) = &self.token {
            request = request.header("X-Auth-Token", token);
        }
        let Answer { status, body, position } = self.call(request).await?;
        if (200..300).contains(&status) {
            let answer = serde_json::from_slice(&body).map_err(|e| unreadable(&self.url, &e))?;
            return Ok((answer, position));
        }
        let answer: ErrorAnswer = serde_json::from_slice(&body).map_err(|e| unreadable(&self.url, &e))?;
        Err(Failure::new(answer.error.code, answer.error.message, answer.error.remedy))
    }

    /// The answer to a query of Cinder's API, below the project.
    ///
    /// # Errors
    /// Cinder's own title and text, or `ApiUnreachable`.
    pub async fn cinder<T: DeserializeOwned + Send + 'static>(
        &self,
        project: &ProjectId,
        path: &str,
    ) -> Result<T, Failure> {
        // Where nobody is asked who they are, a token says it: Cinder's form of `noauth`.
        let token = self.token.as_ref().map_or_else(|| format!("stele:{project}"), |Token(token)| token.clone());
        let request = self.agent.get(format!("{}/v3/{project}/{path}", self.url)).header("X-Auth-Token", token);
        let asked = self.call(request.header("OpenStack-API-Version", CINDER_VERSION)).await?;
        let Answer { status, body, .. } = asked;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(|e| unreadable(&self.url, &e));
        }
        let text = String::from_utf8_lossy(&body).chars().take(500).collect::<String>();
        Err(Failure::new(
            "CinderApi",
            format!("the API answers {status}: {text}"),
            "give a token of the volume's project",
        ))
    }

    async fn call(&self, request: ureq::RequestBuilder<ureq::typestate::WithoutBody>) -> Result<Answer, Failure> {
        let url = self.url.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let mut response = request.call().map_err(|e| unreachable(&url, &e.to_string()))?;
            let status = response.status().as_u16();
            let position = response.headers().get("Stele-Position").and_then(|value| value.to_str().ok()?.parse().ok());
            let body = response.body_mut().read_to_vec().map_err(|e| unreachable(&url, &e.to_string()))?;
            Ok::<_, Failure>(Answer { status, body, position })
        });
        asked.await.map_err(|e| Failure::new("Interrupted", e.to_string(), "try again"))?
    }
}

/// An answer as it came.
struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Up to where the log is in it.
    position: Option<Position>,
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
