//! SRC and DST, as they are given.

use std::path::PathBuf;
use std::str::FromStr;

use object_copy::web_url;
use oss_lite::Dialect;
use settings::Invalid;
use settings::lenient;
use settings::location::{Place, S3Place};

/// SRC or DST, as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Location {
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

/// Whose bucket an address names by its scheme, whatever else is wrong with it.
pub(in crate::cli) fn store_scheme(text: &str) -> Option<Dialect> {
    match lenient::parts(text)?.0 {
        "oss" => Some(Dialect::Oss),
        "obs" => Some(Dialect::Obs),
        _ => None,
    }
}

impl Location {
    /// The bucket, of what is in one.
    pub(in crate::cli) fn bucket(&self) -> Option<&str> {
        match self {
            Self::Store(place) => Some(place.bucket.as_str()),
            Self::S3(place) => Some(&place.bucket),
            Self::Web(_) | Self::Local(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_meaning_is_refused() {
        assert!("ftp://b/k".parse::<Location>().is_err());
        assert!("".parse::<Location>().is_err());
    }
}
