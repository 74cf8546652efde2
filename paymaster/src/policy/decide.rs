//! The decision: the first rule that fits, found without looking at all of them.

use std::{collections::HashMap, fmt};

use ciro_api::{Address, Felt, Fri, hash::outside_execution::OutsideCall};

use super::{
    document::{Action, Conditions, PolicyDocument, Rule, Webhook},
    names::RuleId,
    operation::Operation,
};
use crate::snip29::WireFelt;

/// A document that is ready to be asked.
#[derive(Debug)]
pub struct Policy {
    document: PolicyDocument,
    /// Of rules that name contract and function of every call that there may be, by the calls that they name.
    by_call: HashMap<(Address, Felt), Vec<usize>>,
    /// The others.
    by_any_call: Vec<usize>,
}

/// What becomes of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// The sponsor pays, within the limits of this rule.
    Allow(&'a Rule),
    /// The sponsor's server is asked, and then the limits of this rule hold.
    Ask(&'a Rule, &'a Webhook),
    /// The user may pay.
    UserPays(&'a Rule),
    /// Nobody pays.
    Deny(Denial),
}

/// As people are told.
impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(rule) => write!(f, "allowed by rule `{}`", rule.id),
            Self::Ask(rule, webhook) => write!(f, "rule `{}` asks {}", rule.id, webhook.url),
            Self::UserPays(rule) => write!(f, "the user pays, by rule `{}`", rule.id),
            Self::Deny(denial) => write!(f, "denied: {denial}"),
        }
    }
}

/// Why nobody pays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", self.named())]
pub struct Denial {
    /// Which rule says so, if one does.
    pub rule: Option<RuleId>,
    /// What is wrong.
    pub reason: Reason,
}

impl Denial {
    fn named(&self) -> String {
        self.rule.as_ref().map_or_else(String::new, |rule| format!("rule `{rule}`: "))
    }

    fn of(rule: &Rule, reason: Reason) -> Self {
        Self { rule: Some(rule.id.clone()), reason }
    }
}

/// What is wrong with an operation that is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing is to be done.
    #[error("it has no call")]
    NoCall,
    /// An account that calls itself changes its own keys.
    #[error("it calls the account itself, which a sponsor never pays for")]
    CallsItself,
    /// The paymaster's own contract.
    #[error("it calls the paymaster's own contract")]
    CallsForwarder,
    /// Too early.
    #[error("the policy has not started")]
    NotStarted,
    /// Too late.
    #[error("the policy has ended")]
    Ended,
    /// Denied is what nothing allows.
    #[error("no rule allows it")]
    NoRule,
    /// A rule.
    #[error("it is denied")]
    Denied,
    /// A ceiling.
    #[error("it takes {found} units of L2 gas; at most {most} are paid for")]
    GasOverCeiling {
        /// So many.
        found: u64,
        /// Of at most so many.
        most: u64,
    },
    /// A ceiling.
    #[error("a unit of L2 gas costs {found} fri; at most {most} are paid")]
    PriceOverCeiling {
        /// So much.
        found: Fri,
        /// Of at most so much.
        most: Fri,
    },
    /// A ceiling.
    #[error("it costs {found} fri; at most {most} are paid")]
    FeeOverCeiling {
        /// So much.
        found: Fri,
        /// Of at most so much.
        most: Fri,
    },
}

/// Which condition of a rule an operation does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A call.
    #[error("call {0} fits none of its calls")]
    Call(usize),
    /// None at all, or, of a rule that denies, none of those.
    #[error("no call fits one of its calls")]
    NoCall,
    /// The key.
    #[error("it is not for this key")]
    Key,
    /// The account.
    #[error("it is not for this account")]
    Account,
    /// The class.
    #[error("it is not for accounts of this class")]
    Class,
    /// The deployment.
    #[error("it is not for accounts that are made first")]
    Deploys,
    /// The device.
    #[error("it is not for this device")]
    Device,
    /// The address.
    #[error("it is not for this network")]
    Network,
    /// The page.
    #[error("it is not for this origin")]
    Origin,
}

impl Policy {
    /// Makes a document ready.
    pub fn new(document: PolicyDocument) -> Self {
        let mut by_call: HashMap<_, Vec<usize>> = HashMap::new();
        let mut by_any_call = Vec::new();
        for (place, rule) in document.rules.iter().enumerate() {
            match named_calls(rule) {
                Some(calls) => {
                    for call in calls {
                        let places = by_call.entry(call).or_default();
                        if places.last() != Some(&place) {
                            places.push(place);
                        }
                    }
                }
                None => by_any_call.push(place),
            }
        }
        Self { document, by_call, by_any_call }
    }

