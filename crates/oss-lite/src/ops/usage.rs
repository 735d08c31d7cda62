//! Reads what a bucket holds, from the statistics that its service keeps.

use http::Method;

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

/// What a whole bucket holds. The services count in the background: OSS says that its figures may be more
/// than an hour old, and neither says whether earlier versions are among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketUsage {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The names of one service.
struct Form {
    sub_resource: &'static str,
    action: &'static str,
    root: &'static str,
    objects: &'static str,
    bytes: &'static str,
}

const OSS: Form = Form {
    sub_resource: "stat",
    action: "GetBucketStat",
    root: "BucketStat",
    objects: "ObjectCount",
    bytes: "Storage",
};

const OBS: Form = Form {
    sub_resource: "storageinfo",
    action: "GetBucketStorage",
    root: "GetBucketStorageInfoResult",
    objects: "ObjectNumber",
    bytes: "Size",
};

fn form(dialect: Dialect) -> &'static Form {
    match dialect {
        Dialect::Oss => &OSS,
        Dialect::Obs => &OBS,
    }
}

impl Bucket {
    /// What the bucket holds, by one request and without a listing. Needs the right `oss:GetBucketStat`, or
    /// `obs:bucket:GetBucketStorage`.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketstat),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0054.html).
    pub async fn usage(&self) -> Result<BucketUsage, Error> {
        let form = form(self.dialect());
        let call = Call {
            query: Query::new([(form.sub_resource, "")]),
            action: form.action,
            ..Call::new("get the usage of", Method::GET, Target::Bucket)
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            read(&answer.body, form)
                .map_err(|why| Error::new(ErrorKind::UnexpectedResponse, format!("unreadable usage: {why}")))
        })
        .await
    }
}

fn read(body: &[u8], form: &Form) -> Result<BucketUsage, Malformed> {
    let (mut objects, mut bytes) = (None, None);
    xml::read(body, form.root, |node| match node {
        Node::Leaf(name, text) if name == form.objects => objects = text.trim().parse().ok(),
        Node::Leaf(name, text) if name == form.bytes => bytes = text.trim().parse().ok(),
        _ => {}
    })?;
    let number =
        |number: Option<u64>, name| number.ok_or_else(|| Malformed::new(format!("{name} is no number")));
    Ok(BucketUsage { objects: number(objects, form.objects)?, bytes: number(bytes, form.bytes)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_services_are_read_and_other_answers_are_refused() {
        let oss = b"<BucketStat><Storage>1600</Storage><ObjectCount>230</ObjectCount>\
            <StandardStorage>430</StandardStorage><StandardObjectCount>66</StandardObjectCount></BucketStat>";
        assert_eq!(read(oss, &OSS), Ok(BucketUsage { objects: 230, bytes: 1600 }));
        let obs = b"<GetBucketStorageInfoResult xmlns=\"http://obs.myhuaweicloud.com/doc/2015-06-30/\">\
            <Size>29</Size><ObjectNumber>3</ObjectNumber></GetBucketStorageInfoResult>";
        assert_eq!(read(obs, &OBS), Ok(BucketUsage { objects: 3, bytes: 29 }));
        assert!(read(oss, &OBS).is_err());
        // Neither an empty bucket nor a very large one.
        for count in ["", "-1", "many"] {
            let body =
                format!("<BucketStat><Storage>1</Storage><ObjectCount>{count}</ObjectCount></BucketStat>");
            assert!(read(body.as_bytes(), &OSS).is_err(), "{count:?}");
        }
        assert!(read(b"<BucketStat><Storage>1</Storage></BucketStat>", &OSS).is_err());
    }
}
