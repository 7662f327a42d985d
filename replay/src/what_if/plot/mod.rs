//! The fill levels over time as a drawing: one panel for each pool, and one for the imbalance.
//!
//! What stands where is decided here, as shapes; [`svg`] and [`png`] only put shapes on paper. The histories are told
//! apart by the kind of line and by marks, not by colour alone.

mod png;
mod shape;
mod svg;

use std::io::{self, Write};
use std::path::Path;

use super::series::{Both, Fill, Series};
use super::summary::{PoolEnd, Summary};
use shape::{Anchor, Band, Colour, Shape, Weight};

const WIDTH: f64 = 960.0;
const PANEL: f64 = 190.0;
const PLOT: f64 = 120.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 76.0;

/// About how many marks a line has.
const MARKS: usize = 12;

const GRID: Colour = Colour(0xdd, 0xdd, 0xdd);
const FAINT: Colour = Colour(0x55, 0x55, 0x55);

/// The form of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlotFormat {
    /// Lines that any size can be made of.
    Svg,
    /// Pixels, for what shows nothing else.
    Png,
}

impl PlotFormat {
    /// What the name of a file asks for; `None` for other endings than `.svg` and `.png`.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }
}

/// How one of the lines is drawn.
struct Style {
    name: &'static str,
    colour: Colour,
    dashes: Option<(f64, f64)>,
    marked: bool,
}

const RECORDED: Style = Style { name: "recorded", colour: Colour(0x1f, 0x4e, 0x79), dashes: None, marked: false };
const OTHER: Style = Style { name: "other", colour: Colour(0xc0, 0x50, 0x4d), dashes: Some((7.0, 4.0)), marked: true };

