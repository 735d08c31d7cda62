//! What is damaged is an error that names the file, and yields no rows.

use inventory::{Error, Options};

use crate::written::{FOLDER, File, Written, gzip, put, read};

const ROW: &str = "\"photos\",\"k\",\"1\",\"2024-04-22T01:11:06Z\",\"\"\n";

/// The message of the error with which an inventory fails.
async fn failure(written: &Written) -> String {
    written.read().await.map(|read| read.rows).unwrap_err().to_string()
}

fn many() -> String {
    (0..2000).map(|number| ROW.replace("\"k\"", &format!("\"k{number}\""))).collect()
}

#[tokio::test]
async fn a_file_with_another_md5_or_size_is_refused() {
    let mut written = Written::s3(ROW);
    let md5 = written.files[0].entry.clone();
    written.files[0].entry = md5.replace("MD5checksum\":\"", "MD5checksum\":\"00").replace("00\"", "\"");
    let digits = written.files[0].entry.rfind('"').unwrap();
    written.files[0].entry.replace_range(digits - 2..digits, "");
    let error = failure(&written).await;
    assert!(
        error.contains("/data/a.csv.gz: its MD5 is ") && error.contains("the manifest says 00"),
        "{error}"
    );
    let size = written.files[0].bytes.len();
    written.files[0].entry = format!(r#""size":{}"#, size + 1);
    let error = failure(&written).await;
    assert!(error.contains(&format!("it has {size} bytes, and the manifest says {}", size + 1)), "{error}");
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_reported_as_that() {
    let mut written = Written::s3("");
    let whole = gzip(&many());
    let cut = whole[..whole.len() / 2].to_vec();
    // By its checksum, and without one by its compression.
    written.files = vec![File { bytes: cut.clone(), ..File::checked("inv/a.csv.gz", whole) }];
    let error = failure(&written).await;
    assert!(
        error.contains("inv/a.csv.gz: it has ") && error.contains(" bytes, and the manifest says "),
        "{error}"
    );
    written.files = vec![File { key: "inv/a.csv.gz".into(), bytes: cut, entry: r#""x":0"#.into() }];
    let error = failure(&written).await;
    assert!(error.ends_with("inv/a.csv.gz: it ends within its compressed data"), "{error}");
    let mut bytes = gzip(&many());
    // The checksum that ends a member.
    let end = bytes.len();
    bytes[end - 8..end - 4].fill(0x55);
    written.files = vec![File { key: "inv/a.csv.gz".into(), bytes, entry: r#""x":0"#.into() }];
    let error = failure(&written).await;
    assert!(error.contains("inv/a.csv.gz: its compressed data are damaged"), "{error}");
}

#[tokio::test]
async fn a_file_with_fewer_rows_than_the_manifest_says_is_refused() {
    let mut written = Written::s3(ROW);
    written.files[0].entry.push_str(r#","inventoriedRecord":2"#);
    let error = failure(&written).await;
    assert!(error.ends_with("it has 1 rows, and the manifest says 2"), "{error}");
}

#[tokio::test]
async fn a_missing_file_names_where_it_was_looked_for() {
    let written = Written::s3(ROW);
    let path = written.write();
    std::fs::remove_file(written.path("inv/photos/all/data/a.csv.gz")).unwrap();
    let error = read(&path, Options::default()).await.unwrap_err();
    assert!(matches!(error, Error::File { .. }));
    let message = error.to_string();
    assert!(message.contains("the file that the manifest names is missing; looked for"), "{message}");
    assert!(message.contains("/inv/photos/all/data/a.csv.gz\""), "{message}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_names_file_line_and_reason() {
    for (row, part) in [
        ("\"photos\",\"k\",\"1\",\"\"\n", "4 columns, where fileSchema names 5"),
        ("\"photos\",\"k\",\"1\",\"\",\"\",\"\"\n", "6 columns, where fileSchema names 5"),
        ("\"photos\",\"k\",\"many\",\"\",\"\"\n", "Size is not a number: \"many\""),
        ("\"photos\",\"k\",\"-1\",\"\",\"\"\n", "Size is not a number: \"-1\""),
        ("\"photos\",\"k\",\"\",\"\",\"\"\n", "the size is empty"),
        ("\"photos\",\"50%\",\"1\",\"\",\"\"\n", "the key is not URL-encoded"),
        ("\"photos\",\"%FF\",\"1\",\"\",\"\"\n", "the key is not UTF-8: \"%FF\""),
        ("\"photos\",\"\",\"1\",\"\",\"\"\n", "the key is empty"),
        ("\"photos\",\"k,1,,\n", "columns, where fileSchema names 5"),
    ] {
        let error = Written::s3(&[ROW, ROW, "\n", row].concat()).read().await.unwrap_err();
        let Error::Row { file, line, why } = &error else { panic!("{row}: {error}") };
        assert!(file.ends_with("/data/a.csv.gz") && *line == 4 && why.contains(part), "{row}: {error}");
    }
}

#[tokio::test]
async fn a_flag_or_a_checksum_that_is_none_is_refused() {
    for (schema, row, part) in [
        ("Key, Size, IsLatest", "k,1,perhaps\n", "IsLatest is neither true nor false: \"perhaps\""),
        ("Key, Size, Crc64", "k,1,abc\n", "Crc64 is not a number: \"abc\""),
    ] {
        let error =
            Written::new("2019-09-01", schema).with(File::gzip("inv/a", row)).read().await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_row_that_is_wrong_since_the_file_is_another_one_is_reported_as_that() {
    let mut written = Written::s3("");
    let other = gzip("nothing,of,it\n");
    written.files = vec![File { bytes: other, ..File::gzip("inv/a.csv.gz", ROW) }];
    let error = failure(&written).await;
    assert!(error.contains("and the manifest says"), "{error}");
}

#[tokio::test]
async fn a_manifest_that_does_not_match_its_checksum_is_refused() {
    let written = Written::s3(ROW);
    let path = written.write();
    let checksum = written.path(FOLDER).join("manifest.checksum");
    let right = std::fs::read_to_string(&checksum).unwrap();
    // In either case, with a line break.
    put(&checksum, format!("{}\n", right.to_uppercase()).as_bytes());
    assert_eq!(read(&path, Options::default()).await.unwrap().rows.len(), 1);
    put(&checksum, "0".repeat(32).as_bytes());
    let error = read(&path, Options::default()).await.unwrap_err().to_string();
    assert!(error.contains("it is being written, or was changed"), "{error}");
    put(&checksum, b"soon");
    let error = read(&path, Options::default()).await.unwrap_err().to_string();
    assert!(error.contains("manifest.checksum beside it is not an MD5"), "{error}");
}

#[tokio::test]
async fn a_folder_without_room_is_named() {
    let options = Options { memory: 1024, temporary: "/nonexistent/folder".into(), ..Options::default() };
    let error = Written::s3(&many()).read_with(options).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot sort the inventory in /nonexistent/folder: "), "{error}");
}
