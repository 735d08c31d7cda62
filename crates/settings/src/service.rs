//! A service of object storage as settings describe it.

use oss_lite::{ClientConfig, Dialect, Endpoint, SignatureVersion};

/// A service of object storage: where it listens, how requests to it are signed, and which settings say so.
#[derive(Clone, Debug)]
pub struct Service {
    /// Which one it is.
    pub dialect: Dialect,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Its region, where it has one and that is known.
    pub region: Option<String>,
    /// How requests are signed.
    pub signature: SignatureVersion,
    /// The setting that the endpoint was taken from, for messages.
    pub endpoint_setting: &'static str,
    /// The setting that the region is taken from, where it is set.
    pub region_setting: &'static str,
    /// The settings of the access key that opens it, for messages.
    pub keys: KeyNames,
}

/// The names of the two settings of an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyNames {
    /// Of its id.
    pub id: &'static str,
    /// Of its secret.
    pub secret: &'static str,
}

impl Service {
    /// What a client of it is made of.
    pub fn client_config(&self) -> ClientConfig {
        let config = ClientConfig::new(self.endpoint.clone(), self.dialect).with_signature(self.signature);
        match &self.region {
            Some(region) => config.with_region(region),
            None => config,
        }
    }
}
