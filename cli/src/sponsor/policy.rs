//! `ciro sponsor policy`: what a sponsor pays for in transactions, and why something is or is not among it.

use std::{io::Write, path::PathBuf, str::FromStr};

use anyhow::Context;
use ciro_api::{
    Address, DeviceId, Felt, Fri, SponsorId, SponsorKeyId, felt::parse_felt,
    hash::outside_execution::OutsideCall,
};
use ciro_paymaster::policy::{self, Operation, Policy, PolicyDocument, Selector};
use clap::{Args, Subcommand};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{claim_token::WhoseFlags, connect};

/// What is done to policies.
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Store a document as the sponsor's newest revision. It holds at once.
    Set(SetFlags),
    /// Print the newest revision.
    Show(WhoseFlags),
    /// Say what the newest revision, or a file, would decide of an operation, and which condition of each rule it does not
    /// meet. Limits are not looked at. Changes nothing.
    Explain(Box<ExplainFlags>),
}

/// Whose policy, and what it says.
#[derive(Args, Clone, Debug)]
pub struct SetFlags {
    /// Whose.
    #[command(flatten)]
    pub whose: WhoseFlags,
    /// The document.
    #[arg(long)]
    pub file: PathBuf,
}

/// What would be asked.
#[derive(Args, Clone, Debug)]
pub struct ExplainFlags {
    /// Whose.
    #[command(flatten)]
    pub whose: WhoseFlags,
    /// A document in the place of the sponsor's.
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// A call of the operation: contract, function and felts of calldata, divided by commas. As often as there are calls.
    #[arg(long = "call", required = true)]
    pub calls: Vec<CallText>,
    /// The account that acts.
    #[arg(long)]
    pub account: Address,
    /// Its class.
    #[arg(long, default_value = "0x0", value_parser = parse_felt)]
    pub class_hash: Felt,
    /// The key that it comes with.
    #[arg(long)]
    pub key: Option<SponsorKeyId>,
    /// The account is made first.
    #[arg(long)]
    pub deploys: bool,
    /// The device that asks.
    #[arg(long)]
    pub device: Option<DeviceId>,
    /// The page that it comes from, as `https://game.example`.
    #[arg(long)]
    pub origin: Option<String>,
    /// The address that it comes from.
    #[arg(long)]
    pub from: Option<std::net::IpAddr>,
    /// Units of L2 gas that it takes.
    #[arg(long, default_value_t = 0)]
    pub l2_gas: u64,
    /// What a unit costs.
    #[arg(long, default_value = "0")]
    pub l2_gas_price_fri: Fri,
    /// What it costs in all.
    #[arg(long, default_value = "0")]
    pub fee_fri: Fri,
}

/// A call as it is typed: `0x49d…,transfer,0xabc,100,0`.
#[derive(Clone, Debug)]
pub struct CallText(OutsideCall);

impl FromStr for CallText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let (to, function) = (parts.next().unwrap_or_default(), parts.next());
        let function = function.ok_or("expected a contract, a function and calldata")?;
        let felt = |text: &str| -> Result<Felt, String> {
            let decimal = |_| Felt::from_dec_str(text);
            parse_felt(text).or_else(decimal).map_err(|_| format!("`{text}` is no felt"))
        };
        Ok(Self(OutsideCall {
            to: to.parse().map_err(|error| format!("{error}"))?,
            selector: Selector::parse(function)?.felt(),
            calldata: parts.map(felt).collect::<Result<_, _>>()?,
        }))
    }
}

pub(super) async fn run(command: PolicyCommand, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Set(flags) => set(&flags, out).await,
        PolicyCommand::Show(flags) => show(&flags, out).await,
        PolicyCommand::Explain(flags) => explain(&flags, out).await,
    }
}

async fn set(flags: &SetFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let text = read(&flags.file)?;
    let client = connect(&flags.whose.database_url).await?;
    let revision = policy::store(&client, flags.whose.sponsor, &text).await?;
    writeln!(out, "revision {revision} of {} holds", flags.whose.sponsor)?;
    Ok(())
}

async fn show(flags: &WhoseFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let (revision, document) = newest(flags, flags.sponsor).await?;
    writeln!(out, "revision {revision}")?;
    writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(())
}

async fn newest(flags: &WhoseFlags, sponsor: SponsorId) -> anyhow::Result<(i32, PolicyDocument)> {
    let client = connect(&flags.database_url).await?;
    let found = policy::current(&client, sponsor).await?;
    found.with_context(|| format!("{sponsor} has no policy, so nothing is paid for"))
}

fn read(path: &std::path::Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

async fn explain(flags: &ExplainFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let document = match &flags.file {
        Some(path) => PolicyDocument::parse(read(path)?.as_bytes())?,
        None => newest(&flags.whose, flags.whose.sponsor).await?.1,
    };
    let calls: Vec<OutsideCall> = flags.calls.iter().map(|call| call.0.clone()).collect();
    let operation = Operation {
        key: flags.key.unwrap_or(SponsorKeyId(Uuid::nil())),
        account: flags.account,
        class_hash: flags.class_hash,
        deploys: flags.deploys,
        device: flags.device,
        from: flags.from,
        origin: flags.origin.as_deref(),
        calls: &calls,
        l2_gas: flags.l2_gas,
        l2_gas_price: flags.l2_gas_price_fri,
        fee: flags.fee_fri,
        // Nobody here knows which contract it is, so calls to it are not found out.
        forwarder: Address(Felt::ZERO),
        now: OffsetDateTime::now_utc(),
    };
    let policy = Policy::new(document);
    for (rule, mismatch) in policy.explain(&operation) {
        match mismatch {
            Some(mismatch) => writeln!(out, "rule `{rule}` does not fit: {mismatch}")?,
            None => writeln!(out, "rule `{rule}` fits")?,
        }
    }
    writeln!(out, "{}", policy.decide(&operation))?;
    Ok(())
}
