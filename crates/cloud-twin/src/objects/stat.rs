//! What a bucket holds, counted: `GetBucketStat` of OSS and `GetBucketStorageInfo` of OBS.
//!
//! See <https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketstat> and
//! <https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0041.html>.

use super::Call;
use super::reply::xml_reply;
use crate::error::Outcome;
use crate::reply::Reply;
use crate::store::Bucket;
use crate::xml::Document;

/// Storage classes of OSS, each as the elements name it.
const CLASSES: [(&str, &str); 5] = [
    ("Standard", "Standard"),
    ("IA", "InfrequentAccess"),
    ("Archive", "Archive"),
    ("ColdArchive", "ColdArchive"),
    ("DeepColdArchive", "DeepColdArchive"),
];

/// Bytes and objects.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    bytes: u64,
    objects: u64,
}

/// What the objects come to whose class `counts`.
fn sum(bucket: &Bucket, default_class: &str, counts: impl Fn(&str) -> bool) -> Sum {
    bucket.with_objects(|objects| {
        let class = |class: Option<&str>| counts(class.unwrap_or(default_class));
        let counted = objects.values().filter(|object| class(object.headers.storage_class.as_deref()));
        counted.fold(Sum::default(), |sum, object| Sum {
            bytes: sum.bytes + object.body.len(),
            objects: sum.objects + 1,
        })
    })
}

pub(super) fn bucket_stat(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let default_class = call.dialect.default_storage_class();
    let all = sum(&bucket, default_class, |_| true);
    let (uploads, parts) = {
        let uploads = bucket.uploads.lock();
        (uploads.len(), uploads.values().map(|upload| upload.parts.len()).sum::<usize>())
    };
    let mut xml = Document::new("BucketStat", None);
    xml.leaf("Storage", &all.bytes.to_string())
        .leaf("ObjectCount", &all.objects.to_string())
        .leaf("MultipartUploadCount", &uploads.to_string())
        .leaf("MultipartPartCount", &parts.to_string())
        .leaf("LiveChannelCount", "0")
        .leaf("DeleteMarkerCount", "0")
        .leaf("LastModifiedTime", &call.cloud.now().timestamp().to_string());
    for (class, name) in CLASSES {
        let Sum { bytes, objects } = sum(&bucket, default_class, |of_object| of_object == class);
        xml.leaf(&format!("{name}Storage"), &bytes.to_string());
        if class != "Standard" {
            // Nothing is billed here for more than it has.
            xml.leaf(&format!("{name}RealStorage"), &bytes.to_string());
        }
        xml.leaf(&format!("{name}ObjectCount"), &objects.to_string());
    }
    Ok(xml_reply(xml.finish()))
}

pub(super) fn storage_info(call: &Call<'_>) -> Outcome<Reply> {
    let all = sum(&*call.bucket()?, call.dialect.default_storage_class(), |_| true);
    let mut xml = Document::new("GetBucketStorageInfoResult", call.dialect.namespace());
    xml.leaf("Size", &all.bytes.to_string()).leaf("ObjectNumber", &all.objects.to_string());
    Ok(xml_reply(xml.finish()))
}
