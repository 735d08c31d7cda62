//! The operations of a [`Bucket`](crate::Bucket), one file each.

mod create;
mod delete;
mod delete_multiple;
mod get;
mod head;
mod lifecycle;
mod list;
mod list_page;
mod put;
mod versioning;

pub use create::CreateOptions;
pub use delete_multiple::DeleteOutcome;
pub use get::Object;
pub use lifecycle::LifecycleRule;
pub use list::{ListOptions, ListPage, ListedObject};
pub use put::{PutOptions, PutOutcome};
pub use versioning::Versioning;

/// Answers that should have no body, or a small one.
const SMALL_ANSWER: usize = 64 * 1024;
