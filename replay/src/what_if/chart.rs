//! Lines of blocks: a figure over time, in a terminal.

use std::io::{self, Write};

use super::series::Both;

/// From nothing to all of the scale.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Writes a figure of both histories over time, one under the other and on one scale: from 0 to `full` or to the
/// largest value, whichever is more. A line has at most 100 columns.
pub(super) fn lines(
    out: &mut dyn Write,
    title: &str,
    values: &Both<Vec<Option<f64>>>,
    full: Option<f64>,
    unit: &str,
    columns: usize,
) -> io::Result<()> {
    let largest = values.recorded.iter().chain(&values.other).flatten().copied().fold(0.0, f64::max);
    let scale = full.unwrap_or(0.0).max(largest);
    let title: String = title.chars().take(97).collect();
    writeln!(out, "  {title}")?;
    for (name, line) in [("recorded", &values.recorded), ("other", &values.other)] {
        let shown = line_of(line, scale, columns);
        let end = line.iter().rev().flatten().next();
        let most = line.iter().flatten().copied().reduce(f64::max);
        let words = match (end, most) {
            (Some(end), Some(most)) => format!("{end:.1} {unit}, at most {most:.1}"),
            _ => "not there".to_owned(),
        };
        writeln!(out, "  {name:<8} |{shown:<columns$}| {words}")?;
    }
    Ok(())
}

/// The values as blocks, over the whole width: of the intervals that share a column the last one counts. A dot where
/// there is no value.
fn line_of(values: &[Option<f64>], scale: f64, columns: usize) -> String {
    let at =
        |column: usize| ((column + 1) * values.len()).div_ceil(columns).checked_sub(1).and_then(|at| values.get(at));
    (0..columns).filter_map(at).map(|value| block(*value, scale)).collect()
}

fn block(value: Option<f64>, scale: f64) -> char {
    let Some(value) = value else { return '·' };
    if scale <= 0.0 || value <= 0.0 {
        return BLOCKS[0];
    }
    // The smallest amount is seen, and only all of the scale is a whole block.
    let share = value / scale * 8.0;
    let step = (1..=8_u8).rev().find(|step| share >= f64::from(*step)).unwrap_or(1);
    BLOCKS[usize::from(step)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_column_counts_and_the_scale_is_from_nothing_to_all() {
        let values: Vec<Option<f64>> = (0..8).map(|value| Some(f64::from(value))).collect();
        assert_eq!(line_of(&values, 8.0, 8), " ▁▂▃▄▅▆▇");
        assert_eq!(line_of(&values, 8.0, 4), "▁▃▅▇");
        assert_eq!(line_of(&[None, Some(0.01), Some(8.0)], 8.0, 6), "··▁▁██");
        assert_eq!(line_of(&[None, Some(0.01), Some(8.0)], 8.0, 5), "·▁▁██");
        assert_eq!(line_of(&[], 1.0, 9), "");
        assert_eq!(line_of(&[Some(0.0)], 0.0, 3), "   ");
    }

    #[test]
    fn a_line_has_at_most_a_hundred_columns() {
        let values = Both { recorded: vec![Some(123_456.0); 500], other: vec![] };
        let mut out = Vec::new();
        lines(&mut out, &"x".repeat(300), &values, Some(200_000.0), "GiB", 56).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.contains("123456.0 GiB, at most 123456.0") && text.contains("not there"), "{text}");
    }
}
