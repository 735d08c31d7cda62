//! Reads the lifecycle rules of a bucket.

use http::Method;

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::error::{Error, ErrorKind};
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

/// A rule by which a bucket removes objects by itself. What else rules do (change of class, ends of multipart
/// uploads, old versions) is not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LifecycleRule {
    /// The rule's name within its bucket.
    pub id: String,
    /// Only keys that begin with it; empty means all.
    pub prefix: String,
    /// A rule that is not enabled does nothing.
    pub enabled: bool,
    /// Only objects with certain tags.
    pub tagged_only: bool,
    /// Keys that begin with one of these are spared.
    pub spared: Vec<String>,
    /// When objects are removed: days after their last change, or all that are older than a date. `None` if
    /// never.
    pub expires: Option<String>,
}

impl LifecycleRule {
    /// Whether the rule removes, sooner or later, an object without tags whose key begins with `prefix`.
    pub fn removes(&self, prefix: &str) -> bool {
        let overlaps = prefix.starts_with(&self.prefix) || self.prefix.starts_with(prefix);
        self.enabled
            && !self.tagged_only
            && self.expires.is_some()
            && overlaps
            && !self.spared.iter().any(|spared| prefix.starts_with(spared))
    }
}

impl Bucket {
    /// The bucket's lifecycle rules; none if it has no such configuration.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketlifecycle),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0035.html).
    pub async fn lifecycle(&self) -> Result<Vec<LifecycleRule>, Error> {
        let call = Call {
            query: Query::new([("lifecycle", "")]),
            action: "GetBucketLifecycle",
            ..Call::new("get lifecycle of", Method::GET, Target::Bucket)
        };
        let rules = self.call(&call, LARGEST, |answer| {
            read(&answer.body).map_err(|why| {
                Error::new(ErrorKind::UnexpectedResponse, format!("unreadable lifecycle: {why}"))
            })
        });
        match rules.await {
            Err(error) if error.code().is_some_and(|code| NONE.contains(&code)) => Ok(Vec::new()),
            rules => rules,
        }
    }
}

/// By which OSS and OBS say that there is no configuration.
const NONE: [&str; 2] = ["NoSuchLifecycle", "NoSuchLifecycleConfiguration"];

/// 1000 rules with prefixes of the longest kind.
const LARGEST: usize = 32 * SMALL_ANSWER;

fn read(body: &[u8]) -> Result<Vec<LifecycleRule>, Malformed> {
    let mut rules = Vec::new();
    let mut rule = LifecycleRule::default();
    let (mut spared, mut spared_if_tagged) = (None, false);
    xml::read(body, "LifecycleConfiguration", |node| match node {
        Node::Leaf("Rule/ID", text) => rule.id = text,
        Node::Leaf("Rule/Prefix" | "Rule/Filter/Prefix" | "Rule/Filter/And/Prefix", text) => {
            rule.prefix = text;
        }
        Node::Leaf("Rule/Status", text) => rule.enabled = text == "Enabled",
        Node::Leaf("Rule/Expiration/Days", text) => {
            rule.expires = Some(format!("{text} days after the last change"));
        }
        Node::Leaf("Rule/Expiration/Date", text) => rule.expires = Some(format!("on {text}")),
        Node::Leaf("Rule/Expiration/CreatedBeforeDate", text) => {
            rule.expires = Some(format!("when last changed before {text}"));
        }
        Node::Close("Rule/Tag" | "Rule/Filter/Tag" | "Rule/Filter/And/Tag") => rule.tagged_only = true,
        Node::Leaf("Rule/Filter/Not/Prefix", text) => spared = Some(text),
        Node::Close("Rule/Filter/Not/Tag") => spared_if_tagged = true,
        Node::Close("Rule/Filter/Not") => {
            let prefix = spared.take();
            if !std::mem::take(&mut spared_if_tagged) {
                rule.spared.extend(prefix);
            }
        }
        Node::Close("Rule") => rules.push(std::mem::take(&mut rule)),
        _ => {}
    })?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(inner: &str) -> LifecycleRule {
        let body = format!("<LifecycleConfiguration><Rule><ID>r</ID>{inner}</Rule></LifecycleConfiguration>");
        let mut rules = read(body.as_bytes()).expect("readable");
        assert_eq!(rules.len(), 1);
        rules.remove(0)
    }

    const EXPIRES: &str = "<Status>Enabled</Status><Expiration><Days>30</Days></Expiration>";

    #[test]
    fn rules_are_read_one_after_the_other() {
        let body = "<?xml version=\"1.0\"?><LifecycleConfiguration><Rule><ID>a</ID><Prefix>logs/</Prefix>\
            <Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule><Rule><ID>b</ID><Prefix/>\
            <Status>Disabled</Status><Transition><Days>30</Days><StorageClass>IA</StorageClass></Transition></Rule>\
            </LifecycleConfiguration>";
        let rules = read(body.as_bytes()).expect("readable");
        let [first, second] = &rules[..] else { panic!("two rules: {rules:?}") };
        assert_eq!((&*first.id, &*first.prefix, first.enabled), ("a", "logs/", true));
        assert_eq!(first.expires.as_deref(), Some("7 days after the last change"));
        assert_eq!((&*second.prefix, second.enabled, &second.expires), ("", false, &None));
    }

    #[test]
    fn a_rule_removes_what_its_prefix_covers_in_either_direction() {
        for (prefix, expected) in
            [("", true), ("records/", true), ("records/a/b", true), ("rec", true), ("other/", false)]
        {
            let rule = rule(&format!("<Prefix>{prefix}</Prefix>{EXPIRES}"));
            assert_eq!(rule.removes("records/"), expected, "{prefix}");
        }
    }

    #[test]
    fn rules_that_are_off_or_spare_untagged_or_other_objects_remove_nothing() {
        for inner in [
            "<Prefix/><Status>Disabled</Status><Expiration><Days>1</Days></Expiration>",
            "<Prefix/><Status>Enabled</Status><AbortMultipartUpload><Days>1</Days></AbortMultipartUpload>",
            &format!("<Prefix/><Tag><Key>k</Key><Value>v</Value></Tag>{EXPIRES}"),
            &format!("<Prefix/><Filter><Not><Prefix>records/</Prefix></Not></Filter>{EXPIRES}"),
        ] {
            assert!(!rule(inner).removes("records/"), "{inner}");
        }
        let tagged_are_spared =
            "<Prefix/><Filter><Not><Prefix>records/</Prefix><Tag><Key>k</Key></Tag></Not></Filter>";
        assert!(rule(&format!("{tagged_are_spared}{EXPIRES}")).removes("records/"));
    }

    #[test]
    fn every_form_of_an_end_is_noticed() {
        for end in [
            "<Days>1</Days>",
            "<Date>2026-01-01T00:00:00.000Z</Date>",
            "<CreatedBeforeDate>2026-01-01T00:00:00.000Z</CreatedBeforeDate>",
        ] {
            let rule = rule(&format!("<Prefix/><Status>Enabled</Status><Expiration>{end}</Expiration>"));
            assert!(rule.removes("k"), "{end}");
        }
        let marker = "<Prefix/><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true\
            </ExpiredObjectDeleteMarker></Expiration>";
        assert!(!rule(marker).removes("k"));
    }
}
