//! Finds the manifest of an inventory, and the files that it names.

use chrono::{DateTime, Utc};
use md5::{Digest as _, Md5};
use object_copy::transfer::ObjectReader;
use oss_lite::etag_md5;

use crate::error::Error;
use crate::files::Files;
use crate::manifest::{DataFile, Manifest};
use crate::times;

/// Name of a manifest in its folder.
const NAME: &str = "manifest.json";

/// Name of the file with its MD5.
const CHECKSUM: &str = "manifest.checksum";

/// Largest manifest. A file of it takes about 200 bytes, and has some million rows.
const LARGEST: u64 = 64 << 20;

/// What the folders of manifests begin with: the century. `data/` and `hive/` beside them are not listed.
const CENTURY: &str = "2";

/// A manifest, and where it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) manifest: Manifest,
    /// The time in the name of its folder.
    pub(crate) folder_time: Option<DateTime<Utc>>,
    /// Requests that this took.
    pub(crate) requests: u64,
}

/// The manifest at `key`, or the newest one below the folder `key`.
pub(crate) async fn manifest(files: &Files, key: &str) -> Result<Found, Error> {
    let is_file = !key.is_empty() && !key.ends_with('/');
    let mut requests = u64::from(is_file);
    if is_file && let Some(bytes) = files.read(key, LARGEST).await? {
        return read(files, key.to_owned(), &bytes, requests).await;
    }
    let folder = if is_file { format!("{key}/") } else { key.to_owned() };
    // Without a listing, where the folder is that of one inventory.
    let within = format!("{folder}{NAME}");
    requests += 1;
    if let Some(bytes) = files.read(&within, LARGEST).await? {
        return read(files, within, &bytes, requests).await;
    }
    let none = || {
        let why = format!(
            "no inventory is there: neither a {NAME} nor a folder of a time (2026-01-31T00-00Z) with one; name \
             the manifest, or the folder of one rule: …/BUCKET/RULE/"
        );
        Error::Address { address: files.address(key), why }
    };
    let (names, pages) = files.folders_with(&folder, CENTURY, NAME).await?;
    // And one for the manifest in the newest.
    requests += pages + 1;
    // Two of one day are told apart by the hour, and two of one minute by their names.
    let newest = names.into_iter().filter_map(|name| Some((times::of_folder(&name)?, name))).max();
    let (_, name) = newest.ok_or_else(none)?;
    let key = format!("{folder}{name}/{NAME}");
    let bytes = files.read(&key, LARGEST).await?.ok_or_else(none)?;
    read(files, key, &bytes, requests).await
}

/// Checks a manifest that took so many requests.
async fn read(files: &Files, key: String, bytes: &[u8], mut requests: u64) -> Result<Found, Error> {
    let failed = |why| Error::Manifest { manifest: files.address(&key), why };
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", &key));
    let checksum = if folder.is_empty() { CHECKSUM.to_owned() } else { format!("{folder}/{CHECKSUM}") };
    requests += u64::from(name == NAME);
    if name == NAME
        && let Some(text) = files.read(&checksum, 4096).await?
    {
        let text = String::from_utf8_lossy(&text);
        let told =
            etag_md5(text.trim()).ok_or_else(|| failed(format!("{CHECKSUM} beside it is not an MD5")))?;
        let found: [u8; 16] = Md5::digest(bytes).into();
        if told != found {
            let why = format!(
                "its MD5 is {}, and {CHECKSUM} beside it has {}: it is being written, or was changed",
                hex::encode(found),
                hex::encode(told)
            );
            return Err(failed(why));
        }
    }
    let manifest = Manifest::parse(bytes).map_err(failed)?;
    let folder_time = folder.rsplit('/').next().and_then(times::of_folder);
    Ok(Found { key, manifest, folder_time, requests })
}

/// Opens a file that the manifest at `manifest` names, with the key that it was found by.
pub(crate) async fn data_file(
    files: &Files,
    manifest: &str,
    file: &DataFile,
) -> Result<(String, ObjectReader), Error> {
    let keys = candidates(files, manifest, &file.key);
    for key in &keys {
        if let Some(reader) = files.open(key).await? {
            return Ok((key.clone(), reader));
        }
    }
    let why = format!(
        "the file that the manifest names is missing; looked for {}",
        keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ")
    );
    Err(Error::File { file: files.address(&file.key), why })
}

