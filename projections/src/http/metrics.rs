use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use stele_core::moment::Moment;
use stele_core::port::Log;

use super::answer::ask;
use super::state::ApiState;

/// The answers so far, by route and status. Routes are few: paths that match none count as one.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    answers: Arc<Mutex<BTreeMap<(String, u16), u64>>>,
}

impl Counters {
    pub(super) fn count(&self, route: &str, status: StatusCode) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((route.to_owned(), status.as_u16())).or_default() += 1;
    }

    fn all(&self) -> BTreeMap<(String, u16), u64> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Everything in the text format of Prometheus.
pub(super) async fn metrics<L: Log>(State(state): State<ApiState<L>>) -> Response {
    let stored = ask(&state, Moment::Head, |snapshot, _| Ok((*snapshot.cursor(), snapshot.row_counts()?)));
    let (cursor, rows) = match stored.await {
        Ok(answer) => answer.into_body(),
        Err(error) => return error.into_response(),
    };
    let (target, lag) = {
        let progress = state.progress.borrow();
        (progress.target, progress.current_at.map(|at| at.elapsed().as_secs_f64()))
    };
    let mut text = String::new();
    let help = "Position of the last record applied.";
    single(&mut text, "stele_projection_position", "gauge", help, cursor.chain.position);
    let help = "Position of the last message of the stream that was looked at.";
    single(&mut text, "stele_projection_seen_position", "gauge", help, cursor.seen);
    if let Some(target) = target {
        let help = "Tail of the log when following began.";
        single(&mut text, "stele_projection_target_position", "gauge", help, target);
    }
    let help = "Messages of the log's stream that were no records.";
    single(&mut text, "stele_projection_strays_total", "counter", help, cursor.strays);
    if let Some(lag) = lag {
        let help = "Seconds since the projection last knew that nothing newer was waiting.";
        single(&mut text, "stele_projection_lag_seconds", "gauge", help, format!("{lag:.3}"));
    }
    head(&mut text, "stele_projection_rows", "gauge", "Rows by table.");
    for (table, count) in rows {
        line(&mut text, &format!("stele_projection_rows{{table=\"{table}\"}} {count}"));
    }
    head(&mut text, "stele_http_requests_total", "counter", "Requests answered, by route and status.");
    for ((route, status), count) in state.counters.all() {
        line(&mut text, &format!("stele_http_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}"));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn single(text: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    head(text, name, kind, help);
    line(text, &format!("{name} {value}"));
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    line(text, &format!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(text: &mut String, line: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{line}");
}
