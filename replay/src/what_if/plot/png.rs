//! Shapes as pixels, two for each unit of the drawing, written band by band.

use std::convert::Infallible;
use std::io::{self, Write};

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::{FONT_9X18_BOLD, FONT_10X20};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Circle, Line, PrimitiveStyle, PrimitiveStyleBuilder};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use png::{BitDepth, ColorType, Encoder};

use super::shape::{Anchor, Band, Colour, MARK_RADIUS, Place, Shape, Weight};

/// Pixels for each unit.
const SCALE: f64 = 2.0;

/// The height of an image that programs still open. A drawing that is higher is refused rather than cut.
const HEIGHT_MAX: u32 = 1 << 20;

const PAPER: Rgb888 = Rgb888::WHITE;
const INK: Rgb888 = Rgb888::new(0x22, 0x22, 0x22);
const FAINT: Rgb888 = Rgb888::new(0x55, 0x55, 0x55);

pub(super) fn write(
    (width, height): (f64, f64),
    bands: impl Iterator<Item = Band>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (width, height) = (pixels(width).unsigned_abs(), pixels(height).unsigned_abs());
    if height > HEIGHT_MAX {
        return Err(io::Error::other("it has more panels than an image can hold: draw it as .svg"));
    }
    let mut encoder = Encoder::new(out, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let mut image = encoder.write_header()?;
    let mut rows = image.stream_writer()?;
    for band in bands {
        let mut canvas = Canvas::new(width, pixels(band.height).unsigned_abs());
        band.shapes.iter().for_each(|shape| canvas.put(shape));
        rows.write_all(&canvas.bytes)?;
    }
    rows.finish()?;
    image.finish()?;
    Ok(())
}

/// A number of pixels, to the nearest.
#[expect(clippy::cast_possible_truncation, reason = "a drawing has some thousands of units, and rounding is meant")]
fn pixels(units: f64) -> i32 {
    (units * SCALE).round() as i32
}

fn point((x, y): Place) -> Point {
    Point::new(pixels(x), pixels(y))
}

impl From<Colour> for Rgb888 {
    fn from(Colour(red, green, blue): Colour) -> Self {
        Self::new(red, green, blue)
    }
}

/// The pixels of one band.
struct Canvas {
    size: Size,
    bytes: Vec<u8>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        let count = width as usize * height as usize;
        Self { size: Size::new(width, height), bytes: [PAPER.r(), PAPER.g(), PAPER.b()].repeat(count) }
    }

    fn put(&mut self, shape: &Shape) {
        match shape {
            Shape::Text { at, anchor, weight, text } => self.write(*at, *anchor, *weight, text),
            Shape::Line { parts, colour, width, dashes } => {
                let style = PrimitiveStyle::with_stroke((*colour).into(), pixels(*width).unsigned_abs());
                for part in parts {
                    for (from, to) in strokes(part, *dashes) {
                        never(Line::new(point(from), point(to)).into_styled(style).draw(self));
                    }
                }
            }
            Shape::Mark(at, colour) => {
                let style = PrimitiveStyleBuilder::new()
                    .fill_color(PAPER)
                    .stroke_color((*colour).into())
                    .stroke_width(pixels(1.0).unsigned_abs())
                    .build();
                let circle = Circle::with_center(point(*at), pixels(2.0 * MARK_RADIUS).unsigned_abs());
                never(circle.into_styled(style).draw(self));
            }
        }
    }

    fn write(&mut self, at: Place, anchor: Anchor, weight: Weight, text: &str) {
        let (font, colour) = match weight {
            Weight::Plain | Weight::Title => (&FONT_10X20, INK),
            Weight::Faint => (&FONT_10X20, FAINT),
            Weight::Bold => (&FONT_9X18_BOLD, INK),
        };
        let alignment = match anchor {
            Anchor::Start => Alignment::Left,
            Anchor::Middle => Alignment::Center,
            Anchor::End => Alignment::Right,
        };
        let placed = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Alphabetic).build();
        never(Text::with_text_style(text, point(at), MonoTextStyle::new(font, colour), placed).draw(self).map(drop));
    }
}

