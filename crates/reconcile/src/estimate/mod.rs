//! What a comparison will take, before a request is made for it: how many requests of which kind, and roughly
//! what they cost.
//!
//! | module | concern |
//! |---|---|
//! | `span` | numbers of which only bounds are known |
//! | `requests` | the requests of a comparison, and of what follows it |
//! | `price` | the list prices, and what requests cost by them |
//!
//! # Rules
//!
//! - What is not known is said to be not known, and is never replaced by a guess: a number without an upper
//!   bound has none.
//! - A price that no source was found for is left out, and so is what it would have been for.

mod price;
mod requests;
mod span;

pub use self::price::{Cost, Item, Price, Prices, Service};
pub use self::requests::{Amounts, Bringing, Expected, SideAmounts, SideReading, Work, amounts};
pub use self::span::Span;