/// Where a file may be, the likeliest first: by its key; below a folder that the manifest is in, where an
/// inventory was downloaded; beside the manifest. A destination prefix with a slash at its end makes S3 write
/// the files below two slashes and name them with one: they are found beside the manifest.
fn candidates(files: &Files, manifest: &str, named: &str) -> Vec<String> {
    let decoded = decoded(named);
    let mut keys = Vec::new();
    let plain = named.contains('/');
    let forms = [plain.then_some(named), decoded.as_deref(), (!plain).then_some(named)];
    let folder = manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
    for form in forms.into_iter().flatten() {
        match files {
            Files::Local => {
                let inside = !form.split('/').any(|part| part == "..");
                let mut above = Some(folder);
                // The root is no folder of an inventory.
                while let Some(place) = above.filter(|place| inside && !place.is_empty()) {
                    keys.push(format!("{place}/{}", form.trim_start_matches('/')));
                    above = place.rsplit_once('/').map(|(above, _)| above);
                }
            }
            #[cfg(feature = "s3")]
            Files::S3(_) => keys.push(form.to_owned()),
            Files::Store(_) => keys.push(form.to_owned()),
        }
    }
    let form = decoded.as_deref().unwrap_or(named);
    let name = form.rsplit('/').next().unwrap_or(form);
    let rule = folder.rsplit_once('/').map(|(rule, _)| rule);
    let beside = |folder: &str| if folder.is_empty() { String::new() } else { format!("{folder}/") };
    if !matches!(name, "" | "." | "..") {
        keys.extend(rule.map(|rule| format!("{}data/{name}", beside(rule))));
        keys.extend(["", "files/", "data/"].map(|inner| format!("{}{inner}{name}", beside(folder))));
    }
    let mut seen = std::collections::HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

/// A key that OBS writes encoded in its manifests, on some of its pages.
fn decoded(named: &str) -> Option<String> {
    let mut key = Vec::new();
    crate::vendor::KeyEncoding::Percent.decode(named.as_bytes(), &mut key).ok()?;
    String::from_utf8(key).ok().filter(|key| key != named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_for_by_its_key_and_beside_the_manifest() {
        let keys = candidates(
            &Files::Local,
            "/d/inv/photos/all/2026-01-31T00-00Z/manifest.json",
            "inv/photos/all/data/a.csv.gz",
        );
        assert_eq!(keys[0], "/d/inv/photos/all/2026-01-31T00-00Z/inv/photos/all/data/a.csv.gz");
        assert!(keys.contains(&"/d/inv/photos/all/data/a.csv.gz".to_owned()), "{keys:?}");
        assert!(keys.contains(&"/d/inv/photos/all/2026-01-31T00-00Z/a.csv.gz".to_owned()), "{keys:?}");
        assert!(keys.contains(&"/d/inv/photos/all/2026-01-31T00-00Z/files/a.csv.gz".to_owned()), "{keys:?}");
    }

    #[test]
    fn no_name_leads_out_of_the_folders_of_the_manifest() {
        for named in ["../../etc/passwd", "a/../../x", "%2e%2e/x"] {
            let keys = candidates(&Files::Local, "/d/m/manifest.json", named);
            assert!(keys.iter().all(|key| key.starts_with("/d/") && !key.contains("..")), "{keys:?}");
        }
        assert_eq!(candidates(&Files::Local, "/d/m/manifest.json", "/a/x.csv")[0], "/d/m/a/x.csv");
    }

    #[test]
    fn an_encoded_key_is_tried_decoded_and_one_with_a_slash_as_it_is_first() {
        assert_eq!(decoded("inv%2Fa%20b.csv").as_deref(), Some("inv/a b.csv"));
        assert_eq!(decoded("inv/a.csv"), None);
        assert_eq!(decoded("100%.csv"), None);
    }
}
