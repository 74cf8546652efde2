//! Who asks, as far as it is known.

use std::net::IpAddr;

use ciro_api::{Address, DeviceId, SponsorKeyId};
use ipnet::IpNet;

/// Whose buckets a request comes out of. What is not known, or not proven yet, is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Where it came from: [`network`] of the address.
    pub network: Option<IpNet>,
    /// The sponsor's key, once it was found to be good.
    pub sponsor_key: Option<SponsorKeyId>,
    /// The account that acts, once its signature was found to be good: else anyone could use up what another account has.
    pub account: Option<Address>,
    /// The device, once its token was found to be good.
    pub device: Option<DeviceId>,
}

/// What addresses have in common that one customer of a provider may choose from: 256 neighbours of IPv4, and the /56 that
/// providers hand to a household of IPv6 (RIPE-690). An address of IPv4 that is written as one of IPv6 is one of IPv4.
pub fn network(address: IpAddr) -> IpNet {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { 24 } else { 56 };
    // Both lengths are possible, so there is always such a network.
    IpNet::new(address, bits).unwrap_or_else(|_| address.into()).trunc()
}
