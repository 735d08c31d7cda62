//! Which engine forwards changes.

use super::copy::CopySettings;
use super::forward_mode::ForwardMode;
use super::oms::OmsSettings;

/// Which engine forwards changes, with its settings.
#[derive(Debug)]
pub enum Mode {
    /// OMS alone.
    Oms(OmsSettings),
    /// Copies alone.
    Copy(Box<CopySettings>),
    /// OMS first, copies where it does not serve.
    OmsThenCopy(OmsSettings, Box<CopySettings>),
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