/// One panel's content.
struct Panel {
    title: String,
    unit: &'static str,
    values: Both<Vec<Option<f64>>>,
    /// A line across, with its name.
    level: Option<(f64, &'static str)>,
}

impl Summary {
    /// Writes the drawing, one panel after the other: memory does not grow with their number.
    ///
    /// # Errors
    /// What the writer says.
    pub fn plot(&self, format: PlotFormat, out: &mut dyn Write) -> io::Result<()> {
        let mut panels: Vec<Panel> = self.pools.iter().flat_map(|pool| self.panels(pool)).collect();
        let title = "Imbalance: standard deviation of how full the pools are that are up".to_owned();
        panels.push(Panel { title, unit: "%", values: self.series.imbalance(), level: None });
        let height = panels.iter().fold(TOP, |height, _| height + PANEL);
        let bands = std::iter::once(heading(self)).chain(panels.iter().map(|panel| panel.draw(&self.series)));
        match format {
            PlotFormat::Svg => svg::write((WIDTH, height), bands, out),
            PlotFormat::Png => png::write((WIDTH, height), bands, out),
        }
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

/// The title, and which line is which.
fn heading(summary: &Summary) -> Band {
    let mut band = Band::new(TOP);
    let title = format!("Recorded history and the other one, up to position {}", summary.position);
    band.text((LEFT, 26.0), Anchor::Start, Weight::Title, title);
    let mut x = LEFT;
    for style in [&RECORDED, &OTHER] {
        let end = x + 48.0;
        band.line(vec![vec![(x, 46.0), (end, 46.0)]], style.colour, 2.0, style.dashes);
        if style.marked {
            band.shapes.push(Shape::Mark((x + 24.0, 46.0), style.colour));
        }
        band.text((end + 8.0, 50.0), Anchor::Start, Weight::Plain, style.name.to_owned());
        x += 140.0;
    }
    band
}

impl Panel {
    fn draw(&self, series: &Series) -> Band {
        let mut band = Band::new(PANEL);
        let (left, right, bottom) = (LEFT, WIDTH - RIGHT, 24.0 + PLOT);
        let level = self.level.map_or(0.0, |(level, _)| level);
        let values = || self.values.recorded.iter().chain(&self.values.other).flatten().copied();
        let most = nice(values().fold(level, f64::max));
        let y = |value: f64| bottom - value / most * PLOT;
        band.text((left, 14.0), Anchor::Start, Weight::Bold, self.title.clone());
        for part in 0..=4_u8 {
            let value = most * f64::from(part) / 4.0;
            let at = y(value);
            band.line(vec![vec![(left, at), (right, at)]], GRID, 1.0, None);
            let label = format!("{} {}", number(value), self.unit);
            band.text((left - 6.0, at + 4.0), Anchor::End, Weight::Plain, label);
        }
        if let Some((level, name)) = self.level {
            let at = y(level);
            band.line(vec![vec![(left, at), (right, at)]], FAINT, 1.0, Some((1.0, 3.0)));
            band.text((right - 4.0, at - 4.0), Anchor::End, Weight::Faint, name.to_owned());
        }
        for (style, line) in [(&RECORDED, &self.values.recorded), (&OTHER, &self.values.other)] {
            curve(&mut band, style, line, (left, right), &y);
        }
        let times =
            [(series.start, left, Anchor::Start), (series.points.last().map(|point| point.at), right, Anchor::End)];
        for (time, x, anchor) in times {
            let Some(time) = time else { continue };
            band.text((x, bottom + 16.0), anchor, Weight::Plain, time.to_string());
        }
        let middle = (f64::midpoint(left, right), bottom + 16.0);
        band.text(middle, Anchor::Middle, Weight::Plain, "time (UTC)".to_owned());
        band
    }
}

/// A line in steps, broken where there is no value.
fn curve(band: &mut Band, style: &Style, values: &[Option<f64>], (left, right): (f64, f64), y: &impl Fn(f64) -> f64) {
    let count = values.iter().fold(0.0, |count, _| count + 1.0_f64).max(1.0);
    let step = (right - left) / count;
    let every = (values.len() / MARKS).max(1);
    let (mut parts, mut marks, mut x, mut is_down) = (Vec::<Vec<(f64, f64)>>::new(), Vec::new(), left, false);
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let at = y(*value);
            if !is_down {
                parts.push(Vec::new());
            }
            if let Some(part) = parts.last_mut() {
                // Along the same height it is one line.
                if part.last().is_some_and(|last| last.1 == at) {
                    part.pop();
                } else {
                    part.push((x, at));
                }
                part.push((x + step, at));
            }
            if index % every == every / 2 {
                marks.push((x + step / 2.0, at));
            }
        }
        is_down = value.is_some();
        x += step;
    }
    if !parts.is_empty() {
        band.line(parts, style.colour, 2.0, style.dashes);
    }
    if style.marked {
        band.shapes.extend(marks.into_iter().map(|at| Shape::Mark(at, style.colour)));
    }
}

/// The next number of the form 1, 2, 4 or 5 times a power of ten, so that a quarter of it is short as well.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-3).log10().floor());
    [1.0, 2.0, 4.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|nice| *nice >= value).unwrap_or(value)
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
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
        let mut band = Band::new(PANEL);
        let values = [Some(0.0), Some(0.0), Some(5.0), None, Some(10.0)];
        curve(&mut band, &RECORDED, &values, (0.0, 50.0), &|value| 100.0 - value);
        let parts =
            vec![vec![(0.0, 100.0), (20.0, 100.0), (20.0, 95.0), (30.0, 95.0)], vec![(40.0, 90.0), (50.0, 90.0)]];
        assert_eq!(band.shapes, [Shape::Line { parts, colour: RECORDED.colour, width: 2.0, dashes: None }]);
        let mut band = Band::new(PANEL);
        curve(&mut band, &OTHER, &[Some(1.0); 40], (0.0, 40.0), &|value| value);
        assert!(matches!(&band.shapes[0], Shape::Line { parts, dashes: Some(_), .. } if parts[0].len() == 2));
        assert_eq!(band.shapes.iter().filter(|shape| matches!(shape, Shape::Mark(..))).count(), 13);
    }

    #[test]
    fn the_end_of_a_name_says_the_form() {
        let of = |name: &str| PlotFormat::of(Path::new(name));
        assert_eq!((of("a.svg"), of("b/a.b.png")), (Some(PlotFormat::Svg), Some(PlotFormat::Png)));
        assert_eq!((of("a.gif"), of("png"), of(".svg")), (None, None, None));
    }
}
