//! The forms of each service.

use inventory::{KeyEncoding, Options, Row, Vendor};

use crate::written::{File, Read, Written, gzip};

const MD5: &str = "9e107d9d372bb6826bd81d3542a419d6";

fn row<'r>(read: &'r Read, key: &str) -> &'r Row {
    read.rows.iter().find(|row| row.key == key).unwrap_or_else(|| panic!("{key:?} in {:?}", read.keys()))
}

fn seconds(row: &Row) -> Option<i64> {
    row.modified.map(|time| time.timestamp())
}

#[tokio::test]
async fn s3_quotes_every_field_and_encodes_keys_as_a_form() {
    let schema = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass, \
                  IsMultipartUploaded, ReplicationStatus, EncryptionStatus";
    let line =
        |key: &str, latest: &str, marker: &str, size: &str, etag: &str, multipart: &str, encryption: &str| {
            let time = "2024-04-22T01:11:06.000Z";
            let fields =
                ["photos", key, "v", latest, marker, size, time, etag, "STANDARD", multipart, "", encryption];
            format!("\"{}\"\n", fields.join("\",\""))
        };
    let text = [
        line("b+%2B/%E6%B5%8B%2C%22%0A.jpg", "true", "false", "12", MD5, "false", "SSE-S3"),
        line("hive/dt%3D2026-01-31/symlink.txt", "true", "false", "1", MD5, "false", "SSE-KMS"),
        line("parts", "true", "false", "99", "d41d8cd98f00b204e9800998ecf8427e-3", "true", "NOT-SSE"),
        line("old", "false", "false", "7", MD5, "false", "NOT-SSE"),
        line("old", "true", "false", "8", MD5, "false", "NOT-SSE"),
        // A key that is deleted: its marker has neither size nor ETag, and the version before it is no longer
        // the latest.
        line("gone", "True", "True", "", "", "", ""),
        line("gone", "False", "False", "3", MD5, "false", "NOT-SSE"),
    ];
    // Real files end in an empty line.
    let file = File::gzip("inv/photos/all/data/a.csv.gz", &format!("{}\n", text.concat()));
    let mut written = Written::new("2016-11-30", schema).with(file);
    written.more = r#""creationTimestamp":"1769824800000","#.into();
    let read = written.read().await.unwrap();
    assert_eq!(read.inventory.manifest().vendor, Some(Vendor::S3));
    assert_eq!(read.keys(), ["b +/测,\"\n.jpg", "hive/dt=2026-01-31/symlink.txt", "old", "parts"]);
    let first = row(&read, "b +/测,\"\n.jpg");
    assert_eq!((first.size, seconds(first)), (12, Some(1_713_748_266)));
    assert_eq!((first.etag.as_deref(), first.md5.map(hex::encode).as_deref()), (Some(MD5), Some(MD5)));
    assert_eq!(row(&read, "old").size, 8);
    // Neither is an MD5.
    assert_eq!(row(&read, "hive/dt=2026-01-31/symlink.txt").md5, None);
    assert_eq!((row(&read, "parts").md5, row(&read, "parts").etag.is_some()), (None, true));
    let summary = read.summary;
    assert_eq!((summary.rows, summary.old_versions, summary.delete_markers), (4, 2, 1));
    assert_eq!(read.inventory.taken_at().map(|time| time.timestamp()), Some(1_769_824_800));
}

