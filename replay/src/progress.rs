//! How far the reading is, for whoever shows it.

/// Is told how far the reading is. A reading calls [`Progress::set_total`] once, then [`Progress::advance`] as it goes,
/// and [`Progress::finish`] at its end; when it fails, it may end without.
pub trait Progress: Send {
    /// So many messages will be read at most.
    fn set_total(&mut self, total: u64);

    /// So many more were read.
    fn advance(&mut self, count: u64);

    /// The reading is over.
    fn finish(&mut self);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn set_total(&mut self, _total: u64) {}

    fn advance(&mut self, _count: u64) {}

    fn finish(&mut self) {}
}
