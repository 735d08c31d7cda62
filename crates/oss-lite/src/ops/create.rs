//! Creates a bucket.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::xml;

/// How a bucket is made.
#[derive(Clone, Debug, Default)]
pub struct CreateOptions {
    /// The vendor's name of the class for objects that name none. Default: Standard.
    pub storage_class: Option<String>,
}

impl Bucket {
    /// Makes the bucket, in the region of the endpoint. One that exists is an error of kind
    /// [`ErrorKind::AlreadyExists`], unless the service takes the request as a repetition by its owner.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/putbucket),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0021.html).
    pub async fn create(&self, options: CreateOptions) -> Result<(), Error> {
        let dialect = self.dialect();
        let mut headers = HeaderMap::new();
        let inner = match dialect {
            Dialect::Oss => options.storage_class.map(|class| ("StorageClass", class)),
            Dialect::Obs => {
                if let Some(class) = options.storage_class {
                    let class = HeaderValue::try_from(class).map_err(|error| {
                        Error::new(ErrorKind::InvalidArgument, "the storage class is no name")
                            .with_source(error)
                    })?;
                    headers.insert(dialect.profile().storage_class_header.clone(), class);
                }
                self.region().map(|region| ("Location", region.to_owned()))
            }
        };
        let body = match inner {
            Some((element, text)) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
                configuration(element, &text)
            }
            None => Bytes::new(),
        };
        let call =
            Call { headers, body, action: "PutBucket", ..Call::new("create", Method::PUT, Target::Bucket) };
        self.call(&call, SMALL_ANSWER, |_| Ok(())).await
    }
}

fn configuration(element: &str, text: &str) -> Bytes {
    let mut body = format!("<CreateBucketConfiguration><{element}>");
    xml::escape_into(&mut body, text);
    body.push_str("</");
    body.push_str(element);
    body.push_str("></CreateBucketConfiguration>");
    body.into()
}
