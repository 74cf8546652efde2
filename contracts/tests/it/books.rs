//! What the contracts should do, in as few words as possible: a pure ledger that is told what was asked and when, and
//! says what must come of it. Shares no code with the contracts or their bindings.

use std::collections::BTreeMap;

use crate::net::{EPOCH_S, MIN_PRICE, MIN_STAKE, NOTICE_S, UNBONDING_S, WINDOW_S};

/// Numbers of actors, each within its own kind.
pub(crate) type Sponsor = usize;
pub(crate) type Operator = usize;
pub(crate) type Worker = usize;

/// The words with which the contracts refuse.
pub(crate) type Refusal = &'static str;

#[derive(Clone, Copy, Debug, Default)]
struct Notice {
    amount: u128,
    ready_at: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    deposit: u128,
    leaving: Notice,
    per_epoch: u128,
    counts_from: u64,
    before: u128,
    epoch: u64,
    spent: u128,
}

impl Account {
    fn limit(&self, now: u64) -> u128 {
        if now >= self.counts_from { self.per_epoch } else { self.before }
    }

    fn spent(&self, now: u64) -> u128 {
        if self.epoch == now / EPOCH_S { self.spent } else { 0 }
    }

    fn allowance(&self, now: u64) -> u128 {
        self.limit(now).saturating_sub(self.spent(now))
    }

    /// What new work may count on: what was announced to leave or to fall counts as gone.
    fn budget(&self, now: u64) -> u128 {
        let allowance = self.per_epoch.min(self.limit(now)).saturating_sub(self.spent(now));
        allowance.min(self.deposit.saturating_sub(self.leaving.amount))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Stake {
    amount: u128,
    leaving: Notice,
    slashed_at: Option<u64>,
}

impl Stake {
    fn backs(&self) -> Result<(), Refusal> {
        if self.slashed_at.is_some() {
            return Err("worker_slashed");
        }
        let active = self.amount - self.leaving.amount.min(self.amount);
        if active < MIN_STAKE.0 { Err("stake_too_low") } else { Ok(()) }
    }
}

/// Pay that nobody has taken yet.
#[derive(Clone, Copy, Debug)]
struct Pay {
    worker: Worker,
    sponsor: Sponsor,
    amount: u128,
    unlocks_at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    poster: Sponsor,
    price: u128,
    deadline: u64,
    is_open: bool,
}

/// A line of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sponsor: Sponsor,
    pub(crate) worker: Worker,
    pub(crate) seq: u64,
    pub(crate) amount: u128,
}

/// The whole network.
#[derive(Debug, Default)]
pub(crate) struct Books {
    accounts: BTreeMap<(Sponsor, Operator), Account>,
    stakes: BTreeMap<Worker, Stake>,
    last_seqs: BTreeMap<(Sponsor, Operator, Worker), u64>,
    pay: Vec<Pay>,
    jobs: Vec<Job>,
    /// What has left the pool to wallets less what came from them, by name.
    pub(crate) wallets: BTreeMap<String, i128>,
}

fn signed(amount: u128) -> i128 {
    i128::try_from(amount).unwrap()
}

fn ready(notice: Notice, now: u64, none: Refusal, early: Refusal) -> Result<(), Refusal> {
    match notice.amount {
        0 => Err(none),
        _ if now < notice.ready_at => Err(early),
        _ => Ok(()),
    }
}

impl Books {
    fn account(&mut self, sponsor: Sponsor, operator: Operator) -> &mut Account {
        self.accounts.entry((sponsor, operator)).or_default()
    }

    fn stake_mut(&mut self, worker: Worker) -> &mut Stake {
        self.stakes.entry(worker).or_default()
    }

    fn wallet(&mut self, name: String, change: i128) {
        *self.wallets.entry(name).or_default() += change;
    }

    pub(crate) fn deposit(&mut self, s: Sponsor, o: Operator, amount: u128) -> Result<(), Refusal> {
        if amount == 0 {
            return Err("amount is zero");
        }
        self.account(s, o).deposit += amount;
        self.wallet(format!("sponsor {s}"), -signed(amount));
        Ok(())
    }

    pub(crate) fn announce_withdrawal(&mut self, s: Sponsor, o: Operator, amount: u128, now: u64) {
        self.account(s, o).leaving = Notice { amount, ready_at: now + NOTICE_S };
    }

