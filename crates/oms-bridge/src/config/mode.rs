//! Which engine forwards changes.

use std::fmt;
use std::str::FromStr;

use settings::Invalid;

use super::{CopySettings, OmsSettings};

/// The setting `FORWARD_MODE`.
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

/// Which engine forwards changes, with its settings.
#[derive(Debug)]
pub enum Mode {
    /// OMS alone.
    Oms(OmsSettings),
    /// Copies alone.
    Copy(CopySettings),
    /// OMS first, copies where it does not serve.
    OmsThenCopy(OmsSettings, CopySettings),
}

impl Mode {
    /// The setting behind it.
    pub fn forward_mode(&self) -> ForwardMode {
        match self {
            Self::Oms(_) => ForwardMode::Oms,
            Self::Copy(_) => ForwardMode::Copy,
            Self::OmsThenCopy(..) => ForwardMode::OmsThenCopy,
        }
    }

    /// Settings of OMS, where it is in play.
    pub fn oms(&self) -> Option<&OmsSettings> {
        match self {
            Self::Oms(oms) | Self::OmsThenCopy(oms, _) => Some(oms),
            Self::Copy(_) => None,
        }
    }

    /// Settings of copies, where they are in play.
    pub fn copy(&self) -> Option<&CopySettings> {
        match self {
            Self::Copy(copy) | Self::OmsThenCopy(_, copy) => Some(copy),
            Self::Oms(_) => None,
        }
    }

    /// Sets how many requests to OMS, and how many objects, are under way at once.
    pub fn set_in_flight(&mut self, in_flight: usize) {
        match self {
            Self::Oms(oms) => oms.in_flight = in_flight,
            Self::Copy(copy) => copy.in_flight = in_flight,
            Self::OmsThenCopy(oms, copy) => {
                oms.in_flight = in_flight;
                copy.in_flight = in_flight;
            }
        }
    }
}
