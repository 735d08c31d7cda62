//! Carrying out a fault at the points of a request where it strikes.

use std::future::pending;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::body::ReplyBody;
use crate::connection::{Aborted, Connection};
use crate::faults::{FaultAction, FaultId, FaultResponse, Faults};
use crate::reply::Reply;

/// What is left of a fault once it has been met at the start of a request.
pub(crate) enum Faulted {
    No,
    Instead(FaultResponse),
    Proxy(FaultResponse),
    AfterWork(FaultResponse),
    CutResponse,
    CorruptResponse,
    TruncateResponse,
    CorruptRequest,
    IgnoreRange,
    ResetMidRequest,
    ChangeFirst(FirstChange),
}

/// What happens to an object just before it is served.
pub(crate) enum FirstChange {
    Replace(String),
    Remove,
}

impl Faulted {
    /// Waits, hangs or resets as ordered.
    pub(crate) async fn meet(
        picked: Option<(FaultId, FaultAction)>,
        faults: &Faults,
        connection: &Connection,
    ) -> Result<Self, Aborted> {
        let (id, action) = picked.unzip();
        match action {
            // Those of callbacks and copies strike later.
            None
            | Some(
                FaultAction::LoseCallback
                | FaultAction::RepeatCallback
                | FaultAction::DelayCallback { .. }
                | FaultAction::FailCopy { .. },
            ) => Ok(Self::No),
            Some(FaultAction::Respond(response)) => Ok(Self::Instead(response)),
            Some(FaultAction::RespondAsProxy(response)) => Ok(Self::Proxy(response)),
            Some(FaultAction::RespondAfterWork(response)) => Ok(Self::AfterWork(response)),
            Some(FaultAction::ResetMidResponse) => Ok(Self::CutResponse),
            Some(FaultAction::Delay { millis }) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Ok(Self::No)
            }
            Some(FaultAction::ResetBeforeReading) => {
                connection.reset();
                Err(Aborted)
            }
            Some(FaultAction::Hang) => pending().await,
            Some(FaultAction::Hold) => {
                if let Some(id) = id {
                    faults.lifted(id).await;
                }
                Ok(Self::No)
            }
            Some(FaultAction::CorruptResponse) => Ok(Self::CorruptResponse),
            Some(FaultAction::TruncateResponse) => Ok(Self::TruncateResponse),
            Some(FaultAction::CorruptRequest) => Ok(Self::CorruptRequest),
            Some(FaultAction::IgnoreRange) => Ok(Self::IgnoreRange),
            Some(FaultAction::ResetMidRequest) => Ok(Self::ResetMidRequest),
            Some(FaultAction::ReplaceFirst { body }) => Ok(Self::ChangeFirst(FirstChange::Replace(body))),
            Some(FaultAction::RemoveFirst) => Ok(Self::ChangeFirst(FirstChange::Remove)),
        }
    }

    /// The reply that goes out once the work is done.
    pub(crate) fn after(
        self,
        connection: &Connection,
        mut reply: Reply,
        render: impl FnOnce(FaultResponse) -> Reply,
    ) -> Reply {
        match self {
            Self::AfterWork(response) => render(response),
            Self::CorruptResponse => {
                *reply.body_mut() = reply.body().content().with_flipped_middle().into();
                reply
            }
            Self::TruncateResponse => {
                let content = reply.body().content();
                if !content.is_empty() {
                    let half = content.slice(0..content.len() / 2);
                    reply.headers_mut().insert(header::CONTENT_LENGTH, half.len().into());
                    *reply.body_mut() = half.into();
                }
                reply
            }
            Self::CutResponse => {
                let body = reply.body().content().len();
                connection.cut_after(SHORTEST_HEAD + usize::try_from(body / 2).unwrap_or(usize::MAX));
                reply
            }
            _ => reply,
        }
    }
}

/// Less than the head of any response, so that a cut after it always hits.
const SHORTEST_HEAD: usize = 64;

impl FaultResponse {
    /// An answer without anything of the service, as of a proxy.
    pub(crate) fn proxy_reply(&self) -> Reply {
        let mut reply = http::Response::new(ReplyBody::default());
        *reply.status_mut() = self.status_code();
        self.complete(reply)
    }

    pub(crate) fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// `reply` with the headers and the body that the fault gives.
    pub(crate) fn complete(&self, mut reply: Reply) -> Reply {
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                reply.headers_mut().append(name, value);
            }
        }
        if let Some(body) = &self.body {
            *reply.body_mut() = body.clone().into();
        }
        reply
    }
}
