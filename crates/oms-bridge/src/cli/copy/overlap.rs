//! Whether DST lies inside SRC. Copies there would be copied as well, and those again: it is refused,
//! whatever a filter lets through.
//!
//! Places are compared by what they are, not by how they are written: buckets by service and name, files and
//! directories by where all links lead.
//!
//! Nothing tells whether two hosts are one service (`localhost` and an address, a domain of one's own). Where
//! scheme and name of the bucket are the same at two such hosts, what is listed in DST is left out
//! ([`may_lie_inside`]): so the run ends, also where they are one.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use oss_lite::Endpoint;
use thiserror::Error;

use crate::cli::places::location::Location;
use object_copy::bulk::KeyMapping;
use settings::location::is_same_service;

/// How SRC and DST lie to each other, so that nothing is copied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Overlap {
    #[error("SRC and DST are the same")]
    Same,
    #[error("DST lies inside SRC ({to} in {from}): the copies would be copied, too")]
    Inside { to: String, from: String },
}

impl Overlap {
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Same => "name another DST",
            Self::Inside { .. } => "name a DST beside SRC, or copy folder by folder",
        }
    }

    fn inside(to: &str, from: &str) -> Self {
        let from = if from.is_empty() { "the whole bucket" } else { from };
        Self::Inside { to: to.to_owned(), from: from.to_owned() }
    }
}

/// A bucket, and where its service listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct BucketLocation<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) bucket: &'a str,
}

/// Refuses copies within one bucket that would be sources themselves.
pub(super) fn of_buckets(
    from: BucketLocation<'_>,
    to: BucketLocation<'_>,
    names: &KeyMapping,
    recursive: bool,
) -> Result<(), Overlap> {
    let same_bucket = from.bucket == to.bucket && is_same_service(from.endpoint, to.endpoint);
    if same_bucket { of_names(names, recursive) } else { Ok(()) }
}

/// Whether DST lies inside SRC if both hosts are one service. Where it is SRC itself, copies would be no
/// further sources.
pub(super) fn may_lie_inside(from: &Location, to: &Location, names: &KeyMapping) -> bool {
    let (Location::Store(from), Location::Store(to)) = (from, to) else { return false };
    let same_name = from.dialect == to.dialect && from.bucket == to.bucket;
    same_name && names.from != names.to && names.to.starts_with(&names.from)
}

/// Why an object in such a DST is left out.
pub(super) const PERHAPS_A_COPY: &str = "it lies in DST, which may be in SRC: both are of one scheme and bucket, at hosts that may be one service";

fn of_names(KeyMapping { from, to }: &KeyMapping, recursive: bool) -> Result<(), Overlap> {
    if from == to {
        return Err(Overlap::Same);
    }
    if recursive && to.starts_with(from.as_str()) { Err(Overlap::inside(to, from)) } else { Ok(()) }
}

/// Refuses copies of a directory into itself, and of a file onto itself. `to` need not be there.
pub(super) fn of_paths(from: &Path, to: &Path, recursive: bool) -> Result<(), Overlap> {
    let (Some(from), Some(to)) = (real(from), real(to)) else { return Ok(()) };
    if from == to || (!recursive && is_same_file(&from, &to)) {
        return Err(Overlap::Same);
    }
    if recursive && to.starts_with(&from) {
        return Err(Overlap::inside(&to.display().to_string(), &from.display().to_string()));
    }
    Ok(())
}

/// By another name, as hard links are.
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    id(one).is_some() && id(one) == id(other)
}

/// Where a path leads: links are resolved as far as it is there, and the rest stands as it is written.
fn real(path: &Path) -> Option<PathBuf> {
    let mut there = std::path::absolute(path).ok()?;
    let mut rest: Vec<OsString> = Vec::new();
    let mut real = loop {
        if let Ok(found) = std::fs::canonicalize(&there) {
            break found;
        }
        rest.push(there.components().next_back()?.as_os_str().to_owned());
        there.pop();
    };
    for part in rest.iter().rev() {
        match Path::new(part).components().next() {
            Some(Component::ParentDir) => {
                real.pop();
            }
            _ => real.push(part),
        }
    }
    Some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(from: &str, to: &str) -> KeyMapping {
        KeyMapping { from: from.into(), to: to.into() }
    }

    #[test]
    fn one_bucket_holds_both_only_beside_each_other() {
        let (hangzhou, elsewhere): (Endpoint, Endpoint) = (
            "oss-cn-hangzhou.aliyuncs.com".parse().unwrap(),
            "oss-cn-hangzhou-internal.aliyuncs.com".parse().unwrap(),
        );
        let own: Endpoint = "http://127.0.0.1:9000".parse().unwrap();
        let at = |endpoint, bucket| BucketLocation { endpoint, bucket };
        for (from, to, recursive, refused) in [
            ("m/", "m/copy/", true, true),
            ("m/", "m/", true, true),
            ("", "copy/", true, true),
            ("", "", true, true),
            ("m/copy/", "m/", true, false),
            ("m/", "m2/", true, false),
            ("m", "m", false, true),
            ("m", "m/copy", false, false),
        ] {
            let (one, other) = (at(&hangzhou, "src"), at(&elsewhere, "src"));
            let found = of_buckets(one, other, &names(from, to), recursive);
            assert_eq!(found.is_err(), refused, "{from} {to} {recursive}");
            assert!(of_buckets(one, at(&elsewhere, "dst"), &names(from, to), recursive).is_ok());
            assert!(of_buckets(one, at(&own, "src"), &names(from, to), recursive).is_ok());
        }
    }

    #[test]
    fn paths_are_compared_by_where_they_lead() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("src/a")).unwrap();
        std::fs::write(path("src/f"), "f").unwrap();
        std::fs::hard_link(path("src/f"), path("g")).unwrap();
        std::os::unix::fs::symlink(path("src/a"), path("link")).unwrap();
        for (from, to, recursive, refused) in [
            ("src", "src/copy", true, true),
            ("src", "src/a/new/deep", true, true),
            ("src", "link/copy", true, true),
            ("link", "src/a", true, true),
            ("src", "new/../src/copy", true, true),
            ("src", "src2", true, false),
            ("src/a", "src", true, false),
            ("src/f", "src/f", false, true),
            ("src/f", "g", false, true),
            ("src/f", "src/h", false, false),
        ] {
            let found = of_paths(&path(from), &path(to), recursive);
            assert_eq!(found.is_err(), refused, "{from} {to} {recursive}");
        }
    }
}
