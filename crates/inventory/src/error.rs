//! Why an inventory cannot be read.

use std::io;
use std::path::PathBuf;

use object_copy::transfer::TransferError;

/// Why an inventory cannot be read. Nothing is concluded from one that fails: no row is handed out before all
/// files were read and checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no inventory at this address, or none that can be read there.
    ///
    /// User action: what the message says; mostly, name another address.
    #[error("{address}: {why}")]
    Address {
        /// The address, as messages show it.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The manifest is not one, or of a kind that is not read.
    ///
    /// User action: what the message says; or have the service write another inventory.
    #[error("{manifest}: {why}")]
    Manifest {
        /// Address of the manifest.
        manifest: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file of the inventory is missing, or not as the manifest describes it.
    ///
    /// User action: have the service write another inventory, or take an earlier one.
    #[error("{file}: {why}")]
    File {
        /// Address of the file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A row cannot be read.
    ///
    /// User action: what the message says; a wrong key encoding can be set.
    #[error("{file}, line {line}: {why}")]
    Row {
        /// Address of the file.
        file: String,
        /// Line that the row begins on, counted from 1, without compression.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A bucket or a file cannot be read.
    #[error("{address}: {error}")]
    Read {
        /// Address of the object.
        address: String,
        /// What went wrong.
        #[source]
        error: TransferError,
    },
    /// The rows cannot be sorted on this machine.
    ///
    /// User action: make room in the folder, or name another one.
    #[error("cannot sort the inventory in {}: {error}{}", folder.display(), room(error))]
    Sort {
        /// The folder of the temporary file.
        folder: PathBuf,
        /// What went wrong.
        #[source]
        error: io::Error,
    },
    /// The thread that reads or sorts ended early.
    #[error("reading the inventory was interrupted")]
    Interrupted,
}

impl Error {
    /// The failed request or read, where that is the reason.
    pub fn transfer(&self) -> Option<&TransferError> {
        match self {
            Self::Read { error, .. } => Some(error),
            _ => None,
        }
    }
}

fn room(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ": make room there, or name another folder in TMPDIR"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_names_the_folder_and_the_way_out() {
        let error = io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::Sort { folder: "/var/tmp".into(), error };
        let message = error.to_string();
        assert!(message.starts_with("cannot sort the inventory in /var/tmp: "), "{message}");
        assert!(message.ends_with("name another folder in TMPDIR"), "{message}");
        let other =
            Error::Sort { folder: "/x".into(), error: io::Error::from(io::ErrorKind::PermissionDenied) };
        assert!(!other.to_string().contains("make room"), "{other}");
    }
}
