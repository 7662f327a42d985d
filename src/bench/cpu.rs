//! How much processor time a process has used, as the kernel counts it.

/// The kernel counts in ticks of 10 ms on every Linux that we run on (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of a process and its threads in seconds; 0 when it is gone.
pub(super) fn seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    parse(&stat).unwrap_or(0.0)
}

fn parse(stat: &str) -> Option<f64> {
    // The second field is the name in parentheses and may hold anything; the rest counts from its end.
    let rest = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    Some(f64::from(ticks) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_line_of_the_kernel_is_read() {
        let stat = "77 (a b) c) S 1 77 77 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(super::parse(stat), Some(2.0));
        assert_eq!(super::parse("nonsense"), None);
    }
}
