//! Hosts: thin layers that find credentials and the time budget, call the pipeline and translate its report.

mod access;
mod fc;
mod function;
pub mod interrupts;
pub mod lambda;
pub mod send;

pub use self::access::{Access, Beside, Trust};
pub use self::fc::adapter;
pub use self::function::{DEFAULT_TIMEOUT, Function, Totals};
