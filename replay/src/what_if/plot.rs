//! The fill levels over time as an SVG drawing: one panel for each pool, and one for the imbalance.
//!
//! The histories are told apart by the kind of line and by marks, not by colour alone.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::series::{Both, Fill, Series};
use super::summary::{PoolEnd, Summary};

const WIDTH: f64 = 960.0;
const PANEL: f64 = 190.0;
const PLOT: f64 = 120.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 76.0;

/// About how many marks a line has.
const MARKS: usize = 12;

/// How one of the lines is drawn.
struct Style {
    name: &'static str,
    colour: &'static str,
    dashes: &'static str,
    marked: bool,
}

const RECORDED: Style = Style { name: "recorded", colour: "#1f4e79", dashes: "none", marked: false };
const OTHER: Style = Style { name: "other", colour: "#c0504d", dashes: "7 4", marked: true };

/// One panel's content.
struct Panel {
    title: String,
    unit: &'static str,
    values: Both<Vec<Option<f64>>>,
    /// A line across, with its name.
    level: Option<(f64, &'static str)>,
}

impl Summary {
    /// Writes the drawing.
    ///
    /// # Errors
    /// What the writer says.
    pub fn plot(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut panels: Vec<Panel> = self.pools.iter().flat_map(|pool| self.panels(pool)).collect();
        let title = "Imbalance: standard deviation of how full the pools are that are up".to_owned();
        panels.push(Panel { title, unit: "%", values: self.series.imbalance(), level: None });
        let mut svg = String::new();
        drawing(&mut svg, self, &panels).map_err(io::Error::other)?;
        out.write_all(svg.as_bytes())
    }

