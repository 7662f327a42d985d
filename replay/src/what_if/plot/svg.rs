//! Shapes as SVG.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::shape::{Anchor, Band, MARK_RADIUS, Place, Shape, Weight};

pub(super) fn write(
    (width, height): (f64, f64),
    bands: impl Iterator<Item = Band>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="12" fill="#222">"##
    )?;
    writeln!(out, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
    let mut top = 0.0;
    for band in bands {
        for shape in &band.shapes {
            writeln!(out, "{}", element(shape, top))?;
        }
        top += band.height;
    }
    writeln!(out, "</svg>")
}

fn element(shape: &Shape, top: f64) -> String {
    match shape {
        Shape::Text { at: (x, y), anchor, weight, text } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => r#" text-anchor="middle""#,
                Anchor::End => r#" text-anchor="end""#,
            };
            let weight = match weight {
                Weight::Plain => "",
                Weight::Faint => r##" fill="#555""##,
                Weight::Bold => r#" font-weight="bold""#,
                Weight::Title => r#" font-size="16""#,
            };
            format!(r#"<text x="{}" y="{}"{anchor}{weight}>{}</text>"#, short(*x), short(top + y), escaped(text))
        }
        Shape::Line { parts, colour, width, dashes } => {
            let path: String = parts.iter().map(|part| path(part, top)).collect();
            let width = if *width == 1.0 { String::new() } else { format!(r#" stroke-width="{}""#, short(*width)) };
            let dashes = dashes.map(|(on, off)| format!(r#" stroke-dasharray="{} {}""#, short(on), short(off)));
            format!(r#"<path d="{path}" fill="none" stroke="{colour}"{width}{}/>"#, dashes.unwrap_or_default())
        }
        Shape::Mark((x, y), colour) => {
            let (x, y) = (short(*x), short(top + y));
            format!(r##"<circle cx="{x}" cy="{y}" r="{MARK_RADIUS}" fill="#fff" stroke="{colour}"/>"##)
        }
    }
}

fn path(part: &[Place], top: f64) -> String {
    let mut path = String::new();
    let mut last: Option<Place> = None;
    for (x, y) in part.iter().copied() {
        let (to_x, to_y) = (short(x), short(top + y));
        // Writing to a string cannot fail.
        let _ = match last {
            None => write!(path, "M{to_x} {to_y}"),
            Some((_, before)) if before == y => write!(path, "H{to_x}"),
            Some((before, _)) if before == x => write!(path, "V{to_y}"),
            Some(_) => write!(path, "L{to_x} {to_y}"),
        };
        last = Some((x, y));
    }
    path
}

/// A tenth is as fine as can be seen.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::shape::Colour;
    use super::*;

    #[test]
    fn each_shape_is_one_element() {
        let mut band = Band::new(10.0);
        band.text((1.0, 2.04), Anchor::End, Weight::Bold, "a<b>&c".to_owned());
        band.line(vec![vec![(0.0, 1.0), (5.0, 1.0), (5.0, 2.5), (6.0, 3.0)]], Colour(1, 2, 255), 2.0, Some((7.0, 4.0)));
        band.shapes.push(Shape::Mark((3.0, 4.0), Colour(0, 0, 0)));
        let elements: Vec<String> = band.shapes.iter().map(|shape| element(shape, 100.0)).collect();
        assert_eq!(
            elements,
            [
                r#"<text x="1" y="102" text-anchor="end" font-weight="bold">a&lt;b&gt;&amp;c</text>"#,
                r##"<path d="M0 101H5V102.5L6 103" fill="none" stroke="#0102ff" stroke-width="2" stroke-dasharray="7 4"/>"##,
                r##"<circle cx="3" cy="104" r="3.5" fill="#fff" stroke="#000000"/>"##,
            ]
        );
    }
}
