//! Relays what accounts have signed: the server that takes requests, a loop for each relayer, and one that keeps them in STRK.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use axum::http::HeaderName;
use ciro_api::{Address, Fri};
use ciro_contracts::{
    AccountSigner, Chain, Forwarder, KeyedAccount, PrivateKey, SignerError, SignerLink, Token,
};
use deadpool_postgres::Pool;
use futures::future::join_all;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    Config, ServiceError,
    collecting::{Collector, Turn},
    connections,
    loops::{failed, keep, rest},
    rpc,
};
use crate::{
    admission::{self, Admission},
    ask::{self, Asker},
    backoff::Backoff,
    devices::{Devices, Issuer},
    forget::{self, Forgotten},
    health::{Board, Part},
    listen::listen_on,
    observe,
    prices::Follower,
    relay::{Bell, Fuel, Progress, Relayer, Settings},
    requests::{Desk, DeskParts, DeskSettings, GasTokens},
};

/// Connections of requests, which keep none while they wait.
const REQUEST_CONNECTIONS: usize = 16;
/// How soon a relayer looks after it has sent something, and then twice as late each time.
const SOON: Duration = Duration::from_millis(10);
/// How often it looks in the end, while something of it is open.
const BUSY: Duration = Duration::from_millis(320);
/// How often it looks when nothing is.
const IDLE: Duration = Duration::from_secs(1);
/// How often what is old is let go of.
const FORGET: Duration = Duration::from_mins(10);
/// How often balances are looked at.
const FUEL: Duration = Duration::from_secs(10);

/// How much STRK a relayer has at hand: little, because its key is on a server.
#[derive(Clone, Copy, Debug)]
pub struct Float {
    /// Below this it takes nothing more on.
    pub empty: Fri,
    /// Below this it gets more.
    pub low: Fri,
    /// So much.
    pub full: Fri,
}

/// Where the keys of relayers are.
#[derive(Clone)]
pub enum RelayerKeys {
    /// Here.
    Held(Vec<(Address, PrivateKey)>),
    /// In another process.
    Remote(SignerLink),
}

impl std::fmt::Debug for RelayerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Held(_) => "RelayerKeys::Held(redacted)",
            Self::Remote(_) => "RelayerKeys::Remote",
        })
    }
}

impl RelayerKeys {
    /// Who signs for each relayer.
    async fn signers(&self) -> Result<Vec<(Address, AccountSigner)>, SignerError> {
        match self {
            Self::Held(keys) => Ok(keys.iter().map(|(named, key)| (*named, key.into())).collect()),
            Self::Remote(link) => {
                let remote = link.accounts().await?.into_iter();
                Ok(remote.map(|(named, signer)| (named, AccountSigner::Remote(signer))).collect())
            }
        }
    }
}

/// What it takes to relay.
#[derive(Clone, Debug)]
pub struct Relaying {
    /// The accounts that send, each with a key of its own.
    pub relayers: RelayerKeys,
    /// The account that keeps them in STRK.
    pub treasury: Option<(Address, PrivateKey)>,
    /// How much of it.
    pub float: Float,
    /// Where SNIP-29 is answered.
    pub listen: SocketAddr,
    /// Gets that address, once it is.
    pub ready_file: Option<PathBuf>,
    /// What fees may be paid in.
    pub tokens: GasTokens,
    /// How relayers go about it.
    pub settings: Settings,
    /// How requests are treated.
    pub desk: DeskSettings,
    /// How many of them are let in.
    pub admission: admission::Settings,
    /// Whose devices are told apart, where that is done.
    pub devices: Option<Issuer>,
    /// How sponsors' servers are asked. Without it, rules that ask deny.
    pub asking: Option<ask::Settings>,
    /// The header in which our own proxy says where a request came from, where there is one before us.
    pub client_address_header: Option<HeaderName>,
}

pub(super) struct Begun {
    listener: TcpListener,
    desk: Desk,
    bell: Bell,
    relayers: Vec<Relayer>,
    pool: Pool,
    treasurer: Treasurer,
    collector: Option<Collector>,
    prices: Follower,
    client_address_header: Option<HeaderName>,
}

