//! Objects of Amazon S3, and of services that speak as it does.
//!
//! | module | concern |
//! |---|---|
//! | `address` | where a bucket is, and how a key stands in a URL |
//! | `request` | signing, sending, trying again |
//! | `refusal` | what refusals mean |
//! | `describe` | headers of an answer to facts |
//! | `list` | listings |
//!
//! Requests are signed by `aws-sigv4` and sent through the one HTTP client. Region, endpoint and credentials are found when the
//! first object is asked for. An object is read as it is now: the version that an event tells is not asked for, since
//! a copy is to be in step with its source.
//!
//! A clock that is off, or was and is mended, costs one request more and not the copy (`clock::Offset`); so do credentials that the
//! service does not know any more, where there are others by then.

mod address;
mod describe;
mod list;
mod refusal;
mod request;

use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::Stream;
use http::header::RANGE;
use http::{HeaderMap, Method};
use oss_lite::{Framing, ListedObject, content_length};
use tokio::sync::OnceCell;

use self::address::{Address, bucket_name};
use self::request::{Access, Ask};
use super::error::{Failed, Stop};
use super::response::{add_condition, add_range, body};
use super::source::{Opened, Want};
use super::source_info::Facts;

/// What the service is called in messages.
const SERVER: &str = "Amazon S3";

/// Amazon S3, or a service that speaks as it does. Cheap to clone; clones share credentials.
#[derive(Clone)]
pub struct S3(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    given: Given,
    access: OnceCell<Access>,
}

/// What stands above what the AWS configuration says.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Region of the buckets.
    pub region: Option<String>,
    /// URL of the service, if it is not Amazon's own. Its buckets are in the path.
    pub endpoint: Option<String>,
}

impl S3 {
    /// Asks for nothing before the first object.
    pub fn new(http: reqwest::Client, given: Given) -> Self {
        Self(Arc::new(Shared { http, given, access: OnceCell::new() }))
    }

    /// A bucket.
    ///
    /// # Errors
    ///
    /// When the name cannot be that of a bucket.
    pub fn bucket(&self, name: &str) -> Result<S3Bucket, Failed> {
        Ok(S3Bucket { s3: self.clone(), name: bucket_name(name)?.into(), etags: Arc::default() })
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3").field(&self.0.given).finish()
    }
}

/// A bucket of Amazon S3 that objects are read from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct S3Bucket {
    s3: S3,
    name: Arc<str>,
    etags: Arc<ETags>,
}

/// What is known of the `ETag`s of a bucket. Most services make them of the MD5, some do not, and none says so. Where the first
/// that was compared with what was read is no MD5, others are not compared, since each would be read twice for it.
#[derive(Debug, Default)]
struct ETags(OnceLock<bool>);

impl ETags {
    fn may_be_md5(&self) -> bool {
        self.0.get() != Some(&false)
    }

    fn learn(&self, are_md5: bool) {
        // Only the first one decides.
        let _ = self.0.set(are_md5);
    }
}

impl S3Bucket {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Finds region, endpoint and credentials, and gives the URL of the service if it is not Amazon's own.
    ///
    /// # Errors
    ///
    /// [`Failed`] that names the setting which is missing or wrong.
    pub async fn prepare(&self) -> Result<Option<String>, Failed> {
        let access = self.s3.access().await?;
        // Not shown: there may be a password in it.
        if access.address(&self.name).target("k", "").is_err() {
            return Err(Failed::settings("SOURCE_ENDPOINT or AWS_ENDPOINT_URL_S3: not a URL of a service"));
        }
        access.check().await?;
        Ok(access.endpoint().map(str::to_owned))
    }

    pub(super) async fn look(&self, key: &str) -> Result<Facts, Stop> {
        match self.ask(&Ask::object(Method::HEAD, key)?).await {
            Ok(response) => {
                let headers = response.headers();
                Ok(self.facts(headers, content_length(headers)))
            }
            // The answer has no body that would tell a missing object from a missing bucket, and the one may be deleted elsewhere
            // for it.
            Err(Stop::Gone) => self.open(key, &Want::Whole, None).await.map(|opened| opened.facts),
            // So is one with a token that ended, which is no fault of the object.
            Err(Stop::Failed(failed)) if failed.error.status == Some(400) => {
                self.open(key, &Want::Whole, None).await.map(|opened| opened.facts)
            }
            Err(stop) => Err(stop),
        }
    }

    pub(super) async fn open(&self, key: &str, want: &Want, pin: Option<&Facts>) -> Result<Opened, Stop> {
        let mut ask = Ask::object(Method::GET, key)?;
        add_range(&mut ask.headers, want);
        add_condition(&mut ask.headers, pin);
        let response = match self.ask(&ask).await {
            // An empty object has no range that could be asked for.
            Err(Stop::Changed) if pin.is_none() && *want != Want::Whole => {
                ask = Ask::object(Method::GET, key)?;
                self.ask(&ask).await?
            }
            answer => answer?,
        };
        let asked = ask.headers.get(RANGE).and(want.range());
        let framing = Framing::read(response.status(), response.headers(), asked)
            // A later part is asked for again, since the first was good.
            .map_err(|contradiction| {
                let want = if pin.is_some() { &Want::Whole } else { want };
                Stop::contradicted(&contradiction, SERVER, want)
            })?;
        let facts = self.facts(response.headers(), framing.total);
        Ok(Opened { facts, first: framing.first, end: framing.end, body: body(response, SERVER) })
    }

    fn facts(&self, headers: &HeaderMap, size: Option<u64>) -> Facts {
        let mut facts = describe::facts(headers, size);
        facts.likely_md5 = facts.likely_md5.filter(|_| self.etags.may_be_md5());
        facts
    }

    /// Whether the `ETag` of an object turned out to be an MD5.
    pub(super) fn learn_etags(&self, are_md5: bool) {
        self.etags.learn(are_md5);
    }

    /// The objects whose keys begin with `prefix`, in byte order. Pages are asked for as the stream is read.
    pub fn list(&self, prefix: &str) -> impl Stream<Item = Result<ListedObject, Failed>> + Send + use<> {
        list::objects(self.clone(), prefix.to_owned())
    }

    async fn address(&self) -> Result<Address, Failed> {
        Ok(self.s3.access().await?.address(&self.name))
    }
}
