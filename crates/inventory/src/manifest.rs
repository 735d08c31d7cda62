//! `manifest.json`: which files make up an inventory, and what is in them.

use chrono::{DateTime, Utc};
use oss_lite::etag_md5;
use serde_json::{Map, Value};

use crate::schema::Schema;
use crate::times;
use crate::vendor::Vendor;

/// The manifest of an inventory, of any service.
///
/// Read leniently, since the services differ, and so do their pages and what they write: names in any case,
/// numbers with or without quotes, the bucket as a name or an ARN, times and checksums that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// Who wrote it; `None` for a version that is not known.
    pub vendor: Option<Vendor>,
    /// Its `version`.
    pub version: Option<String>,
    /// The bucket whose objects are listed.
    pub source_bucket: String,
    /// When the inventory was made, where the manifest says so.
    pub created: Option<DateTime<Utc>>,
    /// The columns of the files.
    pub schema: Schema,
    /// The files, in the order of the manifest.
    pub files: Vec<DataFile>,
}

/// A file of an inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataFile {
    /// Its key, as the manifest has it.
    pub key: String,
    /// Size in bytes.
    pub size: Option<u64>,
    /// MD5 of its bytes.
    pub md5: Option<[u8; 16]>,
    /// The number of its rows.
    pub rows: Option<u64>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// Why it is none, or which inventories are not read.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            let why = error.to_string();
            let comma = why.contains("comma");
            let remedy =
                if comma { "; take the comma out, in a copy of the file on this machine" } else { "" };
            format!("the manifest is not JSON: {why}{remedy}")
        })?;
        let Value::Object(members) = value else { return Err("the manifest is not a JSON object".into()) };
        let manifest = Members(&members);
        let format = manifest.text("fileFormat")?.unwrap_or_else(|| "CSV".into());
        if !format.eq_ignore_ascii_case("csv") {
            return Err(format!(
                "the inventory is in the format {format}, and only CSV is read: set the output format of the \
                 inventory's rule to CSV, and take its next inventory"
            ));
        }
        let source_bucket = manifest.text("sourceBucket")?.ok_or("the manifest names no sourceBucket")?;
        let schema = manifest.text("fileSchema")?.ok_or("the manifest has no fileSchema")?;
        let version = manifest.text("version")?;
        let created = manifest.text("creationTimestamp")?;
        let Some(Value::Array(files)) = manifest.get("files") else {
            return Err("the manifest has no list of files".into());
        };
        Ok(Self {
            vendor: Vendor::of(version.as_deref(), manifest.get("sourceAppid").is_some()),
            version,
            source_bucket: bucket(&source_bucket).to_owned(),
            created: created.as_deref().and_then(times::of_manifest),
            schema: Schema::parse(&schema)?,
            files: files.iter().map(file).collect::<Result<_, _>>()?,
        })
    }
}

impl Manifest {
    /// The rows of all files, where it has the number of each.
    pub fn rows(&self) -> Option<u64> {
        self.files.iter().map(|file| file.rows).try_fold(0_u64, |sum, rows| sum.checked_add(rows?))
    }

    /// Whether earlier versions, and keys that are deleted, have rows as well.
    pub fn has_versions(&self) -> bool {
        self.schema.has_versions()
    }
}

/// A bucket by its name, or by its ARN on S3.
fn bucket(text: &str) -> &str {
    if text.starts_with("arn:") { text.rsplit(':').next().unwrap_or(text) } else { text }
}

fn file(value: &Value) -> Result<DataFile, String> {
    let Value::Object(members) = value else { return Err("an entry of files is not a JSON object".into()) };
    let file = Members(members);
    let key = file.text("key")?.filter(|key| !key.is_empty()).ok_or("an entry of files has no key")?;
    let md5 = match file.text("MD5checksum")? {
        Some(text) if !text.trim().is_empty() => {
            let md5 = etag_md5(text.trim());
            Some(md5.ok_or_else(|| format!("the checksum {text:?} of {key:?} is not an MD5"))?)
        }
        _ => None,
    };
    Ok(DataFile { size: file.number("size")?, rows: file.number("inventoriedRecord")?, md5, key })
}

/// Members of an object, by their names in any case.
struct Members<'m>(&'m Map<String, Value>);