    pub(crate) fn withdraw(&mut self, s: Sponsor, o: Operator, now: u64) -> Result<(), Refusal> {
        let account = self.account(s, o);
        ready(account.leaving, now, "no withdrawal announced", "notice is not over")?;
        let amount = account.leaving.amount.min(account.deposit);
        if amount == 0 {
            return Err("nothing to withdraw");
        }
        account.deposit -= amount;
        account.leaving = Notice::default();
        self.wallet(format!("sponsor {s}"), signed(amount));
        Ok(())
    }

    pub(crate) fn allow(&mut self, s: Sponsor, o: Operator, per_epoch: u128, now: u64) {
        let account = self.account(s, o);
        let before = account.limit(now);
        account.counts_from = if per_epoch < before { now + NOTICE_S } else { now };
        (account.per_epoch, account.before) = (per_epoch, before);
    }

    pub(crate) fn stake(&mut self, w: Worker, amount: u128) -> Result<(), Refusal> {
        if amount == 0 {
            return Err("amount is zero");
        }
        let stake = self.stake_mut(w);
        if stake.slashed_at.is_some() {
            return Err("worker was slashed");
        }
        stake.amount += amount;
        self.wallet(format!("worker {w}"), -signed(amount));
        Ok(())
    }

    pub(crate) fn announce_unstake(&mut self, w: Worker, amount: u128, now: u64) {
        self.stake_mut(w).leaving = Notice { amount, ready_at: now + UNBONDING_S };
    }

    pub(crate) fn unstake(&mut self, w: Worker, now: u64) -> Result<(), Refusal> {
        let stake = self.stake_mut(w);
        ready(stake.leaving, now, "no unstake announced", "stake is still unbonding")?;
        let amount = stake.leaving.amount.min(stake.amount);
        if amount == 0 {
            return Err("nothing to unstake");
        }
        stake.amount -= amount;
        stake.leaving = Notice::default();
        self.wallet(format!("worker {w}"), signed(amount));
        Ok(())
    }

    /// For each line why it was refused, or nothing.
    pub(crate) fn settle(
        &mut self,
        o: Operator,
        lines: &[Line],
        now: u64,
    ) -> Vec<Result<(), Refusal>> {
        lines.iter().map(|line| self.settle_one(o, line, now)).collect()
    }

    fn settle_one(&mut self, o: Operator, line: &Line, now: u64) -> Result<(), Refusal> {
        let Line { sponsor, worker, seq, amount } = *line;
        if amount == 0 {
            return Err("zero_amount");
        }
        self.stake_mut(worker).backs()?;
        if seq != self.next_seq(sponsor, o, worker) {
            return Err("wrong_seq");
        }
        let account = self.account(sponsor, o);
        if amount > account.allowance(now) {
            return Err("insufficient_allowance");
        }
        if amount > account.deposit {
            return Err("insufficient_deposit");
        }
        account.spent = account.spent(now) + amount;
        account.epoch = now / EPOCH_S;
        account.deposit -= amount;
        self.last_seqs.insert((sponsor, o, worker), seq);
        self.lock(worker, sponsor, amount, now);
        Ok(())
    }

    fn lock(&mut self, worker: Worker, sponsor: Sponsor, amount: u128, now: u64) {
        let unlocks_at = (now / WINDOW_S + 2) * WINDOW_S;
        self.pay.push(Pay { worker, sponsor, amount, unlocks_at });
    }

    /// The moment that decides about a worker's pay: nothing matures after it was slashed.
    fn cutoff(&self, w: Worker, now: u64) -> u64 {
        self.stakes.get(&w).and_then(|stake| stake.slashed_at).unwrap_or(now)
    }

    pub(crate) fn claim(&mut self, w: Worker, now: u64) -> Result<(), Refusal> {
        let amount = self.mature(w, now);
        if amount == 0 {
            return Err("nothing to claim");
        }
        let cutoff = self.cutoff(w, now);
        self.pay.retain(|pay| pay.worker != w || pay.unlocks_at > cutoff);
        self.wallet(format!("worker {w}"), signed(amount));
        Ok(())
    }

    pub(crate) fn slash(&mut self, w: Worker, now: u64) -> Result<(), Refusal> {
        let stake = self.stake_mut(w);
        if stake.slashed_at.is_some() {
            return Err("worker was slashed");
        }
        let amount = stake.amount;
        *stake = Stake { amount: 0, leaving: Notice::default(), slashed_at: Some(now) };
        self.wallet("reporter".to_owned(), signed(amount / 2));
        self.wallet("treasury".to_owned(), signed(amount - amount / 2));
        Ok(())
    }