#[tokio::test]
async fn oss_has_bare_sizes_a_crc_and_a_plus_that_is_a_plus() {
    let schema = "Bucket, Key, Size, LastModifiedDate, ETag, EncryptionStatus, ObjectType, Crc64";
    let upper = MD5.to_uppercase();
    let text = format!(
        "\"photos\",\"a+b%20c/%25.jpg\",1048576,\"2023-10-26T08:00:00.000Z\",\"{upper}\",false,\"Normal\",\"18446744073709551615\"\r\n\
         \"photos\",\"kms\",3,\"2023-10-26T08:00:00.000Z\",\"{upper}\",true,\"Normal\",\"7\"\r\n\
         \"photos\",\"link\",3,\"2023-10-26T08:00:00.000Z\",\"{upper}\",false,\"Symlink\",\"\"\r\n"
    );
    let mut file = File::gzip("inv/photos/all/data/a.csv.gz", &text);
    file.entry = file.entry.to_uppercase().replace("MD5CHECKSUM", "MD5checksum").replace("SIZE", "size");
    let read = Written::new("2019-09-01", schema).with(file).read().await.unwrap();
    assert_eq!(read.keys(), ["a+b c/%.jpg", "kms", "link"]);
    let first = row(&read, "a+b c/%.jpg");
    assert_eq!((first.size, first.crc64, first.etag.as_deref()), (1_048_576, Some(u64::MAX), Some(&*upper)));
    assert_eq!(first.md5.map(hex::encode).as_deref(), Some(MD5));
    assert_eq!((row(&read, "kms").md5, row(&read, "kms").crc64), (None, Some(7)));
    assert_eq!((row(&read, "link").is_symlink, row(&read, "link").crc64), (true, None));
    assert!(!first.is_symlink);
}

