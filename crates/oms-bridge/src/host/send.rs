//! Keys handed over by hand.

mod input;

pub(crate) use self::input::{Input, Separator};