struct Treasurer {
    chain: Chain,
    token: Token,
    account: Option<KeyedAccount>,
    relayers: Vec<(Address, Fuel)>,
    float: Float,
    turn: Turn,
}

/// Gets ready, where relaying is asked for.
pub(super) async fn begin(config: &Config, chain: &Chain) -> Result<Option<Begun>, ServiceError> {
    let Some(relaying) = &config.relaying else { return Ok(None) };
    let address = config.deployment.forwarder.ok_or(ServiceError::NoForwarder)?;
    let forwarder = Forwarder { address };
    let account =
        |(address, key): &(Address, PrivateKey)| KeyedAccount::new(chain.clone(), *address, key);
    let signers = relaying.relayers.signers().await?.into_iter();
    let accounts: Vec<KeyedAccount> = signers
        .map(|(address, signer)| KeyedAccount::signed_by(chain.clone(), address, signer))
        .collect();
    let simulator = accounts.first().ok_or(ServiceError::NoRelayer)?.clone();
    let bell = Bell::default();
    let requests = connections(config, REQUEST_CONNECTIONS)?;
    // Each keeps one.
    let pool = connections(config, accounts.len() + 3)?;
    let desk = Desk::new(DeskParts {
        pool: requests,
        simulator,
        forwarder,
        bell: bell.clone(),
        tokens: relaying.tokens.clone(),
        admission: Admission::new(&relaying.admission, Instant::now())?,
        devices: relaying.devices.as_ref().map(Devices::new).transpose()?,
        asker: asker(relaying)?,
        settings: relaying.desk,
    });
    let listener = listen_on(relaying.listen, relaying.ready_file.as_deref()).await?;
    let payee = relaying.treasury.as_ref().map(|(address, _)| *address);
    let settings = Settings { payee, ..relaying.settings };
    let fuels: Vec<(Address, Fuel)> =
        accounts.iter().map(|account| (account.address(), Fuel::default())).collect();
    let relayers: Vec<Relayer> = accounts
        .into_iter()
        .zip(&fuels)
        .map(|(account, (_, fuel))| {
            Relayer::new(account, forwarder, settings, bell.clone(), fuel.clone())
        })
        .collect();
    let treasurer = Treasurer {
        chain: chain.clone(),
        token: Token { address: config.deployment.token },
        account: relaying.treasury.as_ref().map(account),
        relayers: fuels,
        float: relaying.float,
        turn: Turn::default(),
    };
    let collector = relaying.treasury.as_ref().map(|named| Collector {
        account: account(named),
        key: named.1.clone(),
        pool: ciro_contracts::Pool { address: config.deployment.pool },
        turn: treasurer.turn.clone(),
        chain_id: config.deployment.chain_id,
    });
    Ok(Some(Begun {
        listener,
        desk,
        bell,
        relayers,
        pool,
        treasurer,
        collector,
        prices: Follower::new(relaying.tokens.feeds())?,
        client_address_header: relaying.client_address_header.clone(),
    }))
}

fn asker(relaying: &Relaying) -> Result<Option<Asker>, ServiceError> {
    let Some(asking) = relaying.asking.clone() else {
        tracing::info!("no CIRO_POLICY_WEBHOOK_KEY_FILE: rules that ask a sponsor's server deny");
        return Ok(None);
    };
    Ok(Some(Asker::new(asking)?))
}

/// Relays until it is told to stop. What is queued or open then, the next run goes on with.
pub(super) async fn run(
    begun: Option<Begun>,
    board: &Board,
    stop: &CancellationToken,
) -> io::Result<()> {
    let Some(Begun {
        listener,
        desk,
        bell,
        relayers,
        pool,
        treasurer,
        collector,
        prices,
        client_address_header,
    }) = begun
    else {
        return Ok(());
    };
    let loops = relayers.into_iter().map(|relayer| relay(relayer, &pool, &bell, board, stop));
    let collecting = async {
        if let Some(collector) = collector {
            collector.run(&pool, board, stop).await;
        }
    };
    let (served, _, (), (), (), ()) = tokio::join!(
        rpc::serve(listener, desk, client_address_header, stop.clone()),
        join_all(loops),
        treasurer.run(board, stop),
        collecting,
        forget(&pool, stop),
        prices.run(stop),
    );
    served
}

