//! What a migration task is to do, and the body of the request that creates it.

use std::sync::Arc;

use bytes::Bytes;
use oss_lite::Credentials;
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::oms::secrets::Secrets;

/// A cloud that OMS reads from, as far as this program has sources there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceCloud {
    /// Alibaba Cloud OSS.
    Aliyun,
    /// Huawei Cloud OBS.
    Huawei,
    /// Amazon S3.
    Aws,
    /// Tencent Cloud COS.
    Tencent,
}

impl SourceCloud {
    const fn name(self) -> &'static str {
        match self {
            Self::Aliyun => "Aliyun",
            Self::Huawei => "HuaweiCloud",
            Self::Aws => "AWS",
            Self::Tencent => "Tencent",
        }
    }

    /// How OMS verifies what it copied: CRC-64 where both services keep one.
    const fn consistency_check(self) -> &'static str {
        match self {
            Self::Aliyun | Self::Huawei | Self::Tencent => "crc64",
            Self::Aws => "size_last_modified",
        }
    }
}

/// Where objects are read.
#[derive(Clone, Debug)]
pub struct SourceNode {
    /// Its cloud.
    pub cloud: SourceCloud,
    /// Region in the words of that cloud.
    pub region: String,
    /// Bucket.
    pub bucket: String,
    /// Keys that OMS reads with.
    pub credentials: Arc<Credentials>,
}

/// Where objects are written, and the lists of OMS with them.
#[derive(Clone, Debug)]
pub struct DestinationNode {
    /// Region, which must be that of the endpoint of OMS.
    pub region: String,
    /// Bucket.
    pub bucket: String,
    /// Keys that OMS writes with, and reads the list of objects with.
    pub credentials: Arc<Credentials>,
    /// What comes before each key of the source; empty for nothing.
    pub save_prefix: String,
}

/// The list of objects, in OBS in the region of the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFile {
    /// Bucket.
    pub bucket: String,
    /// Key, which must end in `.txt`.
    pub key: String,
}

/// What a migration task is to do. `Debug` shows access key ids, no secret.
#[derive(Clone, Debug)]
pub struct MigrationOrder {
    /// Where objects are read.
    pub source: SourceNode,
    /// Where they are written.
    pub destination: DestinationNode,
    /// Which.
    pub list: ListFile,
    /// At most 255 characters, without any of `^<>&"'`; see
    /// [`MigrationApi::find`](super::MigrationApi::find).
    pub description: String,
}

impl MigrationOrder {
    /// The secrets in the body, which an answer may repeat.
    pub(super) fn secrets(&self) -> Secrets<'_> {
        let both = [&self.source.credentials, &self.destination.credentials];
        let secrets = both.into_iter().flat_map(|keys| [Some(keys.secret()), keys.security_token()]);
        Secrets::default().and(secrets.flatten().map(ExposeSecret::expose_secret))
    }

    /// The body of `CreateTask`. It has secrets in it.
    ///
    /// What is on the list differs or is missing, so it is copied whatever the destination has:
    /// `FULL_OVERWRITE`. The default would skip a different object of the same size with a later time.
    pub(super) fn body(&self) -> Bytes {
        let Self { source, destination, list, description } = self;
        let body = Body {
            task_type: "list",
            src_node: SourceBody {
                cloud_type: source.cloud.name(),
                region: &source.region,
                bucket: &source.bucket,
                keys: KeysBody::of(&source.credentials),
                list_file: ListBody { obs_bucket: &list.bucket, list_file_key: &list.key },
            },
            dst_node: DestinationBody {
                region: &destination.region,
                bucket: &destination.bucket,
                save_prefix: Some(&*destination.save_prefix).filter(|prefix| !prefix.is_empty()),
                keys: KeysBody::of(&destination.credentials),
            },
            description,
            enable_metadata_migration: true,
            enable_failed_object_recording: true,
            object_overwrite_mode: "FULL_OVERWRITE",
            consistency_check: source.cloud.consistency_check(),
        };
        // A structure of texts and booleans is always JSON.
        serde_json::to_vec(&body).unwrap_or_default().into()
    }
}

#[derive(Serialize)]
struct Body<'o> {
    task_type: &'static str,
    src_node: SourceBody<'o>,
    dst_node: DestinationBody<'o>,
    description: &'o str,
    enable_metadata_migration: bool,
    enable_failed_object_recording: bool,
    object_overwrite_mode: &'static str,
    consistency_check: &'static str,
}

#[derive(Serialize)]
struct SourceBody<'o> {
    cloud_type: &'static str,
    region: &'o str,
    bucket: &'o str,
    #[serde(flatten)]
    keys: KeysBody<'o>,
    list_file: ListBody<'o>,
}

#[derive(Serialize)]
struct DestinationBody<'o> {
    region: &'o str,
    bucket: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    save_prefix: Option<&'o str>,
    #[serde(flatten)]
    keys: KeysBody<'o>,
}

#[derive(Serialize)]
struct KeysBody<'o> {
    ak: &'o str,
    sk: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_token: Option<&'o str>,
}

impl<'o> KeysBody<'o> {
    fn of(credentials: &'o Credentials) -> Self {
        Self {
            ak: credentials.access_key_id(),
            sk: credentials.secret().expose_secret(),
            security_token: credentials.security_token().map(ExposeSecret::expose_secret),
        }
    }
}

#[derive(Serialize)]
struct ListBody<'o> {
    obs_bucket: &'o str,
    list_file_key: &'o str,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn order(prefix: &str) -> MigrationOrder {
        let source = Credentials::new("the-source-id", "hush-source").with_security_token("hush-token");
        MigrationOrder {
            source: SourceNode {
                cloud: SourceCloud::Aliyun,
                region: "cn-hangzhou".into(),
                bucket: "photos".into(),
                credentials: Arc::new(source),
            },
            destination: DestinationNode {
                region: "cn-north-4".into(),
                bucket: "copies".into(),
                credentials: Arc::new(Credentials::new("the-destination-id", "hush-destination")),
                save_prefix: prefix.into(),
            },
            list: ListFile { bucket: "copies".into(), key: "oms_source_record/x.txt".into() },
            description: "oms-bridge 1".into(),
        }
    }

    /// The file is also held against the models of Huawei's client, in `tests/peers/oms_test.py`.
    #[test]
    fn the_body_is_that_of_the_fixture() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/oms/create-list-task.json");
        let expected: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let body: Value = serde_json::from_slice(&order("backup/").body()).unwrap();
        assert_eq!(body, expected);
        let body: Value = serde_json::from_slice(&order("").body()).unwrap();
        assert!(body["dst_node"].get("save_prefix").is_none(), "{body}");
    }

    #[test]
    fn debug_output_shows_ids_and_no_secret() {
        let text = format!("{:?}", order("x/"));
        assert!(text.contains("the-source-id") && text.contains("the-destination-id"), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
}
