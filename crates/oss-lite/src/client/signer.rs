//! Signs the requests of one set of credentials.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};
use parking_lot::Mutex;
use secrecy::ExposeSecret;

use crate::config::Gates;
use crate::credentials::Credentials;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::gate::SignatureGate;
use crate::sign::{self, SigningParams, SigningRequest, v1, v4};

/// How requests of a client are signed.
#[derive(Clone, Debug)]
pub(crate) enum ClientScheme {
    V4 { region: Arc<str> },
    V1(Dialect),
}

/// Signs for one set of credentials and keeps the derived key: until the day ends for V4, for good for V1.
pub(crate) struct Signer {
    credentials: Arc<Credentials>,
    key: Key,
    gate: Option<Arc<dyn SignatureGate>>,
}

enum Key {
    V4 { region: Arc<str>, today: Mutex<Option<(String, v4::SigningKey)>> },
    V1 { dialect: Dialect, key: v1::SigningKey },
}

impl Signer {
    pub(crate) fn new(scheme: &ClientScheme, credentials: Arc<Credentials>, gates: Option<&Gates>) -> Self {
        let key = match scheme {
            ClientScheme::V4 { region } => Key::V4 { region: Arc::clone(region), today: Mutex::new(None) },
            ClientScheme::V1(dialect) => {
                Key::V1 { dialect: *dialect, key: v1::SigningKey::new(credentials.secret()) }
            }
        };
        let gate = gates.map(|gate| gate(&credentials));
        Self { credentials, key, gate }
    }

    pub(crate) fn security_token(&self) -> Option<&str> {
        self.credentials.security_token().map(ExposeSecret::expose_secret)
    }

    /// What requests have to pass before they are signed.
    pub(crate) fn gate(&self) -> Option<&dyn SignatureGate> {
        self.gate.as_deref()
    }

    pub(crate) fn sign(
        &self,
        request: &SigningRequest<'_>,
        headers: &mut HeaderMap,
        time: DateTime<Utc>,
    ) -> Result<(), Error> {
        match &self.key {
            Key::V4 { region, today } => {
                let settings = v4::Settings::new(region);
                let moment = v4::Moment::new(time);
                let key = self.key_of_the_day(today, &moment, settings);
                v4::sign_headers(request, headers, settings, &self.credentials, &moment, &key)
            }
            Key::V1 { dialect, key } => {
                v1::sign_headers(*dialect, request, headers, &self.credentials, time, key)
            }
        }
    }

    /// Whether URLs can bind this header.
    pub(crate) fn can_presign(&self, header: &str) -> bool {
        match &self.key {
            Key::V4 { .. } => true,
            Key::V1 { dialect, .. } => v1::signs_header(*dialect, header),
        }
    }

    /// The query of a URL that carries its signature, which covers all of `headers`, where it can.
    pub(crate) fn presign(
        &self,
        request: &SigningRequest<'_>,
        headers: &HeaderMap,
        time: DateTime<Utc>,
        valid_for: Duration,
    ) -> Result<String, Error> {
        let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        let mut params = self.params(time);
        if let sign::Scheme::V4(settings) = &mut params.scheme {
            settings.additional_headers = &names;
        }
        sign::presign(request, headers, &params, valid_for)
    }

    pub(crate) fn params(&self, time: DateTime<Utc>) -> SigningParams<'_> {
        let scheme = match &self.key {
            Key::V4 { region, .. } => sign::Scheme::V4(v4::Settings::new(region)),
            Key::V1 { dialect, .. } => sign::Scheme::V1(*dialect),
        };
        SigningParams { scheme, credentials: &self.credentials, time }
    }

    fn key_of_the_day(
        &self,
        today: &Mutex<Option<(String, v4::SigningKey)>>,
        moment: &v4::Moment,
        settings: v4::Settings<'_>,
    ) -> v4::SigningKey {
        let mut today = today.lock();
        match &*today {
            Some((date, key)) if date == moment.date() => key.clone(),
            _ => {
                let key = v4::SigningKey::derive(self.credentials.secret(), &moment.scope(settings));
                *today = Some((moment.date().to_owned(), key.clone()));
                key
            }
        }
    }
}
