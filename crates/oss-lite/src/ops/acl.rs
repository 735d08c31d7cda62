//! Reads the ACL of an object.

use http::Method;

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Retry};
use crate::key::ObjectKey;
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

impl Bucket {
    /// The canned ACL of an object: `default` (that of the bucket, on OSS), `private`, `public-read` or
    /// `public-read-write`. `None` if it is none of them: OBS can also grant rights to single accounts.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getobjectacl),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0090.html).
    pub async fn acl(&self, key: &str) -> Result<Option<String>, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let call = Call {
            query: Query::new([("acl", "")]),
            action: "GetObjectAcl",
            ..Call::new("get the ACL of", Method::GET, Target::Object(&key))
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            let acl = match dialect {
                Dialect::Oss => read_canned(&answer.body),
                Dialect::Obs => read_grants(&answer.body),
            };
            acl.map_err(|why| {
                Error::new(ErrorKind::UnexpectedResponse, format!("unreadable ACL: {why}"))
                    .with_retry(Retry::Backoff)
            })
        })
        .await
    }
}

fn read_canned(body: &[u8]) -> Result<Option<String>, Malformed> {
    let mut acl = None;
    xml::read(body, "AccessControlPolicy", |node| {
        if let Node::Leaf("AccessControlList/Grant", text) = node {
            acl = Some(text).filter(|text| !text.is_empty());
        }
    })?;
    Ok(acl)
}

/// Who may do what, in the terms of canned ACLs.
#[derive(Default)]
struct Grants {
    everyone_reads: bool,
    everyone_writes: bool,
    others: bool,
}

fn read_grants(body: &[u8]) -> Result<Option<String>, Malformed> {
    let mut owner = String::new();
    let mut grants = Vec::new();
    let (mut grantee, mut permission) = (None, String::new());
    xml::read(body, "AccessControlPolicy", |node| match node {
        Node::Leaf("Owner/ID", text) => owner = text,
        // The only canned grantee is `Everyone`, which no account id is.
        Node::Leaf("AccessControlList/Grant/Grantee/ID" | "AccessControlList/Grant/Grantee/Canned", text) => {
            grantee = Some(text);
        }
        Node::Leaf("AccessControlList/Grant/Permission", text) => permission = text,
        Node::Close("AccessControlList/Grant") => {
            grants.push((grantee.take(), std::mem::take(&mut permission)));
        }
        _ => {}
    })?;
    let mut seen = Grants::default();
    for (grantee, permission) in &grants {
        match (grantee.as_deref(), permission.as_str()) {
            (Some("Everyone"), "READ") => seen.everyone_reads = true,
            (Some("Everyone"), "WRITE") => seen.everyone_writes = true,
            (Some("Everyone"), "FULL_CONTROL") => (seen.everyone_reads, seen.everyone_writes) = (true, true),
            (Some(id), _) if id == owner => {}
            _ => seen.others = true,
        }
    }
    Ok(seen.canned().map(str::to_owned))
}

impl Grants {
    fn canned(&self) -> Option<&'static str> {
        match (self.everyone_reads, self.everyone_writes, self.others) {
            (false, false, false) => Some("private"),
            (true, false, false) => Some("public-read"),
            (true, true, false) => Some("public-read-write"),
            _ => None,
        }
    }
}
