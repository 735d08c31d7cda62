//! Which platform runs the process, and what follows from it.
//!
//! | | listens on | headers `x-fc-*` |
//! |---|---|---|
//! | Function Compute | all addresses: its check of the start fails on loopback | are the platform's word |
//! | Tencent Cloud | all addresses, likewise | come from the client: removed on arrival |
//! | elsewhere | loopback | come from the client: removed on arrival |
//!
//! On Function Compute only the platform reaches the port, and the platform decides who may invoke the
//! function. It says so in the header `x-fc-control-path`, which is asked for. Tencent Cloud hands a web
//! function all requests of its URL as they came, so everybody who reaches the URL reaches the port. There
//! and elsewhere it is left to [`Adapter::admit`](crate::Adapter::admit) who may ask.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;

use http::{HeaderMap, HeaderName};
use http_listener::Limits;

use crate::error::{Error, ErrorKind};

const PORT_VARIABLES: [&str; 2] = ["FC_SERVER_PORT", "FC_CUSTOM_LISTEN_PORT"];

/// The port that both platforms expect by default.
pub(crate) const DEFAULT_PORT: u16 = 9000;

/// Who runs the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// Alibaba Cloud Function Compute: `FC_FUNCTION_NAME` and `FC_ACCOUNT_ID` are set ([environment
    /// variables](https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables)).
    FunctionCompute,
    /// Tencent Cloud's Serverless Cloud Function: `TENCENTCLOUD_RUNENV` is `SCF`
    /// ([environment variables](https://www.tencentcloud.com/document/product/583/32748)).
    TencentCloud,
    /// Neither: a server, a container, somebody's own machine.
    Elsewhere,
}

impl Platform {
    /// The platform of this process.
    pub fn of_process() -> Self {
        Self::detect(|name| std::env::var(name).ok())
    }

    /// The platform by the variables that `lookup` reads; an empty value counts as absent. Users of either
    /// platform cannot set these variables themselves.
    pub fn detect(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| lookup(name).is_some_and(|value| !value.is_empty());
        if is_set("FC_FUNCTION_NAME") && is_set("FC_ACCOUNT_ID") {
            Self::FunctionCompute
        } else if lookup("TENCENTCLOUD_RUNENV").as_deref() == Some("SCF") {
            Self::TencentCloud
        } else {
            Self::Elsewhere
        }
    }

    /// Where a server listens by default: on all addresses on a platform, on loopback
    /// elsewhere; on the port in `FC_SERVER_PORT`, else `FC_CUSTOM_LISTEN_PORT`, else `default_port`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the variable holds no port.
    pub fn listen_address(
        self,
        default_port: u16,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<SocketAddr, Error> {
        let ip = match self {
            Self::FunctionCompute | Self::TencentCloud => Ipv4Addr::UNSPECIFIED,
            Self::Elsewhere => Ipv4Addr::LOCALHOST,
        };
        let given = PORT_VARIABLES
            .into_iter()
            .find_map(|name| lookup(name).filter(|value| !value.is_empty()).map(|value| (name, value)));
        let port = match given {
            None => default_port,
            Some((name, value)) => value
                .trim()
                .parse::<NonZeroU16>()
                .map_err(|error| {
                    Error::new(ErrorKind::Configuration, format!("{name} is not a port: {value:?}"))
                        .with_source(error)
                })?
                .get(),
        };
        Ok((IpAddr::V4(ip), port).into())
    }

    /// What its clients may take in time and connections.
    pub fn limits(self) -> Limits {
        match self {
            Self::FunctionCompute => Limits::of_a_platform(),
            Self::TencentCloud | Self::Elsewhere => Limits::default(),
        }
    }

    /// Removes the headers that only Function Compute may set, unless this is it.
    pub(crate) fn remove_foreign(self, headers: &mut HeaderMap) {
        if self == Self::FunctionCompute {
            return;
        }
        let claimed: Vec<HeaderName> =
            headers.keys().filter(|name| name.as_str().starts_with("x-fc-")).cloned().collect();
        for name in claimed {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_platform_is_told_by_variables_that_users_cannot_set() {
        let detect = |variables: &[_]| Platform::detect(lookup(variables));
        let (name, account) = (("FC_FUNCTION_NAME", "sync"), ("FC_ACCOUNT_ID", "123"));
        assert_eq!(detect(&[name, account]), Platform::FunctionCompute);
        assert_eq!(detect(&[("TENCENTCLOUD_RUNENV", "SCF")]), Platform::TencentCloud);
        for variables in [
            &[][..],
            &[name],
            &[account],
            &[name, ("FC_ACCOUNT_ID", "")],
            &[("FC_REGION", "cn-hangzhou"), ("FC_SERVER_PORT", "9000")],
            &[("TENCENTCLOUD_RUNENV", "")],
        ] {
            assert_eq!(detect(variables), Platform::Elsewhere, "{variables:?}");
        }
    }

    #[test]
    fn the_address_is_loopback_except_on_a_platform() {
        let address = |platform: Platform| platform.listen_address(80, lookup(&[])).unwrap().to_string();
        assert_eq!(address(Platform::FunctionCompute), "0.0.0.0:80");
        assert_eq!(address(Platform::TencentCloud), "0.0.0.0:80");
        assert_eq!(address(Platform::Elsewhere), "127.0.0.1:80");
    }

    #[test]
    fn port_comes_from_the_first_variable_that_is_set() {
        let port = |variables: &[_]| {
            Platform::Elsewhere.listen_address(DEFAULT_PORT, lookup(variables)).unwrap().port()
        };
        assert_eq!(port(&[]), 9000);
        assert_eq!(port(&[("FC_CUSTOM_LISTEN_PORT", "8080")]), 8080);
        assert_eq!(port(&[("FC_CUSTOM_LISTEN_PORT", "8080"), ("FC_SERVER_PORT", "9001")]), 9001);
        assert_eq!(port(&[("FC_CUSTOM_LISTEN_PORT", "8080"), ("FC_SERVER_PORT", "")]), 8080);
    }

    #[test]
    fn a_port_that_is_none_is_an_error_that_names_the_variable() {
        for value in ["nine", "0", "65536", "-1"] {
            let variables = [("FC_SERVER_PORT", value)];
            let error = Platform::FunctionCompute.listen_address(9000, lookup(&variables)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(
                error.to_string().starts_with(&format!("FC_SERVER_PORT is not a port: {value:?}")),
                "{error}"
            );
        }
    }

    #[test]
    fn only_function_compute_is_believed_its_headers() {
        let left = |platform: Platform| {
            let mut headers = HeaderMap::new();
            for name in ["x-fc-request-id", "x-fc-access-key-id", "x-fcx", "authorization"] {
                headers.append(HeaderName::from_static(name), http::HeaderValue::from_static("a"));
                headers.append(HeaderName::from_static(name), http::HeaderValue::from_static("b"));
            }
            platform.remove_foreign(&mut headers);
            headers.len()
        };
        assert_eq!(left(Platform::FunctionCompute), 8);
        assert_eq!(left(Platform::TencentCloud), 4);
        assert_eq!(left(Platform::Elsewhere), 4);
    }
}