#[tokio::test]
async fn obs_is_plain_text_with_encoded_file_names_and_a_count_of_rows() {
    let schema = "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag";
    let text = "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag\n\
                photos,b+c,,TRUE,FALSE,5,2024-04-22 01:11:06,\"\"\"9E107D9D372BB6826BD81D3542A419D6\"\"\"\n\
                photos,a,,,,6,,\n";
    let key = "inv%2Fphotos%2Fall%2F2026-01-31T02-00Z%2Ffiles%2FA_0.csv";
    let entry = format!(r#""size":"{}","inventoriedRecord":2"#, text.len());
    let file = File { key: key.into(), bytes: text.into(), entry };
    let mut written = Written::new("2019-01-03", schema).with(file);
    let read = written.read().await.unwrap();
    assert_eq!((read.inventory.manifest().vendor, read.keys()), (Some(Vendor::Obs), vec!["a", "b c"]));
    let second = row(&read, "b c");
    assert_eq!(second.etag.as_deref(), Some("9E107D9D372BB6826BD81D3542A419D6"));
    assert_eq!((second.size, seconds(second), row(&read, "a").modified), (5, Some(1_713_748_266), None));
    // The manifest has no time of its own: that of the folder counts.
    let taken = read.inventory.taken_at().map(|time| time.to_rfc3339());
    assert_eq!(taken.as_deref(), Some("2026-01-31T02:00:00+00:00"));
    // A header may count as a row.
    written.files[0].entry = written.files[0].entry.replace(":2", ":3");
    assert_eq!(written.read().await.unwrap().rows.len(), 2);
}

#[tokio::test]
async fn cos_begins_with_an_app_id() {
    let schema = "Appid, Bucket, Key, Size, LastModifiedDate, ETag, Crc64";
    let text = "\"125\",\"photos\",\"a+b\",\"5\",\"2024-04-22T01:11:06Z\",\"\",\"\"\n";
    let bytes = gzip(text);
    let md5 = hex::encode(<md5::Md5 as md5::Digest>::digest(&bytes));
    let entry = format!(r#""size":"{}","md5Checksum":"{md5}""#, bytes.len());
    let file = File { key: "inv/photos/all/x.csv.gz".into(), bytes, entry };
    let mut written = Written::new("", schema).with(file);
    written.more = r#""sourceAppid":"125","destinationAppid":"125","listObjectCount":"1","#.into();
    let manifest = written.manifest().replace("\"version\":\"\",", "");
    let path = written.write();
    std::fs::remove_file(path.with_file_name("manifest.checksum")).unwrap();
    std::fs::write(&path, manifest).unwrap();
    let read = crate::written::read(&path, Options::default()).await.unwrap();
    assert_eq!((read.inventory.manifest().vendor, read.keys()), (Some(Vendor::Cos), vec!["a b"]));
}

#[tokio::test]
async fn a_key_encoding_that_is_set_overrules_that_of_the_service() {
    let text = "\"photos\",\"a+b%2F%20\",\"1\",\"\",\"\"\n";
    for (encoding, key) in
        [(KeyEncoding::Form, "a b/ "), (KeyEncoding::Percent, "a+b/ "), (KeyEncoding::Plain, "a+b%2F%20")]
    {
        let options = Options { key_encoding: Some(encoding), ..Options::default() };
        assert_eq!(Written::s3(text).read_with(options).await.unwrap().keys(), [key]);
    }
    let mut unknown = Written::s3(text);
    unknown.version = "2031-01-01";
    let error = unknown.read().await.unwrap_err().to_string();
    assert!(error.contains("its version is 2031-01-01, which is not known"), "{error}");
    let options = Options { key_encoding: Some(KeyEncoding::Form), ..Options::default() };
    assert_eq!(unknown.read_with(options).await.unwrap().keys(), ["a b/ "]);
}

#[tokio::test]
async fn files_of_several_gzip_members_in_any_order_make_one_sorted_list() {
    let line = |key: &str| format!("\"photos\",\"{key}\",\"1\",\"2024-04-22T01:11:06Z\",\"\"\n");
    let members = [gzip(&line("b")), gzip(&line("a/x")), gzip(&line("a"))].concat();
    let written = Written::s3(&[line("z"), line("c")].concat())
        .with(File::checked("inv/photos/all/data/b.csv.gz", members));
    let read = written.read().await.unwrap();
    assert_eq!(read.keys(), ["a", "a/x", "b", "c", "z"]);
    assert_eq!((read.summary.files, read.summary.spilled), (2, 0));
}

#[tokio::test]
async fn of_two_rows_of_a_key_the_newer_one_counts() {
    let line = |size: u64, time: &str| format!("\"photos\",\"k\",\"{size}\",\"{time}\",\"\"\n");
    let text = [
        line(1, "2024-04-22T01:11:06Z"),
        line(2, "2024-04-22T01:11:08Z"),
        line(3, ""),
        line(4, "2024-04-22T01:11:07Z"),
    ];
    let read = Written::s3(&text.concat()).read().await.unwrap();
    assert_eq!((read.rows.len(), read.rows[0].size, read.duplicates), (1, 2, 3));
}

#[tokio::test]
async fn more_rows_than_fit_in_memory_are_sorted_on_the_disk() {
    // Every key once, in an order that is none.
    let row = |number: u32| {
        let key = number * 7 % 5000;
        format!("\"photos\",\"k/{key:05}\",\"{number}\",\"2024-04-22T01:11:06Z\",\"{MD5}\"\n")
    };
    let text = (0..5000).map(row).collect::<Vec<_>>().concat();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { memory: 16 << 10, temporary: folder.path().into(), ..Options::default() };
    let progress = options.progress.clone();
    let read = Written::s3(&text).read_with(options).await.unwrap();
    assert!(read.summary.spilled > 0);
    assert_eq!(read.rows.len(), 5000);
    assert!(read.keys().is_sorted());
    assert_eq!(read.rows[7].key, "k/00007");
    assert_eq!((read.rows[7].size, read.rows[7].md5.is_some()), (1, true));
    assert_eq!(progress.rows(), 5000);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_empty_inventory_has_no_rows() {
    let read = Written::new("2019-09-01", "Bucket, Key, Size").read().await.unwrap();
    assert_eq!((read.rows.len(), read.summary.files), (0, 0));
    let read = Written::s3("").read().await.unwrap();
    assert_eq!((read.rows.len(), read.summary.files), (0, 1));
}

#[tokio::test]
async fn an_inventory_is_complete_to_a_day_before_its_time() {
    let read = Written::s3("").read().await.unwrap();
    let until = read.inventory.complete_to().map(|time| time.to_rfc3339());
    assert_eq!(until.as_deref(), Some("2026-01-30T02:00:00+00:00"));
    // Of the times of manifest and folder the earlier one counts.
    for (stamp, taken) in [(1_769_824_000, 1_769_824_000), (1_769_999_999, 1_769_824_800)] {
        let mut written = Written::s3("");
        written.more = format!(r#""creationTimestamp":"{stamp}","#);
        let read = written.read().await.unwrap();
        assert_eq!(read.inventory.taken_at().map(|time| time.timestamp()), Some(taken));
    }
}
