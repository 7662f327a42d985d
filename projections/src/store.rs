use stele_core::codec::DecodeError;

/// The store cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database reports an error: the disk, or damage.
    #[error("the projection's store does not answer")]
    Database(#[source] Box<redb::Error>),
    /// The database met something in its file that it takes for impossible: damage.
    #[error("the projection's store is not consistent in itself")]
    Inconsistent,
    /// The files in which rows are sorted cannot be written or read.
    #[error("rows could not be sorted in files beside the projection, where as much room again is needed meanwhile")]
    Sorting(#[source] std::io::Error),
    /// Whoever wanted the projection waits for it no longer.
    #[error("the projection is not wanted any more")]
    Abandoned,
    /// A row is not what it should be: damage.
    #[error(transparent)]
    Row(#[from] DecodeError),
}

macro_rules! from_redb {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )+};
}

from_redb!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError,
);
