//! Settings of buckets that nothing here can set. Clients ask for them before they work, and take each
//! service's word for "none" and nothing else: without it `juicefs` warns at every start.

use http::StatusCode;

use super::Call;
use super::operation::Operation;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::reply::Reply;

/// Refuses with the code that says that the setting was never made.
pub(super) fn configuration(call: &Call<'_>, operation: Operation) -> Outcome<Reply> {
    call.bucket()?;
    let (code, message) = match (operation, call.dialect) {
        (Operation::GetBucketEncryption, Dialect::Oss) => {
            ("NoSuchServerSideEncryptionRule", "The server side encryption configuration does not exist.")
        }
        (Operation::GetBucketEncryption, Dialect::Obs) => (
            "NoSuchEncryptionConfiguration",
            "The specified bucket does not have any encryption configurations",
        ),
        (Operation::GetBucketWebsite, _) => {
            ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration.")
        }
        (Operation::GetBucketReplication, _) => {
            ("NoSuchReplicationConfiguration", "The bucket has no replication configuration.")
        }
        (Operation::GetBucketTagging, Dialect::Obs) => {
            ("NoSuchTagSet", "The specified bucket does not have any tags.")
        }
        _ => return Err(ApiError::not_implemented()),
    };
    Err(ApiError::new(StatusCode::NOT_FOUND, code, message).detail("BucketName", call.bucket_name()))
}
