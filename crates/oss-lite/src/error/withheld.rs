//! Why a request was not sent.

/// A request must not be sent. Holds the reason, for people: a lower-case fragment without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Withheld(pub String);
