use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use stele_core::unit::Position;

/// `stele replay what-if`
#[derive(Debug, Args)]
pub struct WhatIf {
    /// Decide by this instead: scheduler.NAME=VALUE, scheduler.weighers.NAME=MULTIPLIER, quota.PROJECT.RESOURCE=N or
    /// quota.default.RESOURCE=N; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// As if this pool, HOST@BACKEND#POOL, had never reported; may be given several times
    #[arg(long, value_name = "POOL")]
    pub without_pool: Vec<String>,
    /// As if there had been this pool from the beginning, or one that there is had had these figures; may be given
    /// several times
    #[arg(long, value_name = "POOL=GIB[,zone=ZONE][,thin][,ratio=R][,reserved=PERCENT][,CAPABILITY=VALUE]")]
    pub with_pool: Vec<String>,
    /// Draw the fill levels over time into this file, as its name ends: .svg or .png
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Decide nothing again: write the commands from --from to --to into this file, for `stele replay play`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["set", "without_pool", "with_pool", "plot"])]
    pub workload: Option<PathBuf>,
    /// The first position of a workload
    #[arg(long, default_value = "1", value_name = "POS", requires = "workload")]
    pub from: Position,
    /// The last position [default: the end of the log]
    #[arg(long, value_name = "POS")]
    pub to: Option<Position>,
}

/// `stele replay play`
#[derive(Debug, Args)]
pub struct Play {
    /// The workload: of `stele replay what-if --workload`, or of another tool that writes the format
    #[arg(value_name = "WORKLOAD")]
    pub path: PathBuf,
    /// So many times as fast as it was, or `max`: without waiting
    #[arg(long, default_value = "1", value_name = "X")]
    pub speed: Speed,
    /// The most commands under way at once
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub concurrency: u32,
    /// Give everything that is made a new id, so that the file can be played into the same cell again
    #[arg(long)]
    pub new_ids: bool,
    /// Play into a cell that is not empty
    #[arg(long)]
    pub force: bool,
}

/// How fast a workload is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was.
    Times(f64),
    /// Without waiting.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text.parse::<f64>().ok().filter(|times| times.is_finite() && *times > 0.0);
        times.map(Self::Times).ok_or_else(|| "a number above 0, or max".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_above_nothing_or_max() {
        let read = |text: &str| text.parse::<Speed>().ok();
        assert_eq!((read("max"), read("0.5")), (Some(Speed::Max), Some(Speed::Times(0.5))));
        assert_eq!(["0", "-1", "inf", "NaN", "fast", ""].map(read), [None; 6]);
    }
}
