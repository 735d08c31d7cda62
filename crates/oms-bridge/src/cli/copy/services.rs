//! Clients of the services that SRC and DST lie in, by the settings.

use std::sync::Arc;

use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect, Endpoint, SignatureVersion};

use super::access::AccessArgs;
use crate::cli::variable;
use bridge_core::breaker::Breakers;
use bridge_core::credentials::SourceCredentials;
use object_copy::clock;
use object_copy::transfer::Source;
#[cfg(feature = "aws")]
use object_copy::transfer::{S3, S3Options};
#[cfg(not(feature = "aws"))]
use settings::features;
use settings::lenient::{self, given};
use settings::location::{Place, S3Place, scheme};

/// What the settings give to reach services with.
pub(super) struct Access<'a> {
    args: &'a AccessArgs,
    http: &'a reqwest::Client,
    environment: SourceCredentials,
    breakers: Breakers,
}

/// A service and what opens it.
pub(super) struct Service {
    client: Client,
    pub(super) endpoint: Endpoint,
    credentials: Arc<Credentials>,
}

impl Service {
    pub(super) fn bucket(&self, place: &Place) -> Bucket {
        self.client.bucket(&place.bucket, Arc::clone(&self.credentials))
    }

    /// Whether it can copy to the other by itself.
    pub(super) fn reaches(&self, other: &Self) -> bool {
        self.credentials.access_key_id() == other.credentials.access_key_id()
            && self.client.shares_region_with(&other.client)
    }
}

impl<'a> Access<'a> {
    pub(super) fn new(args: &'a AccessArgs, http: &'a reqwest::Client) -> Self {
        Self {
            args,
            http,
            environment: SourceCredentials::new(variable),
            breakers: Breakers::new(clock::system),
        }
    }

    #[cfg(feature = "aws")]
    pub(super) fn s3(&self, place: &S3Place) -> Result<Source, String> {
        let endpoint = given(self.args.source_endpoint.as_ref());
        let endpoint = endpoint.map(|text| lenient::s3_endpoint(&text)).transpose();
        let endpoint = endpoint.map_err(|error| format!("SOURCE_ENDPOINT: {error}"))?;
        let given = S3Options { region: given(self.args.aws_region.as_ref()), endpoint };
        let bucket = S3::new(self.http.clone(), given).bucket(&place.bucket);
        bucket.map(Source::S3).map_err(|failed| failed.to_string())
    }

    #[cfg(not(feature = "aws"))]
    #[expect(clippy::unused_self, reason = "the other build asks it for an endpoint")]
    pub(super) fn s3(&self, _: &S3Place) -> Result<Source, String> {
        Err(features::missing("aws", "reading s3://"))
    }

    pub(super) fn source(&self, dialect: Dialect) -> Result<Service, String> {
        let credentials = match dialect {
            Dialect::Oss => self.environment.from_environment().map_err(|error| error.to_string())?,
            Dialect::Obs => self.huawei()?,
        };
        self.service("SOURCE_ENDPOINT", self.args.source_endpoint.as_ref(), None, dialect, credentials)
    }

    pub(super) fn destination(&self, dialect: Dialect) -> Result<Service, String> {
        let AccessArgs { dest_ak, dest_sk, dest_security_token, dest_region, .. } = self.args;
        let credentials = match (given(dest_ak.as_ref()), given(dest_sk.as_ref()), dialect) {
            (Some(ak), Some(sk), _) => Arc::new(credentials(ak, sk, given(dest_security_token.as_ref()))),
            (None, None, Dialect::Oss) => {
                self.environment.from_environment().map_err(|error| error.to_string())?
            }
            (None, None, Dialect::Obs) => self.huawei()?,
            _ => return Err("only one of DEST_AK and DEST_SK is set".to_owned()),
        };
        self.service(
            "DEST_ENDPOINT",
            self.args.dest_endpoint.as_ref(),
            setting_of_region("DEST_REGION", dest_region.as_ref())?,
            dialect,
            credentials,
        )
    }

    fn huawei(&self) -> Result<Arc<Credentials>, String> {
        match (given(self.args.hw_ak.as_ref()), given(self.args.hw_sk.as_ref())) {
            (Some(ak), Some(sk)) => {
                Ok(Arc::new(credentials(ak, sk, given(self.args.hw_security_token.as_ref()))))
            }
            _ => Err("obs:// needs HW_AK and HW_SK, or DEST_AK and DEST_SK".to_owned()),
        }
    }

    fn service(
        &self,
        name: &str,
        endpoint: Option<&String>,
        region: Option<String>,
        dialect: Dialect,
        credentials: Arc<Credentials>,
    ) -> Result<Service, String> {
        let of_oss = given(self.args.oss_endpoint.as_ref()).filter(|_| dialect == Dialect::Oss);
        let (name, text) = match (given(endpoint), of_oss) {
            (Some(own), _) => (name, own),
            (None, Some(oss)) => ("OSS_ENDPOINT", oss),
            (None, None) => return Err(format!("{name}: missing, {}:// needs it", scheme(dialect))),
        };
        let endpoint = lenient::endpoint(&text, dialect).map_err(|error| format!("{name}: {error}"))?;
        let region = region
            .or_else(|| endpoint.region_hint().map(str::to_owned))
            .or(setting_of_region("OSS_REGION", self.args.oss_region.as_ref())?)
            .or_else(|| variable("FC_REGION"));
        let mut config =
            ClientConfig::new(endpoint.clone(), dialect).with_signature_gate(self.breakers.gates());
        if dialect == Dialect::Oss {
            config = config.with_signature(signature(self.args.oss_signature.as_ref())?);
            if let Some(region) = region {
                config = config.with_region(region);
            }
        }
        let client = Client::new(self.http.clone(), config).map_err(|error| format!("{name}: {error}"))?;
        Ok(Service { client, endpoint, credentials })
    }
}

fn signature(text: Option<&String>) -> Result<SignatureVersion, String> {
    match given(text).map(|text| lenient::half_width(&text).to_ascii_lowercase()).as_deref() {
        None | Some("v4") => Ok(SignatureVersion::V4),
        Some("v1") => Ok(SignatureVersion::V1),
        Some(other) => Err(format!("OSS_SIGNATURE: {other:?} is neither \"v4\" nor \"v1\"")),
    }
}

fn setting_of_region(name: &str, value: Option<&String>) -> Result<Option<String>, String> {
    let region = given(value).map(|text| lenient::region(&text)).transpose();
    region.map_err(|error| format!("{name}: {error}"))
}

fn credentials(ak: String, sk: String, token: Option<String>) -> Credentials {
    let credentials = Credentials::new(ak, sk);
    match token {
        Some(token) => credentials.with_security_token(token),
        None => credentials,
    }
}