    /// What is taken of a pool, and of a thin one what was promised.
    fn panels(&self, pool: &PoolEnd) -> Vec<Panel> {
        let fill = pool.fill.other.or(pool.fill.recorded);
        let of = |what: &str, look: fn(&Fill) -> f64| Panel {
            title: format!("{}: {what} GiB", pool.pool),
            unit: "GiB",
            values: self.series.of(&pool.pool, look),
            level: fill.map(|fill| (fill.total_gib, "total")),
        };
        let mut panels = vec![of("claimed", |fill| fill.claimed_gib)];
        if fill.is_some_and(|fill| fill.thin) {
            panels.push(of("promised", |fill| fill.provisioned_gib));
        }
        panels
    }
}

fn drawing(svg: &mut String, summary: &Summary, panels: &[Panel]) -> std::fmt::Result {
    let height = panels.iter().fold(TOP, |height, _| height + PANEL);
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12" fill="#222">"##
    )?;
    writeln!(svg, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
    writeln!(
        svg,
        r##"<text x="{LEFT}" y="26" font-size="16">Recorded history and the other one, up to position {}</text>"##,
        summary.position
    )?;
    legend(svg)?;
    let mut top = TOP;
    for panel in panels {
        draw(svg, panel, &summary.series, top)?;
        top += PANEL;
    }
    writeln!(svg, "</svg>")
}

fn legend(svg: &mut String) -> std::fmt::Result {
    let mut x = LEFT;
    for style in [&RECORDED, &OTHER] {
        let end = x + 48.0;
        let Style { name, colour, dashes, marked } = style;
        writeln!(svg, r##"<path d="M{x} 46H{end}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>"##)?;
        if *marked {
            writeln!(svg, r##"<circle cx="{}" cy="46" r="3.5" fill="#fff" stroke="{colour}"/>"##, x + 24.0)?;
        }
        writeln!(svg, r##"<text x="{}" y="50">{name}</text>"##, end + 8.0)?;
        x += 140.0;
    }
    Ok(())
}

fn draw(svg: &mut String, panel: &Panel, series: &Series, top: f64) -> std::fmt::Result {
    let (left, right, bottom) = (LEFT, WIDTH - RIGHT, top + 24.0 + PLOT);
    let level = panel.level.map_or(0.0, |(level, _)| level);
    let values = || panel.values.recorded.iter().chain(&panel.values.other).flatten().copied();
    let most = nice(values().fold(level, f64::max));
    let y = |value: f64| bottom - value / most * PLOT;
    writeln!(svg, r##"<text x="{left}" y="{}" font-weight="bold">{}</text>"##, top + 14.0, escaped(&panel.title))?;
    for part in 0..=4_u8 {
        let value = most * f64::from(part) / 4.0;
        let at = y(value);
        writeln!(svg, r##"<path d="M{left} {at:.1}H{right}" stroke="#ddd"/>"##)?;
        writeln!(
            svg,
            r##"<text x="{}" y="{:.1}" text-anchor="end">{} {}</text>"##,
            left - 6.0,
            at + 4.0,
            number(value),
            panel.unit
        )?;
    }
    if let Some((level, name)) = panel.level {
        let at = y(level);
        writeln!(svg, r##"<path d="M{left} {at:.1}H{right}" stroke="#555" stroke-dasharray="1 3"/>"##)?;
        writeln!(
            svg,
            r##"<text x="{}" y="{:.1}" text-anchor="end" fill="#555">{name}</text>"##,
            right - 4.0,
            at - 4.0
        )?;
    }
    for (style, line) in [(&RECORDED, &panel.values.recorded), (&OTHER, &panel.values.other)] {
        curve(svg, style, line, (left, right), &y)?;
    }
    let times = [(series.start, left, "start"), (series.points.last().map(|point| point.at), right, "end")];
    for (time, x, anchor) in times {
        let Some(time) = time else { continue };
        writeln!(svg, r##"<text x="{x}" y="{}" text-anchor="{anchor}">{time}</text>"##, bottom + 16.0)?;
    }
    writeln!(
        svg,
        r##"<text x="{}" y="{}" text-anchor="middle">time (UTC)</text>"##,
        f64::midpoint(left, right),
        bottom + 16.0
    )
}

/// A line in steps, broken where there is no value.
fn curve(
    svg: &mut String,
    style: &Style,
    values: &[Option<f64>],
    (left, right): (f64, f64),
    y: &impl Fn(f64) -> f64,
) -> std::fmt::Result {
    let count = values.iter().fold(0.0, |count, _| count + 1.0_f64).max(1.0);
    let step = (right - left) / count;
    let every = (values.len() / MARKS).max(1);
    let (mut path, mut marks, mut x, mut is_down) = (String::new(), Vec::new(), left, false);
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let at = y(*value);
            let pen = if is_down { format!("V{at:.1}") } else { format!("M{x:.1} {at:.1}") };
            write!(path, "{pen}H{:.1}", x + step)?;
            if index % every == every / 2 {
                marks.push((x + step / 2.0, at));
            }
        }
        is_down = value.is_some();
        x += step;
    }
    let Style { colour, dashes, marked, .. } = style;
    if !path.is_empty() {
        writeln!(
            svg,
            r##"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>"##
        )?;
    }
    for (x, y) in marks.iter().filter(|_| *marked) {
        writeln!(svg, r##"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="#fff" stroke="{colour}"/>"##)?;
    }
    Ok(())
}

/// The next number of the form 1, 2, 4 or 5 times a power of ten, so that a quarter of it is short as well.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-3).log10().floor());
    [1.0, 2.0, 4.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|nice| *nice >= value).unwrap_or(value)
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_short_numbers() {
        let ends = [0.0, 0.7, 3.0, 41.0, 99.0, 100.0, 101.0].map(nice);
        assert_eq!(ends.map(|end| number(end / 4.0)), ["0.00", "0.25", "1", "12.50", "25", "25", "50"]);
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_value() {
        let mut svg = String::new();
        let values = [Some(0.0), Some(5.0), None, Some(10.0)];
        curve(&mut svg, &RECORDED, &values, (0.0, 40.0), &|value| 100.0 - value).unwrap();
        assert!(svg.contains(r#"d="M0.0 100.0H10.0V95.0H20.0M30.0 90.0H40.0""#), "{svg}");
        let mut svg = String::new();
        curve(&mut svg, &OTHER, &[Some(1.0); 40], (0.0, 40.0), &|value| value).unwrap();
        assert!(svg.contains("stroke-dasharray=\"7 4\"") && svg.matches("<circle").count() == 13, "{svg}");
        assert_eq!(escaped("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}
