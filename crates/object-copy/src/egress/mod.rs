//! What may be connected to when somebody else names the URL.
//!
//! | module | concern |
//! |---|---|
//! | `guard` | which URLs may be fetched: the allow-list, and no address that is not public |
//! | `address` | which addresses are public |
//!
//! A URL is judged before each request, redirects included, and so is each address that a name resolves to at the moment of the
//! connection. Nothing is connected to on the strength of an earlier look.

mod address;
mod guard;

pub use self::address::Reach;
pub use self::guard::{AllowList, Guard, Lookup, Resolver};
