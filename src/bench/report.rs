//! What a benchmark tells, as a table for people or as JSON for machines.

use std::time::Duration;

use serde::Serialize;

use crate::failure::Failure;

/// The result of `stele bench create`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BenchReport {
    pub(super) server: String,
    pub(super) server_syncs_each_write: Option<bool>,
    pub(super) creates: u32,
    pub(super) concurrency: u32,
    pub(super) creates_per_second: f64,
    pub(super) latency_ms: Percentiles,
    /// One after the other: the latency of an idle cell.
    pub(super) latency_alone_ms: Percentiles,
    pub(super) cell_cpu: Vec<ProcessCpu>,
    pub(super) client_cpu_us_per_create: f64,
    pub(super) log_bytes_per_create: f64,
}

/// The result of `stele bench cinder`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CinderReport {
    pub(super) server: String,
    pub(super) server_syncs_each_write: bool,
    pub(super) concurrency: u32,
    pub(super) creates: u32,
    pub(super) creates_per_second: f64,
    pub(super) create_latency_ms: Percentiles,
    /// How many volumes the cell has while pages are read.
    pub(super) volumes: u32,
    pub(super) page_concurrency: u32,
    pub(super) pages_per_second: f64,
    pub(super) page_latency_ms: Percentiles,
    pub(super) page_bytes: usize,
}

/// The result of `stele bench audit`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AuditReport {
    pub(super) server: String,
    pub(super) messages: u64,
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) phases: Vec<AuditPhase>,
    pub(super) past: PastReport,
}

/// What the past costs, and how fast it answers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PastReport {
    /// How many positions before the last one it was asked.
    pub(super) positions_back: u64,
    /// How many events stand behind that one.
    pub(super) events_back: u64,
    /// The projection's file with nothing but the present.
    pub(super) bytes_without: u64,
    /// The same with the past.
    pub(super) bytes_with: u64,
    /// The newest 100 volumes.
    pub(super) page_now_ms: Percentiles,
    /// The newest 100 volumes of that position.
    pub(super) page_then_ms: Percentiles,
}

/// One way to go through the log.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AuditPhase {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
    /// The rate, as a part of that of only reading it; absent before that is known.
    pub(super) of_reading: Option<f64>,
    /// The most memory of this process meanwhile.
    pub(super) peak_mib: Option<u64>,
}

/// Processor time of one process.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ProcessCpu {
    pub(super) process: String,
    pub(super) us_per_create: f64,
}

/// Of a distribution, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Percentiles {
    pub(crate) fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at = |percent: usize| {
            let index = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(index).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
        };
        Self { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

fn print_json(report: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(|e| Failure::new("Json", e.to_string(), ""))?;
    line(&text);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is the answer")]
fn line(text: &str) {
    println!("{text}");
}

fn percentiles(name: &str, p: &Percentiles) -> String {
    format!("{name:<22}  p50 {:>8.2}  p90 {:>8.2}  p99 {:>8.2}  max {:>8.2} ms", p.p50, p.p90, p.p99, p.max)
}

impl AuditReport {
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            return print_json(self);
        }
        let (messages, events, mib) = (self.messages, self.events, self.bytes >> 20);
        line(&format!("nats-server {}; {messages} messages with {events} events, {mib} MiB", self.server));
        for AuditPhase { name, seconds, of_reading, peak_mib } in &self.phases {
            let rate = |count: u64| count as f64 / seconds;
            let part = of_reading.map_or_else(String::new, |part| format!("{:>4.0} % of reading", part * 100.0));
            let peak = peak_mib.map_or_else(|| "-".to_owned(), |mib| mib.to_string());
            line(&format!(
                "{name:<8} {seconds:>8.2} s  {:>9.0} messages/s  {:>9.0} events/s  {part:17}  {peak:>5} MiB at most",
                rate(messages),
                rate(events),
            ));
        }
        let PastReport { events_back, bytes_without, bytes_with, page_now_ms, page_then_ms, .. } = &self.past;
        line(&format!("projection {} MiB, with its past {} MiB", bytes_without >> 20, bytes_with >> 20));
        line(&percentiles("page of volumes now", page_now_ms));
        line(&percentiles(&format!("{events_back} events ago"), page_then_ms));
        Ok(())
    }
}

impl CinderReport {
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            return print_json(self);
        }
        let sync = if self.server_syncs_each_write { "sync_interval always" } else { "no sync of each write" };
        line(&format!("nats-server {} ({sync}); Cinder's API, no authentication", self.server));
        let (creates, at_once) = (self.creates, self.concurrency);
        line(&format!(
            "creates to available    {:>10.0} /s ({creates} creates, {at_once} at once)",
            self.creates_per_second
        ));
        line(&percentiles("create", &self.create_latency_ms));
        line(&format!(
            "detailed pages of 100   {:>10.0} /s ({} at once, {} volumes, {} bytes each)",
            self.pages_per_second, self.page_concurrency, self.volumes, self.page_bytes
        ));
        line(&percentiles("page", &self.page_latency_ms));
        Ok(())
    }
}

impl BenchReport {
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            return print_json(self);
        }
        let sync = match self.server_syncs_each_write {
            Some(true) => "sync_interval always",
            Some(false) => "no sync of each write",
            None => "sync unknown",
        };
        line(&format!("nats-server {} ({sync}); {} creates, {} at once", self.server, self.creates, self.concurrency));
        line(&format!("creates to available    {:>10.0} /s", self.creates_per_second));
        line(&percentiles("latency under load", &self.latency_ms));
        line(&percentiles("latency alone", &self.latency_alone_ms));
        for process in &self.cell_cpu {
            line(&format!("cpu {:<18}  {:>10.1} us/create", process.process, process.us_per_create));
        }
        let total: f64 = self.cell_cpu.iter().map(|process| process.us_per_create).sum();
        line(&format!("cpu of the cell         {total:>10.1} us/create"));
        line(&format!("cpu of this client      {:>10.1} us/create", self.client_cpu_us_per_create));
        line(&format!("log                     {:>10.0} bytes/create", self.log_bytes_per_create));
        Ok(())
    }
}