    pub(crate) fn return_pay(&mut self, w: Worker, now: u64) -> Result<(), Refusal> {
        if self.stakes.get(&w).and_then(|stake| stake.slashed_at).is_none() {
            return Err("worker was not slashed");
        }
        let cutoff = self.cutoff(w, now);
        let frozen = |pay: &Pay| pay.worker == w && pay.unlocks_at > cutoff;
        let returned: Vec<Pay> = self.pay.iter().copied().filter(frozen).collect();
        if returned.is_empty() {
            return Err("nothing to return");
        }
        self.pay.retain(|pay| !frozen(pay));
        for pay in returned {
            self.wallet(format!("sponsor {}", pay.sponsor), signed(pay.amount));
        }
        Ok(())
    }

    pub(crate) fn post_job(
        &mut self,
        s: Sponsor,
        price: u128,
        deadline: u64,
    ) -> Result<(), Refusal> {
        if price < MIN_PRICE.0 {
            return Err("price below the minimum");
        }
        self.jobs.push(Job { poster: s, price, deadline, is_open: true });
        self.wallet(format!("sponsor {s}"), -signed(price));
        Ok(())
    }

    pub(crate) fn fulfil(&mut self, w: Worker, job: usize, now: u64) -> Result<(), Refusal> {
        let Job { poster, price, deadline, is_open } = self.jobs[job];
        if !is_open {
            return Err("job is not open");
        }
        if now >= deadline {
            return Err("deadline has passed");
        }
        self.stake_mut(w).backs()?;
        self.jobs[job].is_open = false;
        self.lock(w, poster, price, now);
        Ok(())
    }

    pub(crate) fn reclaim(&mut self, job: usize, now: u64) -> Result<(), Refusal> {
        let Job { poster, price, deadline, is_open } = self.jobs[job];
        if !is_open {
            return Err("job is not open");
        }
        if now < deadline {
            return Err("deadline is still ahead");
        }
        self.jobs[job].is_open = false;
        self.wallet(format!("sponsor {poster}"), signed(price));
        Ok(())
    }

    pub(crate) fn next_seq(&self, s: Sponsor, o: Operator, w: Worker) -> u64 {
        self.last_seqs.get(&(s, o, w)).copied().unwrap_or(0) + 1
    }

    pub(crate) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn deposit_of(&self, s: Sponsor, o: Operator) -> u128 {
        self.accounts.get(&(s, o)).map_or(0, |account| account.deposit)
    }

    pub(crate) fn allowance_of(&self, s: Sponsor, o: Operator, now: u64) -> u128 {
        self.accounts.get(&(s, o)).map_or(0, |account| account.allowance(now))
    }

    /// What new work for this sponsor may cost.
    pub(crate) fn budget(&self, s: Sponsor, o: Operator, now: u64) -> u128 {
        self.accounts.get(&(s, o)).map_or(0, |account| account.budget(now))
    }

    pub(crate) fn stake_of(&self, w: Worker) -> u128 {
        self.stakes.get(&w).map_or(0, |stake| stake.amount)
    }

    pub(crate) fn is_slashed(&self, w: Worker) -> bool {
        self.stakes.get(&w).is_some_and(|stake| stake.slashed_at.is_some())
    }

    pub(crate) fn locked(&self, w: Worker, s: Sponsor, now: u64) -> u128 {
        let cutoff = self.cutoff(w, now);
        let locked = |pay: &&Pay| pay.worker == w && pay.sponsor == s && pay.unlocks_at > cutoff;
        self.pay.iter().filter(locked).map(|pay| pay.amount).sum()
    }

    pub(crate) fn mature(&self, w: Worker, now: u64) -> u128 {
        let cutoff = self.cutoff(w, now);
        let mature = |pay: &&Pay| pay.worker == w && pay.unlocks_at <= cutoff;
        self.pay.iter().filter(mature).map(|pay| pay.amount).sum()
    }

    pub(crate) fn escrow_of(&self, s: Sponsor) -> u128 {
        self.jobs.iter().filter(|job| job.is_open && job.poster == s).map(|job| job.price).sum()
    }
}
