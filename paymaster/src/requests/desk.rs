//! What every request needs, and who asks.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use ciro_api::{Address, DeviceId, SponsorId, SponsorKeyId, Trace};
use ciro_contracts::{Chain, Forwarder, KeyedAccount};
use deadpool_postgres::{Object, Pool};
use time::OffsetDateTime;

use super::{accounts::Accounts, policies::Policies, quote::Overheads, tokens::GasTokens};
use crate::{
    admission::{Admission, Kind, Permit, Who, network},
    ask::Asker,
    devices::{Device, Devices},
    policy::Policy,
    relay::Bell,
    snip29::Fault,
    sponsors,
};

/// How often is looked without a hint.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// How requests are treated.
#[derive(Clone, Copy, Debug)]
pub struct DeskSettings {
    /// For how long what is built may be executed, where the client does not say.
    pub validity: Duration,
    /// How long an operation may wait in the queue.
    pub queue: Duration,
    /// How long a client waits for the hash of its transaction.
    pub patience: Duration,
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self {
            // People read before they sign.
            validity: Duration::from_mins(15),
            queue: Duration::from_mins(5),
            patience: Duration::from_secs(20),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The key in the headers, whoever's it is.
    pub key: Option<String>,
    /// The device, where it has shown who it is: [`Desk::identify`] has found its token good.
    pub device: Option<Device>,
    /// Where the request came from.
    pub from: Option<IpAddr>,
    /// The page that it came from, where a browser says so.
    pub origin: Option<String>,
    /// The trace that the request is part of.
    pub trace: Option<Trace>,
}

impl Caller {
    pub(super) fn device_id(&self) -> Option<DeviceId> {
        self.device.map(|device| device.id)
    }
}

/// What every request needs.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    parts: DeskParts,
    accounts: Accounts,
    policies: Policies,
    overheads: Overheads,
}

/// What a desk is made of.
pub struct DeskParts {
    /// The database.
    pub pool: Pool,
    /// In whose name operations are simulated; any relayer.
    pub simulator: KeyedAccount,
    /// The paymaster's contract.
    pub forwarder: Forwarder,
    /// Wakes relayers, and tells what they did.
    pub bell: Bell,
    /// What fees may be paid in.
    pub tokens: GasTokens,
    /// Who is let in.
    pub admission: Admission,
    /// Tells devices apart. Without it, a token is refused.
    pub devices: Option<Devices>,
    /// What asks sponsors' servers. Without it, rules that ask deny.
    pub asker: Option<Asker>,
    /// How requests are treated.
    pub settings: DeskSettings,
}

impl Desk {
    /// A desk that takes requests.
    pub fn new(parts: DeskParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            accounts: Accounts::default(),
            policies: Policies::default(),
            overheads: Overheads::default(),
        }))
    }

    pub(super) fn chain(&self) -> &Chain {
        self.0.parts.simulator.chain()
    }

    pub(super) fn simulator(&self) -> &KeyedAccount {
        &self.0.parts.simulator
    }

    pub(super) fn forwarder(&self) -> Forwarder {
        self.0.parts.forwarder
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.0.parts.bell
    }

    pub(super) fn settings(&self) -> DeskSettings {
        self.0.parts.settings
    }

    pub(super) fn tokens(&self) -> &GasTokens {
        &self.0.parts.tokens
    }

    pub(super) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// What asks sponsors' servers, where that can be done.
    pub(super) fn asker(&self) -> Option<&Asker> {
        self.0.parts.asker.as_ref()
    }

    /// The keys that questions to sponsors' servers are signed with, as Standard Webhooks writes them.
    pub fn webhook_keys(&self) -> Vec<String> {
        self.asker().map(Asker::public_key).into_iter().collect()
    }

    /// The sponsor's policy that holds now, with its revision.
    pub(super) async fn policy(&self, sponsor: SponsorId) -> Result<(i32, Arc<Policy>), Fault> {
        let client = self.client().await?;
        self.0.policies.of(&**client, sponsor).await
    }

    pub(super) fn overheads(&self) -> &Overheads {
        &self.0.overheads
    }

    pub(super) fn admission(&self) -> &Admission {
        &self.0.parts.admission
    }

    pub(super) fn devices(&self) -> Option<&Devices> {
        self.0.parts.devices.as_ref()
    }

    pub(super) async fn client(&self) -> Result<Object, Fault> {
        Ok(self.0.parts.pool.get().await?)
    }

    /// Lets a request in by where it comes from, or says when to come back. To be held while it is worked on.
    pub fn admit(&self, caller: &Caller, kind: Kind) -> Result<Permit, Fault> {
        let who = Who { network: caller.from.map(network), ..Who::default() };
        Ok(self.0.parts.admission.take(&who, kind, Instant::now())?)
    }

    /// Takes what the account's operation weighs, once the account was seen to want it.
    pub(super) fn charge(&self, account: Address) -> Result<(), Fault> {
        let who = Who { account: Some(account), ..Who::default() };
        Ok(self.0.parts.admission.charge(&who, Kind::Execute, Instant::now())?)
    }

    /// The sponsor whose key came with the request, and whose device asks where one does. The same words for every key that is none, so that a stranger learns
    /// nothing about which exist.
    pub(super) async fn sponsor(
        &self,
        caller: &Caller,
        kind: Kind,
    ) -> Result<(SponsorId, SponsorKeyId), Fault> {
        let refused = || {
            Fault::refused(
                "invalid_key",
                "the sponsorship key in `x-paymaster-api-key` is missing, unknown, over or revoked",
            )
        };
        let key = caller.key.as_deref().ok_or_else(refused)?;
        let client = self.client().await?;
        let (sponsor, key) = sponsors::sponsor_of_key(&**client, key).await?.ok_or_else(refused)?;
        let who = Who { sponsor_key: Some(key), ..Who::default() };
        self.0.parts.admission.charge(&who, kind, Instant::now())?;
        if let Some(device) = caller.device.filter(|device| device.sponsor != sponsor) {
            let detail = format!("{} is another sponsor's than the key", device.id);
            return Err(Fault::refused("other_sponsors_device", detail));
        }
        Ok((sponsor, key))
    }
}

pub(super) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
