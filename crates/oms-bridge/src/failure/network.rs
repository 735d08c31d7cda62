//! What to do about a host that cannot be reached.

use http_client::TransportKind;

/// What to check, by what went wrong on the network.
pub(crate) fn network_remedy(setting: &str, kind: TransportKind) -> String {
    match kind {
        TransportKind::Resolve => {
            format!("the name cannot be resolved: check the host in {setting}, and the DNS of this machine")
        }
        TransportKind::Tls => format!(
            "TLS fails: check the host in {setting}, and whether a proxy on the way replaces certificates"
        ),
        TransportKind::Connect | TransportKind::Other => {
            format!("check host and port in {setting}, HTTPS_PROXY, firewall and security group")
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
            assert!(network_remedy("X", kind).contains(remedy), "{kind:?}");
        }
    }
}
