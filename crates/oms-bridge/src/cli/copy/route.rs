//! What SRC and DST mean.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use oss_lite::{Bucket, Endpoint};
use reqwest::Url;

use super::overlap::{self, At};
use super::services::{Clients, End, Services};
use super::{CopyArgs, LinkChoice};
use object_copy::bulk::KeyMapping;
use object_copy::transfer::{Destination, Directory, Links, ServerSideCopy, Source, Web};
use object_copy::web_url;
use settings::lenient;
use settings::location::{Place, S3Place};
use settings::{Invalid, Reader};

/// An end as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Store(Place),
    S3(S3Place),
    Web(String),
    Local(PathBuf),
}

impl FromStr for Location {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let unknown = |scheme| {
            Invalid::new(format_args!("{scheme}:// is not known"))
                .with_remedy("use oss://, obs://, s3://, https:// or a local path")
        };
        match (lenient::parts(text), text.split_once("://")) {
            (Some(("oss" | "obs", ..)), _) => lenient::place(text).map(Self::Store),
            (Some((scheme @ ("s3" | "https" | "http"), rest, false)), _) => {
                let meant = lenient::shown_url(&format!("{scheme}://{rest}"));
                Err(Invalid::new(format_args!("{:?}", lenient::shown_url(text))).probably(&meant))
            }
            (Some(("s3", rest, true)), _) => Ok(Self::S3(S3Place::parse(rest))),
            (Some((scheme @ ("https" | "http"), rest, true)), _) => {
                let url = format!("{scheme}://{rest}");
                if web_url::may_split_password(&url) {
                    Err(Invalid::new(web_url::SPLIT))
                } else {
                    Ok(Self::Web(url))
                }
            }
            (Some((other, ..)), _) | (None, Some((other, _))) => Err(unknown(other)),
            (None, None) if text.is_empty() => Err(Invalid::new("an empty path")),
            (None, None) => local(text),
        }
    }
}

/// A path of this machine. One that begins as an address is a slip, unless it is there.
fn local(text: &str) -> Result<Location, Invalid> {
    let path = PathBuf::from(text);
    match lenient::meant(text) {
        Some(address) if path.symlink_metadata().is_err() => {
            let (address, text) = (lenient::shown_url(&address), lenient::shown_url(text));
            let (path, what) = (format!("./{text}"), Invalid::new(format_args!("{text:?}")));
            Err(what
                .with_remedy(format_args!("probably {address:?} is meant; for a local path write {path:?}")))
        }
        _ => Ok(Location::Local(path)),
    }
}

/// Both ends, ready to use.
pub(super) struct Ends {
    pub(super) source: Source,
    pub(super) destination: Destination,
    /// The destination, where it can be listed.
    pub(super) destination_bucket: Option<Bucket>,
    pub(super) names: KeyMapping,
    /// What keys in DST begin with, where DST may lie inside SRC.
    pub(super) perhaps_inside: Option<String>,
    /// The directory to copy to.
    pub(super) written: Option<PathBuf>,
    pub(super) server_side: ServerSideCopy,
}

impl Ends {
    pub(super) fn new(
        from: &Location,
        to: &Location,
        args: &CopyArgs,
        services: Services,
        own_endpoint: Option<Endpoint>,
        http: &reqwest::Client,
    ) -> Result<Self, String> {
        if from == to {
            return Err(overlap::SAME.to_owned());
        }
        let clients = Clients::new(http);
        let from_s3 = services.s3;
        let from_service = services.source.map(|end| clients.open(end)).transpose()?;
        let to_service = services.destination.map(|end| clients.open(end)).transpose()?;
        let server_side = match (&from_service, &to_service) {
            (Some(one), Some(other)) if one.reaches(other) => ServerSideCopy::Yes,
            _ => ServerSideCopy::No,
        };
        let (root, file) = local_root(from, args.recursive)?;
        let (target_root, names) = names(from, to, &file, args.recursive)?;
        match (from, to) {
            (Location::Local(from), Location::Local(_)) if args.recursive => {
                overlap::of_paths(from, &target_root, true)?;
            }
            (Location::Local(from), Location::Local(_)) => {
                overlap::of_paths(from, &target_root.join(&names.to), false)?;
            }
            _ => {}
        }
        let own_endpoint =
            own_endpoint.or_else(|| from_service.as_ref().map(|service| service.endpoint.clone()));
        if let (Some(bucket), Some(endpoint)) = (from.bucket(), &own_endpoint)
            && let (Location::Store(place), Some(service)) = (to, &to_service)
        {
            let there = At { endpoint: &service.endpoint, bucket: place.bucket.as_str() };
            overlap::of_buckets(At { endpoint, bucket }, there, &names, args.recursive)?;
        }
        let perhaps_inside = args.recursive && overlap::may_lie_inside(from, to, &names);
        let perhaps_inside = perhaps_inside.then(|| names.to.clone());
        let source = match (from, from_service, from_s3) {
            (_, _, Some(s3)) => s3,
            (Location::Store(place), Some(service), _) => Source::Store(service.bucket(place)),
            (Location::Web(_), ..) => Source::Web(Web::new(http.clone())),
            _ => Source::Directory(Directory::new(&root).following(links(args))),
        };
        let (destination, destination_bucket, written) = match (to, to_service) {
            (Location::Store(place), Some(service)) => {
                let bucket = service.bucket(place);
                (Destination::store(bucket.clone()), Some(bucket), None)
            }
            _ => (Destination::Directory(Directory::new(target_root.clone())), None, Some(target_root)),
        };
        Ok(Self { source, destination, destination_bucket, names, perhaps_inside, written, server_side })
    }
}

