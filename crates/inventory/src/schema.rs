//! Which column of a CSV file holds what.

/// The columns of the files of an inventory, by `fileSchema` of its manifest. Their order differs between
/// services, and on OSS between rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    names: Vec<String>,
    pub(crate) key: usize,
    pub(crate) size: usize,
    pub(crate) modified: Option<usize>,
    pub(crate) etag: Option<usize>,
    pub(crate) crc64: Option<usize>,
    pub(crate) is_latest: Option<usize>,
    pub(crate) is_delete_marker: Option<usize>,
    pub(crate) multipart: Option<usize>,
    pub(crate) encryption: Option<usize>,
    pub(crate) object_type: Option<usize>,
}

impl Schema {
    /// Reads the names of the columns: between commas, with blanks or without.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let names: Vec<String> = text.split(',').map(plain).collect();
        let find = |wanted: &str| -> Result<Option<usize>, String> {
            let mut places = names.iter().enumerate().filter(|(_, name)| *name == wanted);
            match (places.next(), places.next()) {
                (Some(_), Some(_)) => Err(format!("fileSchema names the column {wanted} twice")),
                (place, _) => Ok(place.map(|(place, _)| place)),
            }
        };
        let needed = |wanted: &str, title: &str, remedy: &str| -> Result<usize, String> {
            find(wanted)?.ok_or_else(|| format!("fileSchema has no column {title}: {text:?}{remedy}"))
        };
        Ok(Self {
            key: needed("key", "Key", "")?,
            size: needed("size", "Size", "; add the field Size to the rule of the inventory")?,
            modified: find("lastmodifieddate")?,
            etag: find("etag")?,
            crc64: find("crc64")?,
            is_latest: find("islatest")?,
            is_delete_marker: find("isdeletemarker")?,
            // The older form of COS leaves the `Is` out.
            multipart: find("ismultipartuploaded")?.or(find("multipartuploaded")?),
            encryption: find("encryptionstatus")?,
            object_type: find("objecttype")?,
            names,
        })
    }

    /// The number of columns.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether a row holds the names of the columns instead of an object.
    pub(crate) fn is_header<'f>(&self, fields: impl ExactSizeIterator<Item = &'f [u8]>) -> bool {
        fields.len() == self.len()
            && fields.zip(&self.names).all(|(field, name)| plain(&String::from_utf8_lossy(field)) == *name)
    }

    /// Whether earlier versions may have rows as well.
    pub(crate) fn has_versions(&self) -> bool {
        self.is_latest.is_some()
    }

    /// Whether the files have a CRC-64 of each object.
    pub fn has_crc64(&self) -> bool {
        self.crc64.is_some()
    }
}

/// A name without what differs between services and versions: case, blanks, underscores.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_in_any_order_case_and_spacing() {
        let schema =
            Schema::parse("Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag")
                .unwrap();
        assert_eq!((schema.key, schema.size, schema.is_latest, schema.crc64), (1, 5, Some(3), None));
        let schema = Schema::parse("bucket,KEY,Crc64,e_tag,object_type,size").unwrap();
        assert_eq!((schema.key, schema.size, schema.crc64, schema.etag), (1, 5, Some(2), Some(3)));
        assert_eq!(schema.object_type, Some(4));
        // The older COS.
        let schema = Schema::parse("Bucket, Key, Size, MultipartUploaded").unwrap();
        assert_eq!(schema.multipart, Some(3));
    }

    #[test]
    fn a_schema_without_what_is_needed_says_what_is_missing() {
        for (text, part) in [
            ("Bucket, Size", "no column Key"),
            ("Bucket, Key", "add the field Size to the rule"),
            ("Key, Size, Key", "names the column key twice"),
            ("struct<bucket:string,key:string,size:bigint>", "no column Key"),
        ] {
            let why = Schema::parse(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    #[test]
    fn a_row_of_the_names_is_a_header() {
        let schema = Schema::parse("Bucket,Key,Size").unwrap();
        let is_header = |fields: &[&str]| schema.is_header(fields.iter().map(|field| field.as_bytes()));
        assert!(is_header(&["Bucket", " key", "SIZE"]));
        assert!(!is_header(&["Bucket", "key", "1"]));
        assert!(!is_header(&["Bucket", "Key"]));
    }
}
