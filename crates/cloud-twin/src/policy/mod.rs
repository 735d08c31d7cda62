//! What an access key may do: policies of RAM (Alibaba) and IAM (Huawei), evaluated for each request once its
//! signature is verified.
//!
//! | module | concern |
//! |---|---|
//! | [`document`] | a policy, read strictly and evaluated |
//! | [`needs`] | which actions on which resources an operation needs, by the page of each |
//! | [`caller`] | whose request it is |
//!
//! An access key without a policy is that of the account itself, which may do everything. One with policies
//! may do what some statement of them allows and none denies. Everything else is answered as the services do:
//! `AccessDenied` by OSS and OBS, `OMS.0206` by OMS.

mod caller;
mod document;
mod needs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde::Serialize;

pub use self::document::{AccessPolicy, PolicyError};

pub(crate) use self::caller::{of_apig, of_form, of_request};
use self::document::PolicyVerdict;
pub(crate) use self::needs::{Need, Subject, deletion, listing, of_object_service, of_oms};
use crate::dialect::Dialect;
use crate::error::ApiError;
use crate::service::Service;

/// A request that no policy allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Denied {
    /// Where it was made.
    pub service: Service,
    /// Whose it was.
    pub access_key: String,
    /// What it needed, such as `oss:PutObject`.
    pub action: String,
    /// On which resource, such as `acs:oss:cn-hangzhou:1000000000000001:photos/a.jpg`.
    pub resource: String,
}

/// The policies of all access keys, and what they refused.
#[derive(Debug)]
pub(crate) struct Permissions {
    policies: BTreeMap<String, Vec<AccessPolicy>>,
    denied: Mutex<Vec<Denied>>,
}

impl Permissions {
    pub(crate) fn new(policies: BTreeMap<String, Vec<AccessPolicy>>) -> Self {
        Self { policies, denied: Mutex::default() }
    }

    /// The requests that no policy allowed, in the order they came.
    pub(crate) fn denied(&self) -> Vec<Denied> {
        self.denied.lock().clone()
    }

    /// Whether the policies of an access key allow what a request needs. A refusal is recorded.
    pub(crate) fn check(&self, service: Service, access_key: &str, needs: &[Need]) -> Result<(), Refusal> {
        let Some(policies) = self.policies.get(access_key) else { return Ok(()) };
        for need in needs {
            let verdict = document::judge(policies, &need.action, &need.resource);
            if verdict != PolicyVerdict::Allowed {
                let denied = Denied {
                    service,
                    access_key: access_key.to_owned(),
                    action: need.action.clone(),
                    resource: need.resource.clone(),
                };
                self.denied.lock().push(denied);
                return Err(Refusal {
                    action: need.action.clone(),
                    explicit: verdict == PolicyVerdict::Denied,
                });
            }
        }
        Ok(())
    }
}

/// A request that was not allowed.
pub(crate) struct Refusal {
    action: String,
    /// A statement denies it; otherwise none allows it.
    explicit: bool,
}

impl Refusal {
    /// [OSS](https://www.alibabacloud.com/help/en/oss/support/0003-00000201) says which action; OBS does not.
    pub(crate) fn of(self, dialect: Dialect) -> ApiError {
        match dialect {
            Dialect::Oss => {
                let (ec, kind) = if self.explicit {
                    ("0003-00000201", "ExplicitDeny")
                } else {
                    ("0003-00000001", "ImplicitDeny")
                };
                ApiError::new(
                    StatusCode::FORBIDDEN,
                    "AccessDenied",
                    "You have no right to access this object because of bucket acl.",
                )
                .ec(ec)
                .denial(vec![
                    ("PolicyType", "AccountLevelIdentityBasedPolicy".to_owned()),
                    ("AuthPrincipalType", "SubUser".to_owned()),
                    ("NoPermissionType", kind.to_owned()),
                    ("AuthAction", self.action),
                ])
            }
            Dialect::Obs => ApiError::forbidden("AccessDenied", "Access Denied"),
        }
    }
}

/// Whether a header is there with something in it.
fn carries(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| !value.is_empty())
}
