//! Which addresses a stranger may have us call: those of the public internet, and no others.
//!
//! A list of what is public, not of what is private: a range that nobody thought of must be refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether it is a host of the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Prefixes that are no hosts of the public internet (IANA's special-purpose registry), with their lengths. The cloud's
/// metadata address, 169.254.169.254, is link-local.
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),        // this network, unspecified
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // behind a carrier's translation
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // one cloud's metadata, outside of any special range
    ([169, 254, 0, 0], 16),   // link-local
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, broadcast
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    SPECIAL_V4.iter().all(|(prefix, length)| {
        let mask = u32::MAX << (32 - length);
        bits & mask != u32::from(Ipv4Addr::from(*prefix)) & mask
    })
}

/// Of IPv6, only `2000::/3` is given to hosts. What translates to IPv4 inside of it, or outside of it, is refused whole:
/// a receiver with a public IPv4 address can be named by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let words = address.segments();
    let global = words[0] & 0xe000 == 0x2000;
    let protocol_assignments = words[0] == 0x2001 && words[1] < 0x0200; // Teredo, benchmarks, ORCHID
    let documentation =
        (words[0] == 0x2001 && words[1] == 0x0db8) || (words[0] == 0x3fff && words[1] < 0x1000);
    let six_to_four = words[0] == 0x2002;
    global && !protocol_assignments && !documentation && !six_to_four
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap_or_else(|_| panic!("{text} is no address")))
    }

    #[test]
    fn hosts_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "169.253.255.255",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "2001:200::1",
            "2001:4860:4860::8888",
        ] {
            assert!(public(text), "{text} is refused");
        }
    }

    #[test]
    fn what_is_no_host_of_the_internet_is_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!public(text), "{text} is let through");
        }
    }

    proptest! {
        /// The standard library knows some of the ranges by itself.
        #[test]
        fn no_address_that_the_standard_library_calls_special_is_public(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local()
                || v4.is_multicast() || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified();
            prop_assert!(!(special && is_public(v4.into())), "{v4}");
        }

        #[test]
        fn no_address_that_carries_an_older_one_is_public(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = ((a << 8) | b, (c << 8) | d);
            for carrier in [
                v4.to_ipv6_mapped(),
                v4.to_ipv6_compatible(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !high, !low),
            ] {
                prop_assert!(!is_public(carrier.into()), "{carrier}");
            }
        }

        #[test]
        fn outside_of_the_global_range_nothing_is_public(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            prop_assert!(v6.segments()[0] >> 13 == 1 || !is_public(v6.into()), "{v6}");
        }
    }
}