async fn relay(
    mut relayer: Relayer,
    pool: &Pool,
    bell: &Bell,
    board: &Board,
    stop: &CancellationToken,
) {
    let part = Part::Relayer(relayer.address().to_string());
    let mut slot = None;
    let mut backoff = Backoff::new(BUSY);
    let mut look = SOON;
    loop {
        let mut listens = true;
        let wait = match keep(&mut slot, pool).await {
            Err(error) => {
                let wait = backoff.next();
                failed(board, part.clone(), &error, wait);
                wait
            }
            Ok(client) => match relayer.step(client).await {
                Ok(progress) => {
                    backoff.reset();
                    board.problem(part.clone(), None);
                    match progress {
                        Progress::More => Duration::ZERO,
                        Progress::Idle => IDLE,
                        Progress::Standby => {
                            // It could do nothing, and would take the ring from one that can.
                            listens = false;
                            IDLE
                        }
                        Progress::Fresh => {
                            look = SOON;
                            look
                        }
                        Progress::Open => {
                            look = (2 * look).min(BUSY);
                            look
                        }
                    }
                }
                Err(error) => {
                    let wait = backoff.next();
                    failed(board, part.clone(), &error, wait);
                    wait
                }
            },
        };
        let rung = tokio::select! {
            on = rest(wait, stop) => on,
            () = bell.until_queued(), if listens => !stop.is_cancelled(),
        };
        if !rung {
            break;
        }
    }
    let retired = match keep(&mut slot, pool).await {
        Ok(client) => relayer.retire(client).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = retired {
        tracing::warn!(error, "the lease was not given back; it ends by itself");
    }
}

/// Lets go of what is old, again and again.
async fn forget(pool: &Pool, stop: &CancellationToken) {
    while rest(FORGET, stop).await {
        let forgotten = async {
            let client = pool.get().await.map_err(|error| error.to_string())?;
            let forgotten = forget::forget(&client, OffsetDateTime::now_utc()).await;
            forgotten.map_err(|error| error.to_string())
        };
        match forgotten.await {
            Ok(none) if none == Forgotten::default() => {}
            Ok(forgotten) => tracing::info!(?forgotten, "let go of what is old"),
            Err(error) => tracing::warn!(error, "could not let go of what is old; trying later"),
        }
    }
}

impl Treasurer {
    async fn run(self, board: &Board, stop: &CancellationToken) {
        loop {
            match self.fuel().await {
                Ok(low) if low.is_empty() => board.problem(Part::Treasurer, None),
                Ok(low) => {
                    let words = format!("relayers {} have little STRK left", low.join(", "));
                    tracing::warn!("{words}");
                    board.problem(Part::Treasurer, Some(words));
                }
                Err(error) => failed(board, Part::Treasurer, &error, FUEL),
            }
            if !rest(FUEL, stop).await {
                return;
            }
        }
    }

    /// Fills up those that have little; names those that nobody can fill.
    async fn fuel(&self) -> Result<Vec<String>, ciro_contracts::AccountError> {
        let mut low = Vec::new();
        let mut transfers = Vec::new();
        for (relayer, fuel) in &self.relayers {
            let balance = self.token.balance_of(&self.chain, *relayer).await?;
            observe::relayer_balance(*relayer, balance);
            let is_out = balance < self.float.empty;
            if fuel.found(is_out) {
                tracing::warn!(%relayer, %balance, is_out, "its STRK has run out, or is there again");
            }
            if balance >= self.float.low {
                continue;
            }
            match self.float.full.checked_sub(balance).filter(|_| self.account.is_some()) {
                Some(missing) => transfers.push(self.token.transfer(*relayer, missing)),
                None => low.push(relayer.to_string()),
            }
        }
        if let (Some(treasury), false) = (&self.account, transfers.is_empty()) {
            let count = transfers.len();
            let turn = self.turn.lock().await;
            let hash = treasury.execute(transfers).await?;
            drop(turn);
            tracing::info!(%hash, relayers = count, "filled up");
        }
        Ok(low)
    }
}
