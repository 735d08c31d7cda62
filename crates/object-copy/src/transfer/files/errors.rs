//! The meaning of I/O errors.

use std::io;
use std::path::Path;

use super::beneath::ResolveError;
use crate::outcome::FailureClass;
use crate::transfer::error::{Abort, Concern, TransferError};

pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

pub(super) fn broken(path: &Path, error: &io::Error) -> Abort {
    if is_missing(error) { Abort::Gone } else { local(path, error).into() }
}

/// An I/O error says nothing about credentials: a refusal by this machine is permanent.
pub(super) fn local(path: &Path, error: &io::Error) -> TransferError {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::Interrupted => {
            FailureClass::Transient
        }
        _ => FailureClass::Permanent,
    };
    TransferError::new(class, format!("{:?}: {error}", path.display()))
}

/// The same where something is written, which concerns other files too.
pub(super) fn unwritten(path: &Path, error: &io::Error) -> TransferError {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let failed = local(path, error);
    match error.kind() {
        PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull => {
            failed.about(Concern::Directory)
        }
        _ => failed,
    }
}

pub(super) fn unresolved(path: &Path, error: ResolveError) -> TransferError {
    match error {
        ResolveError::Io(error) => unwritten(path, &error),
        ResolveError::Link(link) => TransferError::permanent(format!(
            "{:?}: {:?} is a link, and directories that are links are not followed below DST",
            path.display(),
            link.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_refuses_has_nothing_to_do_with_credentials() {
        for kind in
            [io::ErrorKind::PermissionDenied, io::ErrorKind::InvalidFilename, io::ErrorKind::NotADirectory]
        {
            assert_eq!(local(Path::new("x"), &kind.into()).class, FailureClass::Permanent, "{kind}");
        }
        assert_eq!(local(Path::new("x"), &io::ErrorKind::StorageFull.into()).class, FailureClass::Transient);
    }

    #[test]
    fn a_full_disk_may_have_room_for_another_file_and_a_directory_may_be_one_of_several() {
        use crate::transfer::Extent;
        for (kind, extent) in [
            (io::ErrorKind::StorageFull, Extent::AllForNow),
            (io::ErrorKind::QuotaExceeded, Extent::AllForNow),
            (io::ErrorKind::PermissionDenied, Extent::PerhapsAll),
            (io::ErrorKind::ReadOnlyFilesystem, Extent::PerhapsAll),
            (io::ErrorKind::InvalidFilename, Extent::One),
        ] {
            assert_eq!(unwritten(Path::new("x"), &kind.into()).extent(), extent, "{kind}");
        }
    }
}
