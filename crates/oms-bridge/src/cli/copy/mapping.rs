//! How keys of SRC become keys in DST.

use std::io;
use std::path::{Path, PathBuf};

use reqwest::Url;
use thiserror::Error;

use crate::cli::places::location::Location;
use object_copy::bulk::KeyMapping;
use object_copy::web_url;

/// Why keys of SRC have no place in DST.
#[derive(Debug, Error)]
pub(super) enum MappingError {
    #[error("{0:?} is not a directory")]
    NotADirectory(PathBuf),
    #[error("{0:?} is not a directory: there is nothing of that name")]
    NoDirectory(PathBuf),
    #[error("{path:?}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{0:?} is a directory: use -r")]
    Directory(PathBuf),
    #[error("{0:?} is not a file with a UTF-8 name")]
    SourceName(PathBuf),
    #[error("{0:?} is not a file name in UTF-8")]
    TargetName(PathBuf),
    #[error("SRC has a user in it, which the list of what failed would show: leave out -r")]
    UserInSource,
    #[error("SRC names a bucket: use -r for all that is in it")]
    BucketAlone,
    /// Of a URL, without what may be secret in it.
    #[error("{0} has no name to keep: name the key in DST")]
    Nameless(String),
}

/// The directory that a local source is read from, and the file in it.
pub(super) fn local_root(from: &Location, recursive: bool) -> Result<(PathBuf, String), MappingError> {
    let Location::Local(path) = from else { return Ok(Default::default()) };
    if recursive {
        if !path.exists() {
            return Err(MappingError::NoDirectory(path.clone()));
        }
        if !path.is_dir() {
            return Err(MappingError::NotADirectory(path.clone()));
        }
        std::fs::read_dir(path).map_err(|source| MappingError::Unreadable { path: path.clone(), source })?;
        return Ok((path.clone(), String::new()));
    }
    if path.is_dir() {
        return Err(MappingError::Directory(path.clone()));
    }
    let file = path.file_name().and_then(|name| name.to_str());
    let file = file.ok_or_else(|| MappingError::SourceName(path.clone()))?;
    let root = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((root.to_owned(), file.to_owned()))
}

/// How keys are renamed, and the directory that a local destination is written below.
pub(super) fn names(
    from: &Location,
    to: &Location,
    file: &str,
    recursive: bool,
) -> Result<(PathBuf, KeyMapping), MappingError> {
    let source = match from {
        Location::Store(place) if recursive => place.folder(),
        Location::Store(place) => place.prefix.clone(),
        Location::S3(place) if recursive => place.folder(),
        Location::S3(place) => place.prefix.clone(),
        Location::Web(url) => url.clone(),
        Location::Local(_) => file.to_owned(),
    };
    if recursive {
        if let Location::Web(url) = from
            && Url::parse(url).is_ok_and(|url| web_url::has_user(&url))
        {
            return Err(MappingError::UserInSource);
        }
        let (root, target) = match to {
            Location::Store(place) => (PathBuf::new(), place.folder()),
            Location::Local(path) if path.exists() && !path.is_dir() => {
                return Err(MappingError::NotADirectory(path.clone()));
            }
            Location::Local(path) => (path.clone(), String::new()),
            Location::S3(_) | Location::Web(_) => Default::default(),
        };
        let source = if matches!(from, Location::Local(_)) { String::new() } else { source };
        return Ok((root, KeyMapping { from: source, to: target }));
    }
    if source.is_empty() {
        return Err(MappingError::BucketAlone);
    }
    let own_name = last_name(&source, from);
    let (root, target) = match to {
        Location::Store(place) if place.prefix.is_empty() || place.prefix.ends_with('/') => {
            (PathBuf::new(), place.prefix.clone() + &own_name?)
        }
        Location::Store(place) => (PathBuf::new(), place.prefix.clone()),
        Location::Local(path) if path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/') => {
            (path.clone(), own_name?)
        }
        Location::Local(path) => local_file(path)?,
        Location::S3(_) | Location::Web(_) => Default::default(),
    };
    Ok((root, KeyMapping { from: source, to: target }))
}

fn local_file(path: &Path) -> Result<(PathBuf, String), MappingError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| MappingError::TargetName(path.to_owned()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((parent.to_owned(), name.to_owned()))
}

/// The name of an object without its folders.
pub(super) fn last_name(key: &str, from: &Location) -> Result<String, MappingError> {
    if let Location::Web(url) = from {
        let name = Url::parse(url).ok().and_then(|url| web_url::name(&url));
        return name.ok_or_else(|| MappingError::Nameless(web_url::shown(url).into()));
    }
    let folder = key.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
    Ok(key[folder..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(from: &str, to: &str, recursive: bool) -> Result<(String, String), String> {
        let (from, to): (Location, Location) = (from.parse()?, to.parse()?);
        let file = match &from {
            Location::Local(path) => path.file_name().unwrap().to_str().unwrap().to_owned(),
            _ => String::new(),
        };
        let mapped = names(&from, &to, &file, recursive).map_err(|error| error.to_string())?;
        Ok((mapped.1.from, mapped.1.to))
    }

    #[test]
    fn one_object_keeps_its_name_in_a_folder_and_takes_a_key_that_is_given() {
        for (from, to, source, target) in [
            ("oss://src/x/a.jpg", "obs://dst", "x/a.jpg", "a.jpg"),
            ("oss://src/x/a.jpg", "obs://dst/y/", "x/a.jpg", "y/a.jpg"),
            ("oss://src/x/a.jpg", "obs://dst/y/b.jpg", "x/a.jpg", "y/b.jpg"),
            ("oss://src/dir/", "obs://dst/y/", "dir/", "y/dir/"),
            ("oss://src//lead", "obs://dst/", "/lead", "lead"),
            ("s3://src/x/a.jpg", "obs://dst/y/", "x/a.jpg", "y/a.jpg"),
            ("https://h/p/big.iso?sig=1#f", "obs://dst/y/", "https://h/p/big.iso?sig=1#f", "y/big.iso"),
            (
                "https://h/%E6%8A%A5%2F%20.pdf",
                "obs://dst/in/",
                "https://h/%E6%8A%A5%2F%20.pdf",
                "in/报%2F .pdf",
            ),
            ("some/file.txt", "oss://dst/y/", "file.txt", "y/file.txt"),
        ] {
            assert_eq!(keys(from, to, false), Ok((source.to_owned(), target.to_owned())), "{from} {to}");
        }
    }

    #[test]
    fn folders_stand_for_what_is_below_them() {
        for (from, to, source, target) in [
            ("oss://src", "obs://dst", "", ""),
            ("oss://src/x", "obs://dst/y", "x/", "y/"),
            ("oss://src/x/", "obs://dst/y/", "x/", "y/"),
            ("oss://src/x", "/data", "x/", ""),
            ("s3://src/x", "obs://dst", "x/", ""),
            ("/data", "oss://src/x", "", "x/"),
        ] {
            assert_eq!(keys(from, to, true), Ok((source.to_owned(), target.to_owned())), "{from} {to}");
        }
    }

    #[test]
    fn what_has_no_name_is_refused() {
        assert!(keys("oss://src", "obs://dst", false).unwrap_err().contains("-r"));
        assert!(keys("https://h/", "obs://dst/", false).unwrap_err().contains("name the key"));
        assert!(
            keys("https://u:secret@h/?a=secret", "obs://dst/", false)
                .is_err_and(|error| !error.contains("secret"))
        );
        assert!(keys("s3://src", "obs://dst", false).unwrap_err().contains("-r"));
    }
}
