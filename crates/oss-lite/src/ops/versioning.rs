//! Reads whether a bucket keeps versions.

use http::Method;

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::error::{Error, ErrorKind};
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

/// Whether a bucket keeps what is overwritten or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Versioning {
    /// It never did.
    Unversioned,
    /// Every write adds a version, and a removal puts a delete marker on top.
    Enabled,
    /// No more, but versions of earlier times are still there.
    Suspended,
}

impl Bucket {
    /// Whether the bucket keeps versions.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketversioning),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0038.html).
    pub async fn versioning(&self) -> Result<Versioning, Error> {
        let call = Call {
            query: Query::new([("versioning", "")]),
            action: "GetBucketVersioning",
            ..Call::new("get versioning of", Method::GET, Target::Bucket)
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            read(&answer.body).map_err(|why| {
                Error::new(ErrorKind::UnexpectedResponse, format!("unreadable versioning: {why}"))
            })
        })
        .await
    }
}

fn read(body: &[u8]) -> Result<Versioning, Malformed> {
    let mut status = String::new();
    xml::read(body, "VersioningConfiguration", |node| {
        if let Node::Leaf("Status", text) = node {
            status = text;
        }
    })?;
    match status.as_str() {
        "" => Ok(Versioning::Unversioned),
        "Enabled" => Ok(Versioning::Enabled),
        "Suspended" => Ok(Versioning::Suspended),
        other => Err(Malformed::new(format!("status {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_and_others_are_refused() {
        for (inner, expected) in [
            ("", Ok(Versioning::Unversioned)),
            ("<Status>Enabled</Status>", Ok(Versioning::Enabled)),
            ("<Status>Suspended</Status>", Ok(Versioning::Suspended)),
        ] {
            let body = format!("<VersioningConfiguration>{inner}</VersioningConfiguration>");
            assert_eq!(read(body.as_bytes()), expected);
        }
        assert!(read(b"<VersioningConfiguration><Status>on</Status></VersioningConfiguration>").is_err());
        assert!(read(b"<html/>").is_err());
    }
}
