//! What to do about a host that cannot be reached.

use http_client::TransportKind;
use settings::{Invalid, lenient};

use crate::failure::FailureKind;

/// What is wrong with the name of a host that does not resolve. `None` if the name may be right, so that the
/// network is at fault.
fn slip(host: &str, kind: TransportKind) -> Option<Invalid> {
    (kind == TransportKind::Resolve).then(|| lenient::slip(host)).flatten()
}

/// The kind of the failure to reach `host`.
pub fn network_kind(host: &str, kind: TransportKind) -> FailureKind {
    match slip(host, kind) {
        Some(_) => FailureKind::Configuration,
        None => FailureKind::OutOfReach,
    }
}

/// The variable that names a proxy, which may be what is not reached.
fn proxy() -> &'static str {
    const PROXIES: [&str; 6] =
        ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    PROXIES.into_iter().find(|name| std::env::var_os(name).is_some()).unwrap_or("HTTPS_PROXY")
}

/// What to check when the host in `setting` cannot be reached, by the kind of the error.
pub fn network_remedy(setting: &str, host: &str, kind: TransportKind) -> String {
    if let Some(slip) = slip(host, kind) {
        return format!("correct {setting}: {slip}");
    }
    match kind {
        TransportKind::Resolve => {
            format!(
                "the name cannot be resolved: check the host in {setting}, and the DNS settings of this machine"
            )
        }
        TransportKind::Tls => format!(
            "TLS fails: check the host in {setting}, whether plain http:// is spoken there, and whether a proxy on the way \
             replaces certificates"
        ),
        TransportKind::Connect | TransportKind::Other => {
            let proxy = proxy();
            format!("check host and port in {setting}, {proxy}, firewall and security group")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_remedy_fits_what_happened() {
        for (kind, remedy) in [
            (TransportKind::Resolve, "cannot be resolved"),
            (TransportKind::Tls, "TLS fails"),
            (TransportKind::Connect, "check host and port"),
        ] {
            assert!(network_remedy("X", "oss-cn-hangzhou.aliyuncs.com", kind).contains(remedy), "{kind:?}");
        }
    }

    #[test]
    fn a_wrong_host_name_is_a_configuration_error_and_not_a_network_error() {
        let (wrong, right) = ("oss-cn-hangzhuo.aliyuncs.com", "oss-cn-hangzhou.aliyuncs.com");
        let told = network_remedy("OSS_ENDPOINT", wrong, TransportKind::Resolve);
        assert_eq!(
            told,
            format!("correct OSS_ENDPOINT: no such region: \"cn-hangzhuo\": did you mean {right:?}?")
        );
        assert_eq!(network_kind(wrong, TransportKind::Resolve), FailureKind::Configuration);
        assert_eq!(network_kind(wrong, TransportKind::Connect), FailureKind::OutOfReach);
        assert_eq!(network_kind(right, TransportKind::Resolve), FailureKind::OutOfReach);
    }
}
