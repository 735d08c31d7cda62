//! Signed URLs for others to use.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, Method};

use crate::bucket::Bucket;
use crate::client::unchanged_url;
use crate::error::{Error, ErrorKind};
use crate::key::ObjectKey;
use crate::query::Query;
use crate::sign::{Resource, SigningRequest};

/// What the bearer of a URL sends with it.
#[derive(Clone, Debug, Default)]
pub struct PresignOptions {
    /// Parameters that become part of the URL, not encoded, such as `response-content-disposition` or
    /// `versionId`.
    pub query: Vec<(String, String)>,
    /// Headers that are signed, so that the bearer must send them with the same values.
    /// [`Bucket::can_presign`] says which ones can be: all of them by V4, `Content-Length` among them, which
    /// fixes the size of what is stored.
    pub headers: HeaderMap,
}

impl PresignOptions {
    /// The object in another form (`x-oss-process`), such as an [`ImageResize`](crate::process::ImageResize)
    /// or a [`VideoSnapshot`](crate::process::VideoSnapshot). OSS only.
    #[must_use]
    pub fn process(self, process: impl fmt::Display) -> Self {
        self.param("x-oss-process", process.to_string())
    }

    /// `Content-Disposition` of the answer, overriding the stored one.
    #[must_use]
    pub fn response_content_disposition(self, value: impl Into<String>) -> Self {
        self.param("response-content-disposition", value.into())
    }

    /// `Content-Type` of the answer, overriding the stored one.
    #[must_use]
    pub fn response_content_type(self, value: impl Into<String>) -> Self {
        self.param("response-content-type", value.into())
    }

    fn param(mut self, name: &str, value: String) -> Self {
        self.query.push((name.to_owned(), value));
        self
    }
}

impl Bucket {
    /// Whether a URL can be made that is good only for requests with a certain value of this header. By V4
    /// that holds for every header; by V1 and on OBS for `Content-Type`, `Content-MD5` and those that begin
    /// with `x-oss-` or `x-obs-`.
    pub fn can_presign(&self, header: &HeaderName) -> bool {
        self.signer().can_presign(header.as_str())
    }

    /// A URL by which anybody can make one request without credentials, until it expires; makes no request
    /// itself. It names the [public endpoint](crate::ClientConfig::with_public_endpoint).
    ///
    /// It lives for at least one second. V4 URLs live for at most 7 days, and 12 hours if the credentials are
    /// temporary; URLs of V1 and OBS have no such limit. A URL made with temporary credentials ends with
    /// them. The services take no POST by V4 URLs. A header that [cannot be signed](Self::can_presign) is
    /// refused: the bearer could send anything in its place.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0011.html).
    pub fn presigned_url(
        &self,
        method: &Method,
        key: &str,
        valid_for: Duration,
        options: PresignOptions,
    ) -> Result<String, Error> {
        let (shared, dialect) = (self.shared(), self.dialect());
        let endpoint = &shared.public_endpoint;
        let key = ObjectKey::new(dialect, key)?;
        let query = Query::new(options.query);
        let bucket = endpoint.signed_bucket(self.name(), dialect);
        let request =
            SigningRequest { method, resource: Resource::Object { bucket, key: &key }, query: &query };
        let unsigned = options.headers.keys().find(|name| !self.can_presign(name));
        let signed = match unsigned {
            Some(name) => {
                let message = format!("a URL of this signature cannot bind the header {name}");
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
            None => self.signer().presign(&request, &options.headers, shared.now(), valid_for),
        };
        let url = signed.and_then(|query| {
            let url = format!("{}/{}?{query}", endpoint.base(self.name()), key.wire());
            unchanged_url(&url).map(|_| url)
        });
        url.map_err(|error| {
            error.in_context(|| format!("sign a URL of {:?} in bucket {}", key.as_str(), self.name()))
        })
    }
}
