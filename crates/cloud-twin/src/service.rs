//! The services that a twin plays.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the services a twin plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Alibaba Cloud Object Storage Service.
    Oss,
    /// Huawei Cloud Object Storage Service.
    Obs,
    /// Huawei Cloud Object Storage Migration Service.
    Oms,
}

impl Service {
    pub(crate) const ALL: [Self; 3] = [Self::Oss, Self::Obs, Self::Oms];

    /// As people write it.
    pub(crate) const fn in_capitals(self) -> &'static str {
        match self {
            Self::Oss => "OSS",
            Self::Obs => "OBS",
            Self::Oms => "OMS",
        }
    }

    /// `oss`, `obs` or `oms`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oss => "oss",
            Self::Obs => "obs",
            Self::Oms => "oms",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
