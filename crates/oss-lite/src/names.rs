//! Headers that both services have under their own prefix.

/// Names in lower case, as the wire needs them.
pub(crate) struct Names {
    pub(crate) acl: &'static str,
    pub(crate) tagging: &'static str,
    pub(crate) tagging_count: &'static str,
    pub(crate) object_type: &'static str,
    pub(crate) restore: &'static str,
    pub(crate) upload_id: &'static str,
    pub(crate) encryption: &'static str,
    pub(crate) encryption_by_customer: &'static str,
    pub(crate) copy_source: &'static str,
    pub(crate) copy_source_range: &'static str,
    pub(crate) copy_source_if_match: &'static str,
    pub(crate) metadata_directive: &'static str,
    pub(crate) tagging_directive: &'static str,
}

macro_rules! names {
    ($prefix:literal, acl: $acl:literal) => {
        Names {
            acl: concat!($prefix, $acl),
            tagging: concat!($prefix, "tagging"),
            tagging_count: concat!($prefix, "tagging-count"),
            object_type: concat!($prefix, "object-type"),
            restore: concat!($prefix, "restore"),
            upload_id: concat!($prefix, "uploadid"),
            encryption: concat!($prefix, "server-side-encryption"),
            encryption_by_customer: concat!($prefix, "server-side-encryption-customer-algorithm"),
            copy_source: concat!($prefix, "copy-source"),
            copy_source_range: concat!($prefix, "copy-source-range"),
            copy_source_if_match: concat!($prefix, "copy-source-if-match"),
            metadata_directive: concat!($prefix, "metadata-directive"),
            tagging_directive: concat!($prefix, "tagging-directive"),
        }
    };
}

pub(crate) static OSS: Names = names!("x-oss-", acl: "object-acl");
pub(crate) static OBS: Names = names!("x-obs-", acl: "acl");
