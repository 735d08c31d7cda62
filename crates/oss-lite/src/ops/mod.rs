//! The operations of a [`Bucket`](crate::Bucket), one file each.

mod acl;
mod copy;
mod cors;
mod create;
mod delete;
mod delete_multiple;
mod get;
mod head;
mod lifecycle;
mod list;
mod list_page;
mod multipart;
mod post_form;
mod presign;
mod put;
mod put_options;
mod symlink;
mod tagging;
mod usage;
mod versioning;

pub use copy::{CopyMetadata, CopyOutcome, CopySource};
pub use cors::CorsRule;
pub use create::CreateOptions;
pub use delete_multiple::DeleteOutcome;
pub use get::{GetOptions, Object};
pub use head::HeadOptions;
pub use lifecycle::LifecycleRule;
pub use list::ListOptions;
pub use list_page::{ListPage, ListedObject};
pub use multipart::{CompleteOutcome, CompletedPart, ListedPart, ListedUpload, PartOutcome};
pub use presign::PresignOptions;
pub use put::PutOutcome;
pub use put_options::PutOptions;
pub use usage::BucketUsage;
pub use versioning::Versioning;

/// Answers that should have no body, or a small one.
const SMALL_ANSWER: usize = 64 * 1024;
/// The answer of a server that OSS called back: at most 1 MB by the current documentation, 3 MB by the older.
const CALLBACK_ANSWER: usize = 3 * 1024 * 1024;
