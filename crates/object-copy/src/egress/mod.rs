//! Which URLs and addresses may be fetched when a user names the URL (protection against SSRF).
//!
//! | module | concern |
//! |---|---|
//! | `guard` | which URLs may be fetched: the allow-list, and no address that is not public |
//! | `address` | which addresses are public |
//!
//! A URL is checked before each request, redirects included, and so is each address that a name resolves to
//! when the connection is made. No earlier check is relied on.

mod address;
mod guard;

pub use self::address::Reach;
pub use self::guard::{AllowList, Guard, Lookup, Resolver};
