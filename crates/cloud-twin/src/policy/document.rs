//! One policy.
//!
//! [RAM](https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax) has version `1`,
//! [IAM](https://support.huaweicloud.com/intl/en-us/usermanual-iam/iam_01_0017.html) `1.1`. A policy is read
//! strictly: what this twin does not evaluate (`Condition`, `NotAction`, principals) is refused, since a
//! policy that is read by half proves nothing.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

/// What an access key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    vendor: Vendor,
    statements: Vec<Statement>,
}

/// Whose policies have this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    Alibaba,
    Huawei,
}

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    #[serde(deserialize_with = "one_or_more")]
    action: Vec<String>,
    /// Everything, if it is left out, as IAM lets services without resources do.
    #[serde(default, deserialize_with = "one_or_more")]
    resource: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct PolicyText {
    version: String,
    statement: Vec<Statement>,
}

/// What policies say of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PolicyVerdict {
    /// A statement allows it, and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement is about it.
    Unmentioned,
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = match Value::deserialize(deserializer)? {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts
            .into_iter()
            .map(|text| {
                text.as_str().map(str::to_owned).ok_or_else(|| D::Error::custom("not a list of texts"))
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(D::Error::custom("neither a text nor a list")),
    };
    if texts.is_empty() { Err(D::Error::custom("an empty list")) } else { Ok(texts) }
}

impl AccessPolicy {
    /// Reads a policy of RAM or IAM.
    ///
    /// # Errors
    ///
    /// When it is none, names an action or a resource of another cloud, or has elements that are not
    /// evaluated here.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let document: PolicyText =
            serde_json::from_str(text).map_err(|error| PolicyError(format!("no policy: {error}")))?;
        let vendor = match &*document.version {
            "1" => Vendor::Alibaba,
            "1.1" => Vendor::Huawei,
            other => return Err(PolicyError(format!("no version of a policy: {other:?}"))),
        };
        if document.statement.is_empty() {
            return Err(PolicyError("a policy without statements".to_owned()));
        }
        for statement in &document.statement {
            vendor.check(statement)?;
        }
        Ok(Self { vendor, statements: document.statement })
    }

    /// Whether it is one of Huawei Cloud, for OBS and OMS; otherwise one of Alibaba Cloud.
    pub fn is_of_huawei(&self) -> bool {
        self.vendor == Vendor::Huawei
    }
}

impl Vendor {
    fn check(self, statement: &Statement) -> Result<(), PolicyError> {
        let (parts, start) = match self {
            Self::Alibaba => (2, "acs:"),
            // service:type:action
            Self::Huawei => (3, ""),
        };
        for action in &statement.action {
            let good = action == "*" || action.split(':').count() == parts && !action.contains("::");
            if !good {
                return Err(PolicyError(format!("no action of this cloud: {action:?}")));
            }
        }
        for resource in &statement.resource {
            let good = resource == "*" || resource.starts_with(start) && resource.split(':').count() >= 5;
            if !good {
                return Err(PolicyError(format!("no resource of this cloud: {resource:?}")));
            }
        }
        if self == Self::Alibaba && statement.resource.is_empty() {
            return Err(PolicyError("a statement of RAM without a resource".to_owned()));
        }
        Ok(())
    }
}

impl Statement {
    fn is_about(&self, action: &str, resource: &str) -> bool {
        self.action.iter().any(|pattern| matches(pattern, action))
            && (self.resource.is_empty()
                || self.resource.iter().any(|pattern| matches(&lower_service(pattern), resource)))
    }
}

/// IAM writes the service of a resource in capitals, too: `OBS:*:*:object:photos/*`.
fn lower_service(resource: &str) -> String {
    match resource.split_once(':') {
        Some((service, rest)) => format!("{}:{rest}", service.to_ascii_lowercase()),
        None => resource.to_owned(),
    }
}

/// What all of the policies together say.
pub(super) fn judge(policies: &[AccessPolicy], action: &str, resource: &str) -> PolicyVerdict {
    let about = policies.iter().flat_map(|policy| &policy.statements);
    let mut verdict = PolicyVerdict::Unmentioned;
    for statement in about.filter(|statement| statement.is_about(action, resource)) {
        match statement.effect {
            Effect::Deny => return PolicyVerdict::Denied,
            Effect::Allow => verdict = PolicyVerdict::Allowed,
        }
    }
    verdict
}

/// Whether a text is what a pattern describes: `*` is any number of characters, `?` one.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where the last star is, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while of < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                of = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_stars_and_question_marks() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a"),
            ("a*", "a"),
            ("a*c", "abbc"),
            ("a*b*c", "aXbYbZc"),
            ("a?c", "abc"),
            ("oss:Get*", "oss:GetObject"),
            ("acs:oss:*:*:photos/a/*", "acs:oss:r:1:photos/a/b/c"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("a*c", "abcd"),
            ("a?c", "ac"),
            ("oss:Get*", "oss:PutObject"),
            ("acs:oss:*:*:photos/a/*", "acs:oss:r:1:photos/b/a/c"),
            ("acs:oss:*:*:photos", "acs:oss:r:1:photos/a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
