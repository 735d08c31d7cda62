//! One bucket of a client, with the credentials to use there.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::Instant;

use crate::bucket_name::BucketName;
use crate::client::{Base, Call, Caller, Client, Received, Shared, Signer};
use crate::credentials::Credentials;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::stream_body::StreamBody;

/// One bucket of a [`Client`](crate::Client), with the credentials to use there. Cheap to clone.
///
/// Every operation may be repeated by the [`RetryPolicy`](crate::RetryPolicy), unless its description says
/// that it is made once; one that fails with [`ErrorKind::Transport`](crate::ErrorKind::Transport),
/// [`ServerError`](crate::ErrorKind::ServerError) or [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded)
/// may have taken effect anyway.
#[derive(Clone)]
pub struct Bucket {
    shared: Arc<Shared>,
    access: Arc<Access>,
    deadline: Option<Instant>,
}

/// What every call to the bucket needs.
struct Access {
    name: BucketName,
    base: Base,
    signer: Signer,
}

/// A successful answer, read to its end.
pub(crate) struct Answered {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// A bucket with the credentials to use there; makes no request. Keep it: it holds the derived signing
    /// key.
    pub fn bucket(&self, name: &BucketName, credentials: Arc<Credentials>) -> Bucket {
        Bucket::new(Arc::clone(self.shared()), name.clone(), credentials)
    }
}

impl Bucket {
    fn new(shared: Arc<Shared>, name: BucketName, credentials: Arc<Credentials>) -> Self {
        let base = Base::new(shared.endpoint.base(&name));
        let signer = Signer::new(&shared.scheme, credentials, shared.gates.as_ref());
        Self { shared, access: Arc::new(Access { name, base, signer }), deadline: None }
    }

    /// The same bucket, whose calls end by then: all tries, waits and the reading of bodies included.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The bucket's name.
    pub fn name(&self) -> &BucketName {
        &self.access.name
    }

    /// The bucket's URL, with a slash at the end, as URLs handed to others begin: at the
    /// [public endpoint](crate::ClientConfig::with_public_endpoint).
    pub fn public_url(&self) -> String {
        format!("{}/", self.shared.public_endpoint.base(self.name()))
    }

    /// The dialect spoken with the service.
    pub fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.shared.region.as_deref()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.access.signer
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller {
            shared: &self.shared,
            bucket: &self.access.name,
            base: &self.access.base,
            signer: &self.access.signer,
            deadline: self.deadline,
        }
    }

    /// Makes a call whose answer is small, and reads it with `parse` as part of the try: an answer that
    /// breaks off or makes no sense is asked for again. Success that carries an error document is an error.
    pub(crate) async fn call<T>(
        &self,
        call: &Call<'_>,
        limit: usize,
        parse: impl Fn(&Answered) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let caller = self.caller();
        let parse = &parse;
        caller
            .run(call, |received| async move { parse(&answered(caller, call, limit, received).await?) })
            .await
    }

    /// The same with a body that can be read only once.
    pub(crate) async fn call_once<T>(
        &self,
        call: &Call<'_>,
        body: StreamBody,
        limit: usize,
        parse: impl FnOnce(&Answered) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let caller = self.caller();
        let finish = |received| async move { parse(&answered(caller, call, limit, received).await?) };
        caller.once(call, body, finish).await
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.access.name)
            .field("endpoint", &self.shared.endpoint)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Reads an answer to its end.
async fn answered(
    caller: Caller<'_>,
    call: &Call<'_>,
    limit: usize,
    received: Received,
) -> Result<Answered, Error> {
    let Received { status, headers, body } = received;
    let body = body.collect(limit).await?;
    if is_error_document(&body) {
        return Err(caller.refused(call, status, &headers, &body));
    }
    Ok(Answered { headers, body })
}

fn is_error_document(body: &[u8]) -> bool {
    // As bytes: a listing is long, and only its beginning is of interest.
    let text = body.trim_ascii_start();
    let text = match text.strip_prefix(b"<?xml") {
        Some(declaration) => match declaration.windows(2).position(|window| window == b"?>") {
            Some(end) => declaration[end + 2..].trim_ascii_start(),
            None => return false,
        },
        None => text,
    };
    let rest = text.strip_prefix(b"<Error").and_then(<[u8]>::first);
    rest.is_some_and(|next| b"> /\n\r\t".contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_document_whose_root_is_error_is_an_error() {
        for body in
            ["<Error><Code>x</Code></Error>", "<?xml version=\"1.0\"?>\n<Error xmlns=\"x\">", " <Error/>"]
        {
            assert!(is_error_document(body.as_bytes()), "{body}");
        }
        for body in ["", "{}", "<Errors/>", "<ListBucketResult><Error>", "an <Error>", "<?xml"] {
            assert!(!is_error_document(body.as_bytes()), "{body}");
        }
    }
}
