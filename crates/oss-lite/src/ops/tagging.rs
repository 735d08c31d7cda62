//! Reads the tags of an object.

use http::Method;

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::error::{Error, ErrorKind, Retry};
use crate::key::ObjectKey;
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

/// By which the services say that there are no tags.
const NONE: [&str; 2] = ["NoSuchTagSet", "NoSuchTagSetError"];

impl Bucket {
    /// The tags of an object, names and values as they are meant; none if it has none.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getobjecttagging),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0164.html).
    pub async fn tagging(&self, key: &str) -> Result<Vec<(String, String)>, Error> {
        let key = ObjectKey::new(self.dialect(), key)?;
        let call = Call {
            query: Query::new([("tagging", "")]),
            action: "GetObjectTagging",
            ..Call::new("get the tags of", Method::GET, Target::Object(&key))
        };
        let tags = self.call(&call, SMALL_ANSWER, |answer| {
            read(&answer.body).map_err(|why| {
                Error::new(ErrorKind::UnexpectedResponse, format!("unreadable tags: {why}"))
                    .with_retry(Retry::Backoff)
            })
        });
        match tags.await {
            Err(error) if error.code().is_some_and(|code| NONE.contains(&code)) => Ok(Vec::new()),
            tags => tags,
        }
    }
}

fn read(body: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let mut tags = Vec::new();
    let mut tag = (String::new(), String::new());
    xml::read(body, "Tagging", |node| match node {
        Node::Leaf("TagSet/Tag/Key", text) => tag.0 = text,
        Node::Leaf("TagSet/Tag/Value", text) => tag.1 = text,
        Node::Close("TagSet/Tag") => tags.push(std::mem::take(&mut tag)),
        _ => {}
    })?;
    Ok(tags)
}
