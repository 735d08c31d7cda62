//! Keys from the command line.

mod input;

pub(crate) use self::input::{Input, Separator};
