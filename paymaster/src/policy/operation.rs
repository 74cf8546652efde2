//! What a policy decides about.

use std::net::IpAddr;

use ciro_api::{Address, DeviceId, Felt, Fri, SponsorKeyId, hash::outside_execution::OutsideCall};
use time::OffsetDateTime;

/// One operation that a sponsor is asked to pay for, as it was parsed and, at execute, hashed again.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// The sponsor's key that it came with.
    pub key: SponsorKeyId,
    /// The account that acts.
    pub account: Address,
    /// The account's class.
    pub class_hash: Felt,
    /// Whether the account is made first.
    pub deploys: bool,
    /// The device that asks, where one is known.
    pub device: Option<DeviceId>,
    /// Where the request came from, where that is known.
    pub from: Option<IpAddr>,
    /// The web page that it came from, where a browser says so.
    pub origin: Option<&'a str>,
    /// What the account does.
    pub calls: &'a [OutsideCall],
    /// Units of L2 gas that it is expected to take.
    pub l2_gas: u64,
    /// What a unit costs now.
    pub l2_gas_price: Fri,
    /// What all of it is expected to cost.
    pub fee: Fri,
    /// The paymaster's contract, which no operation may call.
    pub forwarder: Address,
    /// Now.
    pub now: OffsetDateTime,
}