impl Location {
    /// The bucket, of what is in one.
    fn bucket(&self) -> Option<&str> {
        match self {
            Self::Store(place) => Some(place.bucket.as_str()),
            Self::S3(place) => Some(&place.bucket),
            Self::Web(_) | Self::Local(_) => None,
        }
    }
}

/// Which links of a directory are followed. A file that is named by a link is named, wherever that leads.
fn links(args: &CopyArgs) -> Links {
    match (args.links, args.recursive) {
        (LinkChoice::Skip, _) => Links::Skip,
        (LinkChoice::Within, true) => Links::Within,
        (LinkChoice::Within, false) | (LinkChoice::Follow, _) => Links::Follow,
    }
}

/// The directory that a local source is read from, and the file in it.
fn local_root(from: &Location, recursive: bool) -> Result<(PathBuf, String), String> {
    let Location::Local(path) = from else { return Ok(Default::default()) };
    if recursive {
        if !path.is_dir() {
            return Err(format!("{} is not a directory", path.display()));
        }
        std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok((path.clone(), String::new()));
    }
    if path.is_dir() {
        return Err(format!("{} is a directory: use -r", path.display()));
    }
    let file = path.file_name().and_then(|name| name.to_str());
    let file = file.ok_or_else(|| format!("{} is not a file with a UTF-8 name", path.display()))?;
    let root = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((root.to_owned(), file.to_owned()))
}

/// How keys are renamed, and the directory that a local destination is written below.
fn names(
    from: &Location,
    to: &Location,
    file: &str,
    recursive: bool,
) -> Result<(PathBuf, KeyMapping), String> {
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
            return Err(
                "SRC has a user in it, which the list of what failed would show: leave out -r".to_owned()
            );
        }
        let (root, target) = match to {
            Location::Store(place) => (PathBuf::new(), place.folder()),
            Location::Local(path) if path.exists() && !path.is_dir() => {
                return Err(format!("{} is not a directory", path.display()));
            }
            Location::Local(path) => (path.clone(), String::new()),
            Location::S3(_) | Location::Web(_) => Default::default(),
        };
        let source = if matches!(from, Location::Local(_)) { String::new() } else { source };
        return Ok((root, KeyMapping { from: source, to: target }));
    }
    if source.is_empty() {
        return Err("SRC names a bucket: use -r for all that is in it".to_owned());
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

fn local_file(path: &Path) -> Result<(PathBuf, String), String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("{} is not a file name in UTF-8", path.display()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((parent.to_owned(), name.to_owned()))
}

/// The name of an object without its folders.
fn last_name(key: &str, from: &Location) -> Result<String, String> {
    if let Location::Web(url) = from {
        let name = Url::parse(url).ok().and_then(|url| web_url::name(&url));
        return name
            .ok_or_else(|| format!("{} has no name to keep: name the key in DST", web_url::shown(url)));
    }
    let folder = key.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
    Ok(key[folder..].to_owned())
}

/// The place whose uploads are looked through, and its service.
pub(super) fn to_clean(place: &str, r: &mut Reader) -> Option<(Place, End)> {
    match r.accept("DST", place.parse())? {
        Location::Store(place) => End::destination(r, place.dialect).map(|end| (place, end)),
        Location::S3(_) | Location::Web(_) | Location::Local(_) => {
            r.problem(
                "DST",
                Invalid::new("--abort-stale takes oss://bucket[/prefix] or obs://bucket[/prefix]"),
            );
            None
        }
    }
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
        names(&from, &to, &file, recursive).map(|(_, names)| (names.from, names.to))
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
    fn what_has_no_name_or_no_meaning_is_refused() {
        assert!(keys("oss://src", "obs://dst", false).unwrap_err().contains("-r"));
        assert!(keys("https://h/", "obs://dst/", false).unwrap_err().contains("name the key"));
        assert!(
            keys("https://u:secret@h/?a=secret", "obs://dst/", false)
                .is_err_and(|error| !error.contains("secret"))
        );
        assert!(keys("s3://src", "obs://dst", false).unwrap_err().contains("-r"));
        assert!("ftp://b/k".parse::<Location>().is_err());
        assert!("".parse::<Location>().is_err());
    }
}
