//! What is preserved with the content.

use oss_lite::{Dialect, PutOptions, storage_class};

use super::metadata;
use super::origin::{SOURCE_ETAG, is_own_metadata};
use super::source_info::SourceInfo;

/// The metadata of a copy in a bucket of `to`: content headers, user metadata, the equivalent storage class,
/// and the source's `ETag`; all in the destination's form (`metadata`).
pub(super) fn put_options(info: &SourceInfo, to: Dialect) -> PutOptions {
    let content = info.content.clone().cleaned();
    let mut metadata = metadata::written(to, &info.metadata);
    metadata.retain(|(name, _)| !is_own_metadata(name));
    let text = |header: Option<String>| header.map(|text| to.stored_text(&text).into_owned());
    if let Some(etag) = &info.identity.etag {
        metadata.push((SOURCE_ETAG.to_owned(), etag.clone()));
    }
    let class = info.storage_class.as_ref();
    PutOptions {
        content_type: text(content.content_type),
        cache_control: text(content.cache_control),
        content_disposition: text(content.disposition),
        content_encoding: text(content.encoding),
        content_language: text(content.language),
        expires: text(content.expires),
        storage_class: class
            .and_then(|class| storage_class(class.dialect, &class.name, to))
            .map(str::to_owned),
        metadata,
        ..PutOptions::default()
    }
}

/// Tags in the form of the header, if there are any.
pub(super) fn tagging(tags: &[(String, String)]) -> Option<String> {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> = tags.iter().map(|(name, value)| encode(name) + "=" + &encode(value)).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

/// A canned ACL that both services support; OSS's `default` (that of the bucket) is omitted.
pub(super) fn acl(acl: Option<String>) -> Option<String> {
    acl.filter(|acl| matches!(acl.as_str(), "private" | "public-read" | "public-read-write"))
}

#[cfg(test)]
mod tests {
    use super::super::origin::SOURCE_ORIGIN;
    use super::super::source_info::Identity;
    use super::*;

    #[test]
    fn what_a_source_is_a_copy_of_does_not_travel_on() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let info = SourceInfo {
            identity: Identity { etag: Some("OWN".into()), ..Identity::default() },
            metadata: vec![
                pair("author", "zoe"),
                pair(SOURCE_ETAG, "UPSTREAM"),
                pair(SOURCE_ORIGIN, "oss://upstream/k"),
            ],
            ..SourceInfo::default()
        };
        let options = put_options(&info, Dialect::Obs);
        assert_eq!(options.metadata, [pair("author", "zoe"), pair(SOURCE_ETAG, "OWN")]);
    }
}
