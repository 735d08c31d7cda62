//! Files that a command writes besides its result: whether they lie in what it reads, copies or compares.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether `file` lies below the directory `folder`, by its name or as what that leads to.
pub(in crate::cli) fn is_below(file: &Path, folder: &Path) -> bool {
    fs::canonicalize(folder).is_ok_and(|folder| places(file).iter().any(|place| place.starts_with(&folder)))
}

/// Whether both names lead to the same file.
pub(in crate::cli) fn is_same(one: &Path, other: &Path) -> bool {
    let others = places(other);
    places(one).iter().any(|place| others.contains(place))
}

/// Where a file is: its name, and what that leads to as a link.
fn places(path: &Path) -> Vec<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = fs::canonicalize(parent).ok().zip(path.file_name()).map(|(parent, name)| parent.join(name));
    fs::canonicalize(path).into_iter().chain(named).collect()
}
