//! A page of a listing, read from `ListBucketResult`.

use chrono::{DateTime, Utc};

use crate::dialect::Listing;
use crate::encoding;
use crate::meta::unquoted;
use crate::xml::{self, Malformed, Node};

/// One page of a listing, in byte order of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListPage {
    /// The objects.
    pub objects: Vec<ListedObject>,
    /// Prefixes that stand for all keys that begin with them.
    pub common_prefixes: Vec<String>,
}

/// An object as a listing shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedObject {
    /// The key, byte for byte.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: Option<String>,
    /// Time of the last change.
    pub last_modified: Option<DateTime<Utc>>,
    /// The vendor's name of the class.
    pub storage_class: Option<String>,
    /// `Normal`, `Multipart`, `Appendable` or `Symlink` on OSS, whose listings show a symlink with a size and
    /// an `ETag` of its own, and not with those of its target. Absent elsewhere.
    pub object_type: Option<String>,
}

/// A page and where the next one begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectsPage {
    pub(super) list: ListPage,
    pub(super) next: Option<String>,
}

pub(super) fn read(body: &[u8], listing: Listing) -> Result<ObjectsPage, Malformed> {
    let mut list = ListPage::default();
    let mut object = ListedObject::default();
    let (mut encoded, mut truncated) = (false, None);
    let (mut token, mut marker) = (None, None);
    let mut bad_number = false;
    xml::read(body, "ListBucketResult", |node| match node {
        Node::Leaf("EncodingType", text) => encoded = text == "url",
        Node::Leaf("IsTruncated", text) => truncated = Some(text == "true"),
        Node::Leaf("NextContinuationToken", text) => token = Some(text),
        Node::Leaf("NextMarker", text) => marker = Some(text),
        Node::Leaf("CommonPrefixes/Prefix", text) => list.common_prefixes.push(text),
        Node::Leaf("Contents/Key", text) => object.key = text,
        Node::Leaf("Contents/Size", text) => match text.parse() {
            Ok(size) => object.size = size,
            Err(_) => bad_number = true,
        },
        Node::Leaf("Contents/ETag", text) => object.etag = Some(unquoted(&text).to_owned()),
        Node::Leaf("Contents/StorageClass", text) => object.storage_class = Some(text),
        Node::Leaf("Contents/Type", text) => object.object_type = Some(text),
        Node::Leaf("Contents/LastModified", text) => {
            object.last_modified = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
        }
        Node::Close("Contents") => list.objects.push(std::mem::take(&mut object)),
        _ => {}
    })?;
    if bad_number {
        return Err(Malformed::new("a size is no number"));
    }
    let mut next = match listing {
        Listing::ContinuationToken => token,
        Listing::Marker => marker,
    };
    if encoded {
        let keys = list.objects.iter_mut().map(|object| &mut object.key);
        for text in keys.chain(&mut list.common_prefixes).chain(&mut next) {
            *text = encoding::decode_reply(text).ok_or_else(|| Malformed::new("a key is not UTF-8"))?;
        }
    }
    // Both services always say: what does not is no listing of theirs, or one that broke off.
    let truncated =
        truncated.ok_or_else(|| Malformed::new("it does not say whether there are more pages"))?;
    let next = match (truncated, next.filter(|next| !next.is_empty())) {
        (false, _) => None,
        (true, Some(next)) => Some(next),
        (true, None) => Some(
            last_entry(&list, listing)
                .ok_or_else(|| Malformed::new("there are more pages, but not where"))?,
        ),
    };
    Ok(ObjectsPage { list, next })
}

/// Without delimiter a service may leave the marker out: it is the last key then.
fn last_entry(list: &ListPage, listing: Listing) -> Option<String> {
    if listing == Listing::ContinuationToken {
        return None;
    }
    let key = list.objects.last().map(|object| object.key.as_str());
    key.max(list.common_prefixes.last().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_of_oss_is_read_and_decoded() {
        let page = read(
            b"<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><Prefix>x</Prefix><EncodingType>url</EncodingType>\
              <IsTruncated>true</IsTruncated><NextContinuationToken>CgJiYw--%3D</NextContinuationToken><Contents>\
              <Key>a%2F%2Fb%20%2B%01</Key><LastModified>2020-05-18T05:45:54.000Z</LastModified><ETag>\"5B3C\"</ETag>\
              <Type>Normal</Type><Size>344606</Size><StorageClass>Standard</StorageClass><Owner><ID>1</ID></Owner>\
              </Contents><CommonPrefixes><Prefix>a%2F</Prefix></CommonPrefixes></ListBucketResult>",
            Listing::ContinuationToken,
        )
        .expect("readable");
        let [object] = &page.list.objects[..] else { panic!("one object") };
        assert_eq!(object.key, "a//b +\u{1}");
        assert_eq!((object.size, object.etag.as_deref()), (344_606, Some("5B3C")));
        assert_eq!(object.object_type.as_deref(), Some("Normal"));
        assert_eq!(object.last_modified.map(|time| time.timestamp()), Some(1_589_780_754));
        assert_eq!(page.list.common_prefixes, ["a/"]);
        assert_eq!(page.next.as_deref(), Some("CgJiYw--="));
    }

    #[test]
    fn keys_are_taken_as_they_are_unless_the_reply_says_encoded() {
        let page = read(
            b"<ListBucketResult xmlns=\"http://obs.example/doc/2015-06-30/\"><IsTruncated>false</IsTruncated>\
              <NextMarker>left</NextMarker><Contents><Key>a%20+b</Key><Size>1</Size></Contents></ListBucketResult>",
            Listing::Marker,
        )
        .expect("readable");
        assert_eq!(page.list.objects[0].key, "a%20+b");
        assert_eq!(page.next, None);
    }

    #[test]
    fn a_missing_marker_is_the_last_entry() {
        let page = read(
            b"<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>b</Key><Size>1</Size></Contents>\
              <CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes></ListBucketResult>",
            Listing::Marker,
        );
        assert_eq!(page.expect("readable").next.as_deref(), Some("c/"));
        assert!(read(b"<ListBucketResult><Name>b</Name></ListBucketResult>", Listing::Marker).is_err());
        let truncated = b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
        assert!(read(truncated, Listing::Marker).is_err());
        assert!(read(truncated, Listing::ContinuationToken).is_err());
    }

    proptest! {
        #[test]
        fn any_key_comes_back_from_an_encoded_page(keys in proptest::collection::vec(any::<String>(), 0..20)) {
            let contents = keys.iter().map(|key| {
                format!("<Contents><Key>{}</Key><Size>0</Size></Contents>", encoding::component(key))
            });
            let contents = contents.collect::<String>();
            let head = "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>";
            let body = format!("<ListBucketResult>{head}{contents}</ListBucketResult>");
            let page = read(body.as_bytes(), Listing::Marker).expect("readable");
            let read: Vec<String> = page.list.objects.into_iter().map(|object| object.key).collect();
            prop_assert_eq!(read, keys);
        }

        #[test]
        fn a_page_cut_anywhere_is_refused(cut in 0_usize..150) {
            let body = b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>key</Key><Size>7</Size>\
                         </Contents><Contents><Key>other</Key><Size>8</Size></Contents></ListBucketResult>";
            prop_assert!(read(&body[..cut], Listing::Marker).is_err());
        }
    }
}
