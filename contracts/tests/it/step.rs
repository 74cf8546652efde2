//! Makes one thing happen, on chain and in the books.

use ciro_api::{Address, AttestedJob, Fri, JobId, OnchainJobId};
use proptest::test_runner::TestCaseError;

use crate::{
    books::{Operator, Worker},
    case::Case,
    net::{Contracts, MODEL, WINDOW_S},
    ops::Op,
};

type Done = Result<(), TestCaseError>;

const INPUT: &[u8] = b"in";
const OUTPUT: &[u8] = b"out";
const JOB_TTL_S: u64 = 3 * WINDOW_S;

impl Case<'_> {
    pub(crate) async fn step(&mut self, op: &Op) -> Done {
        match *op {
            Op::Deposit(..) | Op::AnnounceWithdrawal(..) | Op::Withdraw(..) | Op::Allow(..) => {
                self.sponsor_step(op).await
            }
            Op::Stake(..) | Op::AnnounceUnstake(..) | Op::Unstake(_) => self.worker_step(op).await,
            Op::PostJob(..) | Op::Fulfil(..) | Op::Reclaim(_) => self.job_step(op).await,
            Op::Settle(o, ref lines, alone) => {
                let lines = self.lines(o, lines);
                self.settle(o, &lines, alone).await
            }
            Op::Claim(w) => {
                let call = self.contracts.pool.claim(self.worker(w).address(), &self.sponsors());
                self.call(self.stranger(), call, |b, now| b.claim(w, now)).await
            }
            Op::Slash(w) => self.slash(w).await,
            Op::ReturnPay(w) => {
                let call =
                    self.contracts.pool.return_pay(self.worker(w).address(), &self.sponsors());
                self.call(self.stranger(), call, |b, now| b.return_pay(w, now)).await
            }
            Op::Pass(halves) => {
                self.net.devnet.pass_time(halves * WINDOW_S / 2).await;
                Ok(())
            }
        }
    }

    fn operator_address(&self, o: Operator) -> Address {
        self.net.accounts[o].address()
    }

    async fn sponsor_step(&mut self, op: &Op) -> Done {
        let pool = self.contracts.pool;
        match *op {
            Op::Deposit(s, o, n) => {
                let call = pool.deposit(self.operator_address(o), Fri(n));
                self.call(self.sponsor(s), call, |b, _| b.deposit(s, o, n)).await
            }
            Op::AnnounceWithdrawal(s, o, n) => {
                let call = pool.announce_withdrawal(self.operator_address(o), Fri(n));
                self.call(self.sponsor(s), call, |b, now| {
                    b.announce_withdrawal(s, o, n, now);
                    Ok(())
                })
                .await
            }
            Op::Withdraw(s, o) => {
                let call = pool.withdraw(self.operator_address(o));
                self.call(self.sponsor(s), call, |b, now| b.withdraw(s, o, now)).await
            }
            Op::Allow(s, o, n) => {
                let call = pool.set_allowance(self.operator_address(o), Fri(n));
                self.call(self.sponsor(s), call, |b, now| {
                    b.allow(s, o, n, now);
                    Ok(())
                })
                .await
            }
            ref other => unreachable!("{other:?} is no sponsor's"),
        }
    }

    async fn worker_step(&mut self, op: &Op) -> Done {
        let pool = self.contracts.pool;
        match *op {
            Op::Stake(w, n) => {
                self.call(self.worker(w), pool.stake(Fri(n)), |b, _| b.stake(w, n)).await
            }
            Op::AnnounceUnstake(w, n) => {
                let call = pool.announce_unstake(Fri(n));
                self.call(self.worker(w), call, |b, now| {
                    b.announce_unstake(w, n, now);
                    Ok(())
                })
                .await
            }
            Op::Unstake(w) => {
                self.call(self.worker(w), pool.unstake(), |b, now| b.unstake(w, now)).await
            }
            ref other => unreachable!("{other:?} is no worker's"),
        }
    }

    async fn slash(&mut self, w: Worker) -> Done {
        let job = AttestedJob::from(JobId(uuid::Uuid::from_u128(7)));
        let whose = (self.worker(w).address(), w);
        let claims = |output| self.contracts.evidence(whose, (job, 1), INPUT, output);
        let call = self.contracts.manager.slash_equivocation(&claims(b"one"), &claims(b"another"));
        self.call(self.stranger(), call, |b, now| b.slash(w, now)).await
    }

    async fn job_step(&mut self, op: &Op) -> Done {
        let Contracts { manager, .. } = self.contracts;
        match *op {
            Op::PostJob(s, price) => {
                let deadline = self.net.now().await + JOB_TTL_S;
                let call = manager.post_job(MODEL, Fri(price), deadline, INPUT);
                self.call(self.sponsor(s), call, |b, _| b.post_job(s, price, deadline)).await
            }
            Op::Fulfil(w, n) => {
                let Some((job, id)) = self.job(n) else { return Ok(()) };
                let whose = (self.worker(w).address(), w);
                let attested = (AttestedJob::from(id), 0);
                let evidence = self.contracts.evidence(whose, attested, INPUT, OUTPUT);
                let call = manager.fulfil(&evidence, OUTPUT);
                self.call(self.stranger(), call, |b, now| b.fulfil(w, job, now)).await
            }
            Op::Reclaim(n) => {
                let Some((job, id)) = self.job(n) else { return Ok(()) };
                let call = manager.reclaim(id);
                self.call(self.stranger(), call, |b, now| b.reclaim(job, now)).await
            }
            ref other => unreachable!("{other:?} is no job's"),
        }
    }

    /// One of the jobs that were posted; the newest for the largest number.
    fn job(&self, pick: usize) -> Option<(usize, OnchainJobId)> {
        let newest = self.books.jobs().checked_sub(1)?;
        let job = if pick == usize::MAX { newest } else { pick % (newest + 1) };
        Some((job, OnchainJobId(u64::try_from(job + 1).unwrap())))
    }
}