    /// What becomes of the operation, but for the limits, which are counted where they are reserved.
    pub fn decide(&self, operation: &Operation<'_>) -> Decision<'_> {
        if let Some(reason) = self.never(operation) {
            return Decision::Deny(Denial { rule: None, reason });
        }
        let fitting = self.candidates(operation).map(|place| &self.document.rules[place]);
        let Some(rule) = fitting.into_iter().find(|rule| mismatch(rule, operation).is_none())
        else {
            return Decision::Deny(Denial { rule: None, reason: Reason::NoRule });
        };
        match (&rule.action, over_ceiling(rule, operation)) {
            (Action::Deny, _) => Decision::Deny(Denial::of(rule, Reason::Denied)),
            (_, Some(reason)) => Decision::Deny(Denial::of(rule, reason)),
            (Action::Allow, None) => Decision::Allow(rule),
            (Action::UserPays, None) => Decision::UserPays(rule),
            (Action::Ask(webhook), None) => Decision::Ask(rule, webhook),
        }
    }

    /// For each rule that does not fit, the first condition that is not met; for a dry run.
    pub fn explain(&self, operation: &Operation<'_>) -> Vec<(&RuleId, Option<Mismatch>)> {
        let rules = self.document.rules.iter();
        rules.map(|rule| (&rule.id, mismatch(rule, operation))).collect()
    }

    /// What no rule can allow.
    fn never(&self, operation: &Operation<'_>) -> Option<Reason> {
        let Operation { calls, account, forwarder, now, .. } = operation;
        if calls.is_empty() && !operation.deploys {
            return Some(Reason::NoCall);
        }
        if calls.iter().any(|call| call.to == *account) {
            return Some(Reason::CallsItself);
        }
        if calls.iter().any(|call| call.to == *forwarder) {
            return Some(Reason::CallsForwarder);
        }
        if self.document.starts_at.is_some_and(|start| *now < start) {
            return Some(Reason::NotStarted);
        }
        self.document.ends_at.is_some_and(|end| *now >= end).then_some(Reason::Ended)
    }

    /// The rules that may fit, in their order: those that name the first call, and those that name none.
    fn candidates(&self, operation: &Operation<'_>) -> impl Iterator<Item = usize> {
        let first = operation.calls.first().map(|call| (call.to, call.selector));
        let named = first.and_then(|call| self.by_call.get(&call));
        merged(named.map_or(&[], Vec::as_slice), &self.by_any_call)
    }
}

/// The contract and function of every pattern, if the rule fits only where the first call is one of them.
fn named_calls(rule: &Rule) -> Option<Vec<(Address, Felt)>> {
    let patterns = rule.when.calls.as_ref().filter(|_| rule.action != Action::Deny)?;
    patterns.iter().map(|pattern| Some((pattern.to?, pattern.function.felt()))).collect()
}

/// Two rising rows as one.
fn merged<'a>(one: &'a [usize], other: &'a [usize]) -> impl Iterator<Item = usize> + use<'a> {
    let (mut one, mut other) = (one.iter().copied().peekable(), other.iter().copied().peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if first > second => other.next(),
        (None, _) => other.next(),
        _ => one.next(),
    })
}

fn mismatch(rule: &Rule, operation: &Operation<'_>) -> Option<Mismatch> {
    mismatch_of_origin(&rule.when, operation).or_else(|| mismatch_of_calls(rule, operation))
}

/// Of who asks, and from where.
fn mismatch_of_origin(when: &Conditions, operation: &Operation<'_>) -> Option<Mismatch> {
    let Conditions { calls: _, keys, accounts, classes, deploys, devices, networks, origins } =
        when;
    if keys.as_ref().is_some_and(|keys| !keys.contains(&operation.key)) {
        return Some(Mismatch::Key);
    }
    let account = WireFelt(operation.account.0);
    if accounts.as_ref().is_some_and(|accounts| !accounts.contains(&account)) {
        return Some(Mismatch::Account);
    }
    let class = WireFelt(operation.class_hash);
    if classes.as_ref().is_some_and(|classes| !classes.contains(&class)) {
        return Some(Mismatch::Class);
    }
    if operation.deploys && !deploys {
        return Some(Mismatch::Deploys);
    }
    let is_of = |device| devices.as_ref().is_none_or(|devices| devices.contains(&device));
    if devices.is_some() && !operation.device.is_some_and(is_of) {
        return Some(Mismatch::Device);
    }
    if let Some(networks) = networks {
        let is_in = |address| networks.iter().any(|network| network.contains(address));
        if !operation.from.is_some_and(is_in) {
            return Some(Mismatch::Network);
        }
    }
    if let Some(origins) = origins
        && !operation.origin.is_some_and(|origin| origins.contains(origin))
    {
        return Some(Mismatch::Origin);
    }
    None
}

/// Of what is done. One forbidden call is enough to forbid the whole, and one that is not allowed to allow nothing.
fn mismatch_of_calls(rule: &Rule, operation: &Operation<'_>) -> Option<Mismatch> {
    let pays = matches!(rule.action, Action::Allow | Action::Ask(_));
    let Some(patterns) = rule.when.calls.as_ref() else {
        // A rule that pays and names no calls is for deployments that come alone.
        return (pays && !operation.calls.is_empty()).then_some(Mismatch::Call(0));
    };
    if operation.calls.is_empty() {
        return Some(Mismatch::NoCall);
    }
    let fits = |call: &OutsideCall| patterns.iter().any(|pattern| pattern.fits(call));
    match rule.action {
        Action::Deny => (!operation.calls.iter().any(fits)).then_some(Mismatch::NoCall),
        _ => operation.calls.iter().position(|call| !fits(call)).map(Mismatch::Call),
    }
}

fn over_ceiling(rule: &Rule, operation: &Operation<'_>) -> Option<Reason> {
    let ceilings = &rule.ceilings;
    let Operation { l2_gas, l2_gas_price, fee, .. } = *operation;
    match (ceilings.l2_gas, ceilings.l2_gas_price_fri, ceilings.fee_fri) {
        (Some(most), _, _) if l2_gas > most => Some(Reason::GasOverCeiling { found: l2_gas, most }),
        (_, Some(most), _) if l2_gas_price > most => {
            Some(Reason::PriceOverCeiling { found: l2_gas_price, most })
        }
        (_, _, Some(most)) if fee > most => Some(Reason::FeeOverCeiling { found: fee, most }),
        _ => None,
    }
}