impl Members<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        let Self(members) = self;
        let found = members.get(name).or_else(|| {
            members.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("{name} of the manifest is neither text nor a number")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.trim().is_empty() {
            return Ok(None);
        }
        text.trim().parse().map(Some).map_err(|_| format!("{name} of a file is not a number: {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S3: &str = r#"{"sourceBucket":"photos","destinationBucket":"arn:aws:s3:::logs","version":"2016-11-30",
        "creationTimestamp":"1514944800000","fileFormat":"CSV","fileSchema":"Bucket, Key, Size, ETag",
        "files":[{"key":"inv/photos/all/data/a.csv.gz","size":2147483647,
                  "MD5checksum":"f11166069f1990abeb9c97ace9cdfabc"}]}"#;

    const OSS: &str = r#"{"creationTimestamp":"1642994594","destinationBucket":"logs","fileFormat":"CSV",
        "fileSchema":"Bucket, Key, Crc64, Size","files":[{"MD5checksum":"F77449179760C3B13F1E76110F07****",
        "key":"inv/a.csv.gz","size":2046}],"sourceBucket":"photos","version":"2019-09-01"}"#;

    const OBS: &str = r#"{"sourceBucket":"photos","destinationBucket":"logs","version":"2019-01-03",
        "fileFormat":"CSV","fileSchema":"Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size",
        "files":[{"key":"BucketInventory%2Fphotos%2Fa.csv","size":"6748","inventoriedRecord":70}]}"#;

    const COS: &str = r#"{"sourceAppid":"1250000000","sourceBucket":"photos","destinationAppid":"1250000000",
        "destinationBucket":"logs","fileFormat":"CSV","listObjectCount":"3","listStorageSize":"30",
        "fileSchema":"Appid, Bucket, Key, Size, LastModifiedDate","files":[{"key":"cos_bucket_inventory/a.csv.gz",
        "size":"205","md5Checksum":"f7b5c95d81ec2b2e9c2bbd4b5e4ed8c5"}]}"#;

    fn md5_of(manifest: &Manifest) -> Option<String> {
        manifest.files[0].md5.map(hex::encode)
    }

    #[test]
    fn manifests_of_all_vendors_are_read() {
        let s3 = Manifest::parse(S3.as_bytes()).unwrap();
        assert_eq!((s3.vendor, s3.source_bucket.as_str()), (Some(Vendor::S3), "photos"));
        assert_eq!(s3.created.map(|time| time.timestamp()), Some(1_514_944_800));
        assert_eq!(md5_of(&s3).as_deref(), Some("f11166069f1990abeb9c97ace9cdfabc"));
        assert_eq!((s3.files[0].size, s3.files[0].rows), (Some(2_147_483_647), None));

        let oss = Manifest::parse(OSS.replace("****", "ABCD").as_bytes()).unwrap();
        assert_eq!(
            (oss.vendor, oss.created.map(|time| time.timestamp())),
            (Some(Vendor::Oss), Some(1_642_994_594))
        );
        assert_eq!(md5_of(&oss).as_deref(), Some("f77449179760c3b13f1e76110f07abcd"));
        assert!(oss.schema.has_crc64());

        let obs = Manifest::parse(OBS.as_bytes()).unwrap();
        assert_eq!((obs.vendor, obs.created, md5_of(&obs)), (Some(Vendor::Obs), None, None));
        assert_eq!((obs.files[0].size, obs.files[0].rows), (Some(6748), Some(70)));

        let cos = Manifest::parse(COS.as_bytes()).unwrap();
        assert_eq!((cos.vendor, cos.files[0].size), (Some(Vendor::Cos), Some(205)));
        assert_eq!(md5_of(&cos).as_deref(), Some("f7b5c95d81ec2b2e9c2bbd4b5e4ed8c5"));
    }

    #[test]
    fn names_are_read_in_any_case_and_numbers_without_quotes() {
        let text = S3.to_uppercase().replace("\"1514944800000\"", "1514944800000");
        let manifest = Manifest::parse(format!("\u{feff}{text}").as_bytes()).unwrap();
        assert_eq!(manifest.vendor, Some(Vendor::S3));
        assert_eq!(manifest.created.map(|time| time.timestamp()), Some(1_514_944_800));
        let bare = S3
            .replace("\"1514944800000\"", "\"12:10:00\"")
            .replace(",\n                  \"MD5checksum\":\"f11166069f1990abeb9c97ace9cdfabc\"", "");
        let manifest = Manifest::parse(bare.as_bytes()).unwrap();
        assert_eq!((manifest.created, manifest.files[0].md5), (None, None));
        let arn = S3.replace("\"photos\"", "\"arn:aws:s3:::photos\"");
        assert_eq!(Manifest::parse(arn.as_bytes()).unwrap().source_bucket, "photos");
    }

    #[test]
    fn an_unknown_version_has_no_vendor() {
        let manifest = Manifest::parse(S3.replace("2016-11-30", "2031-01-01").as_bytes()).unwrap();
        assert_eq!((manifest.vendor, manifest.version.as_deref()), (None, Some("2031-01-01")));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let orc = S3.replace("CSV", "ORC");
        let parquet = S3.replace("\"CSV\"", "\"Parquet\"");
        let comma = OBS.replace("70}]", "70},]");
        for (text, part) in [
            (orc.as_str(), "the format ORC, and only CSV is read: set the output format"),
            (&parquet, "the format Parquet"),
            (&comma, "trailing comma at line 3 column"),
            (&comma, "take the comma out"),
            ("[]", "not a JSON object"),
            ("", "not JSON"),
            (&S3.replace("sourceBucket", "x"), "names no sourceBucket"),
            (&S3.replace("fileSchema", "x"), "no fileSchema"),
            (&S3.replace("\"files\"", "\"x\""), "no list of files"),
            (&S3.replace("\"key\"", "\"x\""), "has no key"),
            (&S3.replace("f11166069f1990abeb9c97ace9cdfabc", "f111"), "is not an MD5"),
            (&OBS.replace("\"6748\"", "\"many\""), "size of a file is not a number: \"many\""),
            (&S3.replace("\"2016-11-30\"", "[1]"), "version of the manifest is neither text nor a number"),
        ] {
            let why = Manifest::parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(part), "{part}: {why}");
        }
    }
}
