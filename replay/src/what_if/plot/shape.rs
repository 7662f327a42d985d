use std::fmt;

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(pub(super) u8, pub(super) u8, pub(super) u8);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(red, green, blue) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// A place: to the right, and down from the upper edge of the band.
pub(super) type Place = (f64, f64);

/// Which part of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Faint,
    Bold,
    Title,
}

/// What is drawn. Later shapes hide earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Its baseline is at the place.
    Text { at: Place, anchor: Anchor, weight: Weight, text: String },
    /// Lines through places; `dashes` are the lengths of a stroke and of a gap.
    Line { parts: Vec<Vec<Place>>, colour: Colour, width: f64, dashes: Option<(f64, f64)> },
    /// A circle with this edge.
    Mark(Place, Colour),
}

/// How large a mark is.
pub(super) const MARK_RADIUS: f64 = 3.5;

/// A part of a drawing, as wide as all of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Band {
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
}

impl Band {
    pub(super) fn new(height: f64) -> Self {
        Self { height, shapes: Vec::new() }
    }

    pub(super) fn text(&mut self, at: Place, anchor: Anchor, weight: Weight, text: String) {
        self.shapes.push(Shape::Text { at, anchor, weight, text });
    }

    pub(super) fn line(&mut self, parts: Vec<Vec<Place>>, colour: Colour, width: f64, dashes: Option<(f64, f64)>) {
        self.shapes.push(Shape::Line { parts, colour, width, dashes });
    }
}
