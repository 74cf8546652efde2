//! SNIP-9: what an account signs so that somebody else may send its calls. Wallets know it in two versions, each with its
//! own hash; what the account then takes is the same.

use std::sync::LazyLock;

use starknet_rust_core::{crypto::compute_hash_on_elements, types::Felt};
use starknet_rust_crypto::poseidon_hash_many;

use super::{
    short_string,
    snip12::{DOMAIN_TYPE, PREFIX, type_hash},
};
use crate::felt::{Address, ChainId};

const NAME: &str = "Account.execute_from_outside";

static V1_DOMAIN: LazyLock<Felt> =
    LazyLock::new(|| type_hash("StarkNetDomain(name:felt,version:felt,chainId:felt)"));

static V1_EXECUTION: LazyLock<Felt> = LazyLock::new(|| {
    type_hash(concat!(
        "OutsideExecution(caller:felt,nonce:felt,execute_after:felt,execute_before:felt,calls_len:felt,calls:OutsideCall*)",
        "OutsideCall(to:felt,selector:felt,calldata_len:felt,calldata:felt*)"
    ))
});

static V1_CALL: LazyLock<Felt> = LazyLock::new(|| {
    type_hash("OutsideCall(to:felt,selector:felt,calldata_len:felt,calldata:felt*)")
});

static V2_EXECUTION: LazyLock<Felt> = LazyLock::new(|| {
    type_hash(concat!(
        r#""OutsideExecution"("Caller":"ContractAddress","Nonce":"felt","Execute After":"u128","#,
        r#""Execute Before":"u128","Calls":"Call*")"#,
        r#""Call"("To":"ContractAddress","Selector":"selector","Calldata":"felt*")"#
    ))
});

static V2_CALL: LazyLock<Felt> = LazyLock::new(|| {
    type_hash(r#""Call"("To":"ContractAddress","Selector":"selector","Calldata":"felt*")"#)
});

/// Of version 3, whose type names a tuple.
const V3_EXECUTION: Felt =
    Felt::from_hex_unchecked("0x13c8403ec4241d635a9bb6243dc259fe85c3483374f6c92b23510b4594a7d38");

/// One call that the account makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideCall {
    /// Whom.
    pub to: Address,
    /// Which function.
    pub selector: Felt,
    /// With what.
    pub calldata: Vec<Felt>,
}

impl OutsideCall {
    fn hash_v1(&self) -> Felt {
        let length = Felt::from(self.calldata.len());
        let calldata = compute_hash_on_elements(&self.calldata);
        compute_hash_on_elements(&[*V1_CALL, self.to.0, self.selector, length, calldata])
    }

    fn hash_v2(&self) -> Felt {
        let calldata = poseidon_hash_many(&self.calldata);
        poseidon_hash_many(&[*V2_CALL, self.to.0, self.selector, calldata])
    }
}

/// What an account signs: these calls, sent by this caller within this time, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideExecution {
    /// Who alone may send it: the Forwarder.
    pub caller: Address,
    /// Used once by the account; in no order.
    pub nonce: Felt,
    /// It may be executed later than this, in seconds since 1970.
    pub execute_after: u64,
    /// It may be executed earlier than this, in seconds since 1970.
    pub execute_before: u64,
    /// All happen, or none does.
    pub calls: Vec<OutsideCall>,
}

impl OutsideExecution {
    /// The struct's hash in version 1: SNIP-12 revision 0, with Pedersen.
    pub fn struct_hash_v1(&self) -> Felt {
        let calls: Vec<Felt> = self.calls.iter().map(OutsideCall::hash_v1).collect();
        let length = Felt::from(calls.len());
        let [caller, nonce, after, before] = self.terms();
        let calls = compute_hash_on_elements(&calls);
        compute_hash_on_elements(&[*V1_EXECUTION, caller, nonce, after, before, length, calls])
    }

    /// The struct's hash in version 2: SNIP-12 revision 1, with Poseidon.
    pub fn struct_hash_v2(&self) -> Felt {
        let calls: Vec<Felt> = self.calls.iter().map(OutsideCall::hash_v2).collect();
        let [caller, nonce, after, before] = self.terms();
        let calls = poseidon_hash_many(&calls);
        poseidon_hash_many(&[*V2_EXECUTION, caller, nonce, after, before, calls])
    }

    /// What `account` signs on `chain` in version 1.
    pub fn message_hash_v1(&self, chain: ChainId, account: Address) -> Felt {
        let domain = domain_hash_v1(chain);
        compute_hash_on_elements(&[short_string(PREFIX), domain, account.0, self.struct_hash_v1()])
    }

    /// What `account` signs on `chain` in version 2.
    pub fn message_hash_v2(&self, chain: ChainId, account: Address) -> Felt {
        let domain = domain_hash_v2(chain);
        poseidon_hash_many(&[short_string(PREFIX), domain, account.0, self.struct_hash_v2()])
    }

    /// What `account` signs on `chain` in version 3, which only Cartridge's Controller has: its nonce is one bit of a mask in
    /// a channel, and the channel stands where other versions have their nonce. Wallets cannot make this hash, since its type
    /// is none of SNIP-12.
    pub fn message_hash_v3(&self, chain: ChainId, account: Address, mask: u128) -> Felt {
        let calls: Vec<Felt> = self.calls.iter().map(OutsideCall::hash_v2).collect();
        let [caller, channel, after, before] = self.terms();
        let calls = poseidon_hash_many(&calls);
        let hashed = [V3_EXECUTION, caller, channel, Felt::from(mask), after, before, calls];
        let domain =
            poseidon_hash_many(&[*DOMAIN_TYPE, short_string(NAME), Felt::TWO, chain.0, Felt::TWO]);
        let execution = poseidon_hash_many(&hashed);
        poseidon_hash_many(&[short_string(PREFIX), domain, account.0, execution])
    }

    /// The execution and its signature, as the account's function of version 3 takes them.
    pub fn calldata_v3(&self, mask: u128, signature: &[Felt]) -> Vec<Felt> {
        let mut felts = self.calldata(signature);
        felts.insert(2, Felt::from(mask));
        felts
    }

    /// The execution and its signature, as the account's functions of versions 1 and 2 take them.
    pub fn calldata(&self, signature: &[Felt]) -> Vec<Felt> {
        let mut felts = self.terms().to_vec();
        felts.push(Felt::from(self.calls.len()));
        for call in &self.calls {
            felts.extend([call.to.0, call.selector, Felt::from(call.calldata.len())]);
            felts.extend(&call.calldata);
        }
        felts.push(Felt::from(signature.len()));
        felts.extend(signature);
        felts
    }

    fn terms(&self) -> [Felt; 4] {
        [self.caller.0, self.nonce, Felt::from(self.execute_after), Felt::from(self.execute_before)]
    }
}

/// Of SNIP-9, version 1, on `chain`.
fn domain_hash_v1(chain: ChainId) -> Felt {
    compute_hash_on_elements(&[*V1_DOMAIN, short_string(NAME), Felt::ONE, chain.0])
}

/// Of SNIP-9, version 2, revision 1, on `chain`.
fn domain_hash_v2(chain: ChainId) -> Felt {
    poseidon_hash_many(&[*DOMAIN_TYPE, short_string(NAME), Felt::TWO, chain.0, Felt::ONE])
}

#[cfg(test)]
mod tests;
