//! Places in object storage: `obs://bucket/prefix`, `oss://bucket/prefix`.

use std::fmt;

use oss_lite::{BucketName, Dialect, Endpoint};

/// A bucket, and text that keys in it begin with. It is parsed as [`lenient`](crate::lenient) says.
///
/// ```
/// use settings::location::Place;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let place: Place = "obs://mirror/2024".parse()?;
/// assert_eq!(place.bucket.as_str(), "mirror");
/// assert_eq!(place.folder(), "2024/");
/// assert!("obs://mirror bucket".parse::<Place>().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose bucket it is.
    pub dialect: Dialect,
    /// The bucket.
    pub bucket: BucketName,
    /// What stands behind the bucket and its slash, byte for byte.
    pub prefix: String,
}

impl Place {
    /// What to put before keys, so that they lie in the folder that the place names: the prefix, with one
    /// slash behind it where it has none.
    pub fn folder(&self) -> String {
        folder(&self.prefix)
    }

    /// The folder with service and bucket: `obs://mirror/2024/`.
    pub fn folder_address(&self) -> String {
        format!("{}://{}/{}", scheme(self.dialect), self.bucket, self.folder())
    }
}

fn folder(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") }
}

/// A bucket of Amazon S3, and text that keys in it begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket.
    pub bucket: String,
    /// What stands behind the bucket and its slash, byte for byte.
    pub prefix: String,
}

impl S3Place {
    /// Reads what stands behind `s3://`.
    pub fn parse(rest: &str) -> Self {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }

    /// What to put before keys, as [`Place::folder`] does.
    pub fn folder(&self) -> String {
        folder(&self.prefix)
    }
}

/// How addresses of a service begin: `oss` or `obs`.
pub fn scheme(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Oss => "oss",
        Dialect::Obs => "obs",
    }
}

/// Whether a name means the same bucket at both. Alibaba Cloud and Huawei Cloud give each name once, whatever
/// the region, and have several endpoints for each.
pub fn is_same_service(one: &Endpoint, other: &Endpoint) -> bool {
    const VENDORS: [&str; 3] = [".aliyuncs.com", ".myhuaweicloud.com", ".myhuaweicloud.eu"];
    let authority = |endpoint: &Endpoint| endpoint.url().split_once("://").map(|(_, rest)| rest.to_owned());
    let of = |endpoint: &Endpoint, vendor: &str| endpoint.host().ends_with(vendor);
    authority(one) == authority(other) || VENDORS.iter().any(|vendor| of(one, vendor) && of(other, vendor))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", scheme(self.dialect), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_bucket_and_perhaps_a_prefix_kept_as_it_stands() {
        for (text, shown, prefix, folder) in [
            ("obs://mirror", "obs://mirror", "", ""),
            ("obs://mirror/", "obs://mirror", "", ""),
            ("oss://mirror/a/b", "oss://mirror/a/b", "a/b", "a/b/"),
            ("oss://mirror/a/b/", "oss://mirror/a/b/", "a/b/", "a/b/"),
            ("oss://mirror//a//", "oss://mirror//a//", "/a//", "/a//"),
            ("obs://my.mirror/测 +%2F", "obs://my.mirror/测 +%2F", "测 +%2F", "测 +%2F/"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(
                (&*place.to_string(), &*place.prefix, &*place.folder()),
                (shown, prefix, folder),
                "{text}"
            );
            assert!(place.folder_address().ends_with(&format!("mirror/{folder}")), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in ["mirror", "s3://mirror", "obs://", "obs://Bad_Name", "oss://with.dot", "https://mirror"]
        {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
