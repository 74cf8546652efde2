//! A Forwarder on a devnet, and accounts that sign outside executions for it.

use ciro_api::{
    Address, Felt, Fri, TrackingId, TxHash,
    hash::{
        outside_execution::{OutsideCall, OutsideExecution},
        sign,
    },
};
use ciro_contracts::{
    Charge, Forwarder, ForwarderParameters, KeyedAccount, Operation, OperationOutcome,
    OutsideVersion, Token, TokenUnits, deploy_forwarder, token::STRK,
};
use starknet_rust::core::types::Call;

use crate::net::Net;

pub(crate) const TOKEN: Token = Token { address: STRK };
pub(crate) const FEE_RECIPIENT: Address = Address(Felt::from_hex_unchecked("0xfee5"));
pub(crate) const NOTICE_S: u64 = 1_000;

/// The number of an account of the devnet. The first one owns the Forwarder and is its relayer.
pub(crate) type User = usize;
pub(crate) const RELAYER: User = 0;

pub(crate) struct Outside {
    pub(crate) net: Net,
    pub(crate) forwarder: Forwarder,
    keys: Vec<Felt>,
}

/// The call as an account makes it.
pub(crate) fn outside(call: Call) -> OutsideCall {
    OutsideCall { to: Address(call.to), selector: call.selector, calldata: call.calldata }
}

pub(crate) fn pays(amount: u128) -> Charge {
    Charge { token: STRK, amount: TokenUnits(amount) }
}

impl Outside {
    pub(crate) async fn start(accounts: u8) -> Self {
        let net = Net::start(accounts).await;
        let keys = net.devnet.accounts().await.into_iter().map(|(_, key)| key).collect();
        let owner = net.accounts[RELAYER].address();
        let parameters = ForwarderParameters {
            owner,
            fee_recipient: FEE_RECIPIENT,
            notice_s: NOTICE_S,
            relayers: vec![owner],
        };
        let forwarder = deploy_forwarder(&net.accounts[RELAYER], &parameters).await.unwrap();
        assert_eq!(forwarder.address, parameters.address());
        Self { net, forwarder, keys }
    }

    pub(crate) fn relayer(&self) -> &KeyedAccount {
        &self.net.accounts[RELAYER]
    }

    pub(crate) fn address(&self, user: User) -> Address {
        self.net.accounts[user].address()
    }

    pub(crate) fn key(&self, user: User) -> Felt {
        self.keys[user]
    }

    pub(crate) async fn balance(&self, of: Address) -> u128 {
        let Fri(fri) = TOKEN.balance_of(&self.net.chain, of).await.unwrap();
        fri
    }

    /// Valid at any time of a test, for the Forwarder alone.
    pub(crate) fn execution(&self, nonce: u64, calls: Vec<Call>) -> OutsideExecution {
        OutsideExecution {
            caller: self.forwarder.address,
            nonce: Felt::from(nonce),
            execute_after: 1,
            execute_before: u64::from(u32::MAX),
            calls: calls.into_iter().map(outside).collect(),
        }
    }

    /// Signed by the user, in version 2.
    pub(crate) fn operation(&self, user: User, nonce: u64, calls: Vec<Call>) -> Operation {
        self.signed(user, nonce, &self.execution(nonce, calls))
    }

    /// An operation of an execution that the user signs.
    pub(crate) fn signed(&self, user: User, nonce: u64, execution: &OutsideExecution) -> Operation {
        let account = self.address(user);
        let hash = execution.message_hash_v2(self.net.chain.chain_id(), account);
        let signature = sign::sign(&self.keys[user], &hash).unwrap();
        Operation {
            id: TrackingId(Felt::from(1_000 + nonce)),
            account,
            version: OutsideVersion::V2,
            charge: None,
            calldata: execution.calldata(&[signature.r.0, signature.s.0]),
        }
    }

    /// The same, with a last call that sends `fee` to the Forwarder.
    pub(crate) fn paying(
        &self,
        user: User,
        nonce: u64,
        mut calls: Vec<Call>,
        (fee, charge): (u128, u128),
    ) -> Operation {
        calls.push(TOKEN.transfer(self.forwarder.address, Fri(fee)));
        Operation { charge: Some(pays(charge)), ..self.operation(user, nonce, calls) }
    }

    /// Sends the operations as one batch; an error where its transaction fails.
    pub(crate) async fn send(
        &self,
        operations: &[Operation],
    ) -> Result<Vec<OperationOutcome>, String> {
        self.send_as(operations).await.map(|(_, outcomes)| outcomes)
    }

    /// The same, with the transaction's hash.
    pub(crate) async fn send_as(
        &self,
        operations: &[Operation],
    ) -> Result<(TxHash, Vec<OperationOutcome>), String> {
        let call = self.forwarder.execute_batch(operations);
        let hash = self.net.execute(self.relayer(), vec![call]).await.map_err(whole)?;
        let block = self.net.receipt(hash).await["block_number"].as_u64().unwrap();
        Ok((hash, self.forwarder.outcomes(&self.net.chain, hash, block).await.unwrap()))
    }
}

/// An error with all that caused it.
pub(crate) fn whole(error: impl std::error::Error) -> String {
    format!("{error}: {error:?}")
}