/// Drawing into memory cannot fail.
fn never(drawn: Result<(), Infallible>) {
    let Ok(()) = drawn;
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, drawn: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in drawn {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
            if x < self.size.width && y < self.size.height {
                let start = (y as usize * self.size.width as usize + x as usize) * 3;
                self.bytes[start..start + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

/// The strokes of a line: all of it, or its dashes, which go on around corners.
fn strokes(part: &[Place], dashes: Option<(f64, f64)>) -> Vec<(Place, Place)> {
    let Some((on, off)) = dashes else { return part.windows(2).map(|two| (two[0], two[1])).collect() };
    let (mut strokes, mut is_on, mut left) = (Vec::new(), true, on);
    for two in part.windows(2) {
        let (mut from, to) = (two[0], two[1]);
        loop {
            let (x, y) = (to.0 - from.0, to.1 - from.1);
            let length = x.hypot(y);
            let end = if length > left { (from.0 + x * left / length, from.1 + y * left / length) } else { to };
            if is_on {
                strokes.push((from, end));
            }
            if length <= left {
                left -= length;
                break;
            }
            (from, is_on) = (end, !is_on);
            left = if is_on { on } else { off };
        }
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_around_corners() {
        let part = [(0.0, 0.0), (10.0, 0.0), (10.0, 5.0)];
        assert_eq!(strokes(&part, None), [(part[0], part[1]), (part[1], part[2])]);
        let dashed = [((0.0, 0.0), (7.0, 0.0)), ((10.0, 1.0), (10.0, 5.0))];
        assert_eq!(strokes(&part, Some((7.0, 4.0))), dashed);
    }

    /// What is drawn, read back by the same library: as large as it was meant, with each shape where it belongs.
    #[test]
    fn bands_become_one_image() {
        let band = |colour| {
            let mut band = Band::new(10.0);
            band.line(vec![vec![(0.0, 5.0), (20.0, 5.0)]], colour, 1.0, None);
            band.shapes.push(Shape::Mark((15.0, 5.0), colour));
            band
        };
        let mut bytes = Vec::new();
        let bands = [band(Colour(9, 8, 7)), band(Colour(200, 0, 0)), Band::new(3.0)];
        write((20.0, 23.0), bands.into_iter(), &mut bytes).unwrap();
        let mut image = png::Decoder::new(io::Cursor::new(&bytes)).read_info().unwrap();
        assert_eq!((image.info().width, image.info().height), (40, 46));
        let mut rows = vec![0; image.output_buffer_size().unwrap()];
        image.next_frame(&mut rows).unwrap();
        let at = |x: usize, y: usize| rows[(y * 40 + x) * 3..][..3].to_vec();
        for (top, colour) in [(0, [9, 8, 7]), (20, [200, 0, 0])] {
            assert_eq!(
                (at(2, top + 10), at(2, top + 6), at(30, top + 10)),
                (colour.to_vec(), vec![255; 3], vec![255; 3])
            );
            assert_eq!(at(30, top + 4), colour, "the mark's edge");
        }
        assert_eq!(at(39, 45), [255; 3]);
        let high = write((1.0, 1e6), std::iter::empty(), &mut Vec::new()).unwrap_err();
        assert!(high.to_string().contains(".svg"), "{high}");
    }

    #[test]
    fn texts_stand_before_or_behind_their_place() {
        for (anchor, dark) in
            [(Anchor::Start, [false, true]), (Anchor::End, [true, false]), (Anchor::Middle, [true; 2])]
        {
            let mut canvas = Canvas::new(200, 40);
            canvas.put(&Shape::Text { at: (50.0, 15.0), anchor, weight: Weight::Plain, text: "HHHH".to_owned() });
            let row = 25 * 200 * 3;
            let halves = [&canvas.bytes[row..row + 300], &canvas.bytes[row + 300..row + 600]];
            assert_eq!(halves.map(|half| half.iter().any(|byte| *byte < 128)), dark, "{anchor:?}");
        }
    }
}
