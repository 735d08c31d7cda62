//! What the steps of all objects have in common: both ends, and how objects are copied.

use oss_lite::ObjectMeta;

use super::destination::Destination;
use super::error::Abort;
use super::item::Item;
use super::source::Source;
use super::source_info::{ObjectKind, SourceInfo};
use super::{Context, Options, Symlinks};

/// Copies objects from one source to one destination.
#[derive(Debug)]
pub(super) struct Copier {
    pub(super) source: Source,
    pub(super) destination: Destination,
    pub(super) options: Options,
    pub(super) context: Context,
}

/// The first step of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// There is an object, as far as is known.
    Copy,
    /// There may be none.
    Look,
}

impl Copier {
    /// Adds the CRC-64 of a local file that may have a copy already: computing it is cheaper than sending the
    /// file.
    pub(super) async fn with_checksum(
        &self,
        item: &Item,
        info: SourceInfo,
        existing: Option<&ObjectMeta>,
    ) -> Result<SourceInfo, Abort> {
        match &self.source {
            Source::Directory(directory)
                if info.crc64.is_none()
                    && existing.is_some_and(|existing| Some(existing.size) == info.size()) =>
            {
                Ok(SourceInfo { crc64: directory.crc64(&item.key).await?, ..info })
            }
            _ => Ok(info),
        }
    }

    pub(super) fn leaves_out(&self, info: &SourceInfo) -> bool {
        info.kind == ObjectKind::Symlink && self.options.symlinks == Symlinks::Skip
    }
}
