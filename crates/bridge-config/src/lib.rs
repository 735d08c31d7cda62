//! Settings: environment and options in, one typed value or all problems at once out.
//!
//! | module | concern |
//! |---|---|
//! | `table` | every setting: its name, what it says, who has it, how it is parsed |
//! | `args` | the settings of a command as options |
//! | `service`, `keys` | how services of object storage are reached, and what opens them: one rule for all commands |
//! | `forward` | settings of the commands that forward changes |
//! | `mode` | which engine is in charge |
//! | `oms`, `copy` | settings of each engine |
//! | `ingest` | settings of what is taken over HTTP |
//! | `listen` | limits of what clients of a listener may take |
//! | `desk` | settings of the command `desk`: those of `upload-desk`, and what its desk is connected to |

mod args;
mod copy;
#[cfg(feature = "desk")]
mod desk;
mod forward;
mod forward_mode;
mod ingest;
pub mod keys;
pub mod listen;
mod mode;
mod oms;
pub mod service;
pub mod table;

pub use self::args::{SettingsOf, WithSettings};
pub use self::copy::source_bucket;
pub use self::copy::{CopySettings, DestinationSettings, SourceSettings};
#[cfg(feature = "desk")]
pub use self::desk::DeskCommandSettings;
pub use self::forward::Settings;
pub use self::forward_mode::ForwardMode;
pub use self::ingest::IngestSettings;
pub use self::mode::Mode;
pub use self::oms::OmsSettings;
pub use self::service::Role;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
