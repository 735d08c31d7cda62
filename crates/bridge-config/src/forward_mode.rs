//! The setting `FORWARD_MODE`.

use std::fmt;
use std::str::FromStr;

use settings::Invalid;

/// Which engine is in charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ForwardMode {
    /// A sync task of OMS copies.
    #[default]
    Oms,
    /// This program copies.
    Copy,
    /// OMS, and where it does not serve, this program.
    OmsThenCopy,
}

impl ForwardMode {
    /// The setting's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oms => "oms",
            Self::Copy => "copy",
            Self::OmsThenCopy => "oms-then-copy",
        }
    }
}

impl fmt::Display for ForwardMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ForwardMode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut modes = [Self::Oms, Self::Copy, Self::OmsThenCopy].into_iter();
        modes.find(|mode| mode.as_str() == text.trim()).ok_or_else(|| {
            Invalid::new(format_args!("{text:?} is none of \"oms\", \"copy\" and \"oms-then-copy\""))
        })
    }
}
