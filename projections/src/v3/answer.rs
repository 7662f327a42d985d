use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::fault::Fault;

/// What a route answers.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

/// What a route gives.
pub(crate) type Answered = Result<Answer, Fault>;

impl Answer {
    /// JSON with a status. It is written at once, so that it is best done where blocking hurts nobody.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Maps with text keys, texts, numbers: serialising cannot fail.
        Self { status, headers: Vec::new(), body: serde_json::to_vec(body).unwrap_or_default() }
    }

    /// 200 with JSON.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 202 with JSON.
    pub(crate) fn accepted(body: &impl Serialize) -> Self {
        Self::json(StatusCode::ACCEPTED, body)
    }

    /// A status and nothing else.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The same with one header more.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        if self.status != StatusCode::NO_CONTENT {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        response.headers_mut().extend(self.headers);
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let answer = Answer::json(self.status(), &self);
        let retry = self.retry();
        let mut response = answer.into_response();
        if retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("0"));
        }
        response
    }
}
