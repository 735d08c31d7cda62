//! Where an inventory is: `inventory:oss://bucket/folder/manifest.json`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use settings::Invalid;
use settings::lenient::{self, half_width, shown_url};
use settings::location::{self, S3Place};

/// What the address of an inventory begins with.
pub const SCHEME: &str = "inventory:";

/// Where an inventory is: its manifest, or a folder whose newest inventory is meant.
///
/// ```
/// use inventory::Place;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let place: Place = "inventory:oss://logs/inv/photos/daily/".parse()?;
/// assert_eq!(place.key(), "inv/photos/daily/");
/// assert_eq!(place.to_string(), "inventory:oss://logs/inv/photos/daily/");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a bucket of OSS or OBS.
    Store(location::Place),
    /// In a bucket of Amazon S3.
    S3(S3Place),
    /// On this machine.
    Local(PathBuf),
}

impl Place {
    /// What stands behind `inventory:`, if text is the address of an inventory.
    pub fn address(text: &str) -> Option<&str> {
        let (scheme, rest) = text.split_once([':', '\u{ff1a}'])?;
        half_width(scheme).eq_ignore_ascii_case("inventory").then_some(rest)
    }

    /// The key of the manifest or of the folder; the path on this machine.
    pub fn key(&self) -> &str {
        match self {
            Self::Store(place) => &place.prefix,
            Self::S3(place) => &place.prefix,
            Self::Local(path) => path.to_str().unwrap_or_default(),
        }
    }
}

impl FromStr for Place {
    type Err = Invalid;

    /// Reads an address, with `inventory:` or without.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = Self::address(text).unwrap_or(text);
        let place = match lenient::parts(text) {
            Some(("s3", rest, true)) => Self::S3(S3Place::parse(rest)),
            Some(_) => Self::Store(text.parse()?),
            None => match lenient::meant(text) {
                Some(meant) => {
                    let what = format!("{:?}", shown_url(text));
                    return Err(Invalid::new(what).probably(&format!("{SCHEME}{meant}")));
                }
                None => Self::Local(PathBuf::from(text)),
            },
        };
        let bucket = match &place {
            Self::S3(S3Place { bucket, .. }) => bucket.as_str(),
            _ => "bucket",
        };
        if bucket.is_empty() || (place.key().is_empty() && matches!(place, Self::Local(_))) {
            let what = format!("{:?} names no inventory", shown_url(text));
            let form = format!("{SCHEME}oss://bucket/folder/manifest.json");
            return Err(Invalid::new(what).with_remedy(format_args!("write it as {form}")));
        }
        Ok(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(place) => write!(f, "{SCHEME}{place}"),
            Self::S3(place) => write!(f, "{SCHEME}s3://{}/{}", place.bucket, place.prefix),
            Self::Local(path) => write!(f, "{SCHEME}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_a_bucket_or_a_file() {
        for (text, shown, key) in [
            (
                "inventory:oss://logs/inv/manifest.json",
                "inventory:oss://logs/inv/manifest.json",
                "inv/manifest.json",
            ),
            ("Inventory:OBS://logs/inv/", "inventory:obs://logs/inv/", "inv/"),
            ("inventory：oss://logs/inv", "inventory:oss://logs/inv", "inv"),
            ("inventory:s3://logs/inv/all/", "inventory:s3://logs/inv/all/", "inv/all/"),
            ("oss://logs", "inventory:oss://logs", ""),
            ("inventory:./inv/manifest.json", "inventory:./inv/manifest.json", "./inv/manifest.json"),
            ("inventory:/var/inv", "inventory:/var/inv", "/var/inv"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!((place.to_string().as_str(), place.key()), (shown, key), "{text}");
        }
    }

    #[test]
    fn what_is_no_inventory_is_refused_with_what_was_meant() {
        for (text, part) in [
            ("inventory:", "inventory:oss://bucket/folder/manifest.json"),
            ("inventory:s3://", "inventory:oss://bucket/folder/manifest.json"),
            ("inventory:obs:logs/inv", "inventory:obs://logs/inv"),
            ("inventory:https://logs.oss-cn-hangzhou.aliyuncs.com/inv/manifest.json", "neither"),
        ] {
            let invalid = text.parse::<Place>().unwrap_err();
            assert!(invalid.to_string().contains(part), "{text}: {invalid}");
        }
        assert_eq!(Place::address("oss://logs/inventory:x"), None);
        assert_eq!(Place::address("inventory"), None);
    }
}
