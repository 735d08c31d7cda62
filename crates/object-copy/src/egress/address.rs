//! Which addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far fetches reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, by https, on its own port.
    #[default]
    Public,
    /// This machine and private networks as well, also by http and on any port. Link-local addresses, and
    /// with them those of the metadata services of clouds, stay out of reach.
    Private,
}

/// Metadata services outside of the link-local ranges: Alibaba Cloud's and AWS's.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Public.
    Public,
    /// Of this machine or its networks.
    Private,
    /// Never to be fetched from.
    Never,
}

impl Reach {
    /// Whether `address` may be connected to.
    pub fn admits(self, address: IpAddr) -> bool {
        match scope(address) {
            Scope::Public => true,
            Scope::Private => self == Self::Private,
            Scope::Never => false,
        }
    }
}

fn scope(address: IpAddr) -> Scope {
    if METADATA.contains(&address) {
        return Scope::Never;
    }
    match address {
        IpAddr::V4(address) => scope_v4(address),
        IpAddr::V6(address) => match carried(address) {
            // Packets reach the IPv4 address in it.
            Some(carried) => scope(carried.into()),
            None => scope_v6(address),
        },
    }
}

/// By the registry of [special addresses](https://www.iana.org/assignments/iana-ipv4-special-registry/).
fn scope_v4(address: Ipv4Addr) -> Scope {
    match address.octets() {
        // The last one is carrier-grade NAT, where clouds run services of their own.
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Scope::Private,
        // This network, link-local; protocol assignments and relays of 6to4; documentation; benchmarking;
        // multicast, reserved, broadcast.
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [198, 18 | 19, ..] => Scope::Never,
        _ => Scope::Public,
    }
}

/// By the registry of [special addresses](https://www.iana.org/assignments/iana-ipv6-special-registry/).
fn scope_v6(address: Ipv6Addr) -> Scope {
    let segments = address.segments();
    if address.is_loopback() || segments[0] & 0xfe00 == 0xfc00 {
        return Scope::Private;
    }
    match segments {
        // Protocol assignments, Teredo among them; documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Scope::Never,
        // All global unicast addresses so far.
        [0x2000..=0x3fff, ..] => Scope::Public,
        _ => Scope::Never,
    }
}

/// The IPv4 address that packets to this one end at: mapped, compatible, of a NAT64, of 6to4.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([first, second], [third, fourth]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(first, second, third, fourth))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        // Below that lie :: and ::1.
        | [0, 0, 0, 0, 0, 0, high @ 1..=0xffff, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope_of(address: &str) -> Scope {
        scope(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2400:3200::1",
            "2001:4860:4860::8888",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(scope_of(address), Scope::Public, "{address}");
        }
    }

    #[test]
    fn addresses_of_this_machine_and_its_networks_are_private() {
        for address in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.0",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fdff:ffff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::127.0.0.1",
            "64:ff9b::192.168.0.1",
            "2002:7f00:1::",
            "2002:a01:203::1",
        ] {
            assert_eq!(scope_of(address), Scope::Private, "{address}");
        }
    }

    #[test]
    fn special_addresses_are_never_within_reach() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "64:ff9b:1::1",
            "4000::1",
            "::ffff:169.254.169.254",
            "::ffff:100.100.100.200",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2002:6464:64c8::1",
        ] {
            assert_eq!(scope_of(address), Scope::Never, "{address}");
        }
    }

    #[test]
    fn private_addresses_are_within_the_private_reach_only() {
        let [public, private, never] =
            ["8.8.8.8", "127.0.0.1", "169.254.169.254"].map(|text| text.parse().unwrap());
        assert!(Reach::Public.admits(public) && Reach::Private.admits(public));
        assert!(!Reach::Public.admits(private) && Reach::Private.admits(private));
        assert!(!Reach::Public.admits(never) && !Reach::Private.admits(never));
    }
}
