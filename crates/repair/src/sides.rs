//! Sides that can be made equal.

use reconcile::Side;

/// Why two sides cannot be made equal in the way that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// Deleted objects would have to be files, or objects of a service that is only read.
    #[error("objects are only deleted in buckets of OSS and OBS")]
    NoBucket,
    /// A task would have to read or write something else.
    #[error("a migration task of OMS copies from a bucket to a bucket of OBS")]
    NoTask,
    /// What the destination has now is not known.
    #[error("DST is an inventory, which does not show what is there now")]
    Inventory,
    /// It cannot be asked whether the source has a key.
    #[error("SRC cannot be asked for single objects, so nothing that it lacks is deleted")]
    CannotAsk,
    /// An object of one side may be one of the other side as well.
    #[error("SRC and DST overlap: an object of one is also an object of the other")]
    Overlap,
    /// The source is a bucket of OSS or OBS under the name of another service.
    #[error(
        "SOURCE_ENDPOINT is a host of OSS or OBS, so SRC may be DST itself: name SRC as oss:// or obs://"
    )]
    StoreAsS3,
    /// The source has the name of the destination at a service that may be the same one.
    #[error(
        "SRC and DST have the same bucket name and may be one bucket: set SOURCE_ENDPOINT to a host of amazonaws.com if SRC is at Amazon S3"
    )]
    PerhapsOverlap,
}

/// The domains of OSS and OBS, which take requests in the form of S3 as well.
const STORES: [&str; 2] = [".aliyuncs.com", ".myhuaweicloud."];

/// The domain of Amazon S3, where no bucket of OSS or OBS is.
const AMAZON: &str = ".amazonaws.com";

/// Whether one folder lies in the other, or they are the same one. A bucket of OSS or OBS that is read as one
/// of S3 is still the same bucket.
pub(crate) fn check_overlap(source: &Side, destination: &Side) -> Result<(), Unsuitable> {
    let (Some(ours), Some(theirs)) = (&source.objects, &destination.objects) else { return Ok(()) };
    let (Some((our_scheme, our_name)), Some((their_scheme, their_name))) = (ours.address(), theirs.address())
    else {
        return Ok(());
    };
    let (our_prefix, their_prefix) = (source.prefix.as_str(), destination.prefix.as_str());
    let overlap = our_name == their_name
        && (our_prefix.starts_with(their_prefix) || their_prefix.starts_with(our_prefix));
    if our_scheme == their_scheme {
        return if overlap { Err(Unsuitable::Overlap) } else { Ok(()) };
    }
    if our_scheme == "s3" { check_s3(ours.s3_endpoint(), overlap) } else { Ok(()) }
}

/// Whether a source at this endpoint of S3 may be the destination; by its name it may where `overlap` is set.
fn check_s3(endpoint: Option<&str>, overlap: bool) -> Result<(), Unsuitable> {
    let host = endpoint.unwrap_or_default().to_ascii_lowercase();
    let host = host.split_once("://").map_or(host.as_str(), |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    if STORES.iter().any(|domain| host.contains(domain)) {
        Err(Unsuitable::StoreAsS3)
    } else if overlap && !(host.ends_with(AMAZON) || host.ends_with(".amazonaws.com.cn")) {
        Err(Unsuitable::PerhapsOverlap)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_of_oss_or_obs_behind_an_endpoint_of_s3_is_not_taken_for_another_one() {
        for endpoint in ["https://s3.oss-cn-hangzhou.aliyuncs.com", "OBS.cn-north-4.myhuaweicloud.com:443/"] {
            assert_eq!(check_s3(Some(endpoint), false), Err(Unsuitable::StoreAsS3), "{endpoint}");
        }
        // A host of one's own, or one that the configuration of AWS names.
        for endpoint in [Some("http://127.0.0.1:9000"), Some("https://a.amazonaws.com.example"), None] {
            assert_eq!(check_s3(endpoint, true), Err(Unsuitable::PerhapsOverlap), "{endpoint:?}");
            assert_eq!(check_s3(endpoint, false), Ok(()), "{endpoint:?}");
        }
        for endpoint in ["https://s3.eu-west-1.amazonaws.com", "https://s3.cn-north-1.amazonaws.com.cn/"] {
            assert_eq!(check_s3(Some(endpoint), true), Ok(()), "{endpoint}");
        }
    }
}
