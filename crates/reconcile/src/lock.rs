//! One run at a time writes a file.

use std::fs::{File, TryLockError};
use std::io;

/// Locks a file until it is closed.
///
/// # Errors
///
/// When another run has locked it.
pub(crate) fn exclusive(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, "another run is using it"))
        }
        // Some file systems of networks have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
