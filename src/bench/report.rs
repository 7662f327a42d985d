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

/// Processor time of one process.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ProcessCpu {
    pub(super) process: String,
    pub(super) us_per_create: f64,
}

/// Of a distribution, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Percentiles {
    pub(super) fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at = |percent: usize| {
            let index = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(index).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
        };
        Self { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

impl BenchReport {
    #[expect(clippy::print_stdout, reason = "the report is the answer")]
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            let text = serde_json::to_string_pretty(self).map_err(|e| Failure::new("Json", e.to_string(), ""))?;
            println!("{text}");
            return Ok(());
        }
        let sync = match self.server_syncs_each_write {
            Some(true) => "sync_interval always",
            Some(false) => "no sync of each write",
            None => "sync unknown",
        };
        println!("nats-server {} ({sync}); {} creates, {} at once", self.server, self.creates, self.concurrency);
        println!("creates to available    {:>10.0} /s", self.creates_per_second);
        let row = |name: &str, p: &Percentiles| {
            println!("{name:<22}  p50 {:>8.2}  p90 {:>8.2}  p99 {:>8.2}  max {:>8.2} ms", p.p50, p.p90, p.p99, p.max);
        };
        row("latency under load", &self.latency_ms);
        row("latency alone", &self.latency_alone_ms);
        for process in &self.cell_cpu {
            println!("cpu {:<18}  {:>10.1} us/create", process.process, process.us_per_create);
        }
        let total: f64 = self.cell_cpu.iter().map(|process| process.us_per_create).sum();
        println!("cpu of the cell         {total:>10.1} us/create");
        println!("cpu of this client      {:>10.1} us/create", self.client_cpu_us_per_create);
        println!("log                     {:>10.0} bytes/create", self.log_bytes_per_create);
        Ok(())
    }
}
