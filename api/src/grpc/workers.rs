//! Logins, leases and results between messages and the words of this crate.

use super::{
    fields::{read, required, unusable},
    v1,
};
use crate::{
    felt::Signature,
    problem::Problem,
    rest::{
        Base64,
        devices::Token,
        leases::{
            FailReply, FailRequest, HeartbeatReply, HeartbeatRequest, HeartbeatResult, Lease,
            LeaseRef, LeaseReply, LeaseRequest, LeaseState, ReleaseReply, ReleaseRequest,
            ReleaseResult,
        },
        results::{ResultItem, ResultOutcome, SubmitReply, SubmitResults},
        workers::{Challenge, ChallengeRequest, SessionRequest},
    },
    state::Drain,
};

impl TryFrom<v1::ChallengeRequest> for ChallengeRequest {
    type Error = Box<Problem>;

    fn try_from(request: v1::ChallengeRequest) -> Result<Self, Box<Problem>> {
        Ok(Self { worker: read("/worker", &request.worker)? })
    }
}

impl TryFrom<v1::OpenSessionRequest> for SessionRequest {
    type Error = Box<Problem>;

    fn try_from(request: v1::OpenSessionRequest) -> Result<Self, Box<Problem>> {
        Ok(Self {
            worker: read("/worker", &request.worker)?,
            challenge: read("/challenge", &request.challenge)?,
            signature: signature(request.signature)?,
        })
    }
}

impl TryFrom<v1::LeaseRequest> for LeaseRequest {
    type Error = Box<Problem>;

    fn try_from(request: v1::LeaseRequest) -> Result<Self, Box<Problem>> {
        let pools = request.pools.iter().enumerate();
        let pools = pools.map(|(place, pool)| read(&format!("/pools/{place}"), pool));
        Ok(Self {
            pools: pools.collect::<Result<_, _>>()?,
            max_jobs: request.max_jobs,
            wait_ms: request.wait_ms,
            lease_request_id: read("/lease_request_id", &request.lease_request_id)?,
        })
    }
}

impl TryFrom<v1::LeaseRef> for LeaseRef {
    type Error = Box<Problem>;

    fn try_from(fence: v1::LeaseRef) -> Result<Self, Box<Problem>> {
        Ok(Self {
            job: read("/job", &fence.job)?,
            epoch: fence.epoch,
            lease: read("/lease", &fence.lease)?,
        })
    }
}

impl TryFrom<v1::HeartbeatRequest> for HeartbeatRequest {
    type Error = Box<Problem>;

    fn try_from(request: v1::HeartbeatRequest) -> Result<Self, Box<Problem>> {
        Ok(Self { leases: fences(request.leases)? })
    }
}

impl TryFrom<v1::ReleaseRequest> for ReleaseRequest {
    type Error = Box<Problem>;

    fn try_from(request: v1::ReleaseRequest) -> Result<Self, Box<Problem>> {
        Ok(Self { leases: fences(request.leases)? })
    }
}

fn fences(given: Vec<v1::LeaseRef>) -> Result<Vec<LeaseRef>, Box<Problem>> {
    let read = |(place, fence): (usize, v1::LeaseRef)| {
        LeaseRef::try_from(fence).map_err(|p| Box::new(p.under(&format!("/leases/{place}"))))
    };
    given.into_iter().enumerate().map(read).collect()
}

impl TryFrom<v1::SubmitResultsRequest> for SubmitResults {
    type Error = Box<Problem>;

    fn try_from(request: v1::SubmitResultsRequest) -> Result<Self, Box<Problem>> {
        let items = request.results.into_iter().enumerate();
        let read = |(place, item): (usize, v1::ResultItem)| {
            ResultItem::try_from(item).map_err(|p| Box::new(p.under(&format!("/results/{place}"))))
        };
        Ok(Self {
            results: items.map(read).collect::<Result<_, _>>()?,
            signature: signature(request.signature)?,
        })
    }
}

impl TryFrom<v1::ResultItem> for ResultItem {
    type Error = Box<Problem>;

    fn try_from(item: v1::ResultItem) -> Result<Self, Box<Problem>> {
        Ok(Self {
            fence: fence(item.fence)?,
            model: read("/model", &item.model)?,
            input: read("/input", &item.input)?,
            output: Base64(item.output),
        })
    }
}

impl TryFrom<v1::FailRequest> for FailRequest {
    type Error = Box<Problem>;

    fn try_from(request: v1::FailRequest) -> Result<Self, Box<Problem>> {
        let v1::FailRequest { fence: given, detail, retryable } = request;
        Ok(Self { fence: fence(given)?, detail, retryable })
    }
}

fn fence(given: Option<v1::LeaseRef>) -> Result<LeaseRef, Box<Problem>> {
    LeaseRef::try_from(required("/fence", given)?).map_err(|p| Box::new(p.under("/fence")))
}

fn signature(given: Option<v1::Signature>) -> Result<Signature, Box<Problem>> {
    let signature = required("/signature", given)?;
    Ok(Signature { r: read("/signature/r", &signature.r)?, s: read("/signature/s", &signature.s)? })
}

impl v1::SessionRequest {
    /// What is asked, or that nothing is.
    pub fn asked(self) -> Result<v1::session_request::Body, Box<Problem>> {
        self.body.map_or_else(
            || unusable("/body", "missing: one of lease, heartbeat, results, release, fail"),
            Ok,
        )
    }
}

impl From<Challenge> for v1::ChallengeReply {
    fn from(challenge: Challenge) -> Self {
        Self {
            challenge: challenge.challenge.to_string(),
            chain_id: challenge.chain_id.to_string(),
            contract: challenge.contract.to_string(),
            expires_in_s: challenge.expires_in_s,
        }
    }
}

impl From<Token> for v1::OpenSessionReply {
    fn from(token: Token) -> Self {
        Self { access_token: token.access_token, expires_in_s: token.expires_in }
    }
}

impl From<LeaseReply> for v1::LeaseReply {
    fn from(reply: LeaseReply) -> Self {
        let drain = v1::Drain::from(reply.drain).into();
        Self { leases: reply.leases.into_iter().map(Into::into).collect(), drain }
    }
}

impl From<Lease> for v1::Lease {
    fn from(lease: Lease) -> Self {
        let trace = lease.trace;
        Self {
            fence: Some(lease.fence.into()),
            model: lease.model.to_string(),
            input: lease.input.0,
            price_fri: lease.price_fri.to_string(),
            ttl_ms: lease.ttl_ms,
            run_within_ms: lease.run_within_ms,
            traceparent: trace
                .as_ref()
                .map(|trace| trace.traceparent.to_string())
                .unwrap_or_default(),
            tracestate: trace.and_then(|trace| trace.tracestate).unwrap_or_default(),
        }
    }
}

impl From<LeaseRef> for v1::LeaseRef {
    fn from(fence: LeaseRef) -> Self {
        let LeaseRef { job, epoch, lease } = fence;
        Self { job: job.to_string(), epoch, lease: lease.to_string() }
    }
}

impl From<HeartbeatReply> for v1::HeartbeatReply {
    fn from(reply: HeartbeatReply) -> Self {
        let results = reply.results.into_iter().map(Into::into).collect();
        Self { results, ttl_ms: reply.ttl_ms, drain: v1::Drain::from(reply.drain).into() }
    }
}

impl From<Drain> for v1::Drain {
    fn from(drain: Drain) -> Self {
        match drain {
            Drain::None => Self::None,
            Drain::Quiet => Self::Quiet,
            Drain::Terminate => Self::Terminate,
        }
    }
}

impl From<ReleaseReply> for v1::ReleaseReply {
    fn from(reply: ReleaseReply) -> Self {
        let one = |result: ReleaseResult| v1::ReleaseResult {
            job: result.job.to_string(),
            released: result.released,
        };
        Self { results: reply.results.into_iter().map(one).collect() }
    }
}

impl From<HeartbeatResult> for v1::HeartbeatResult {
    fn from(result: HeartbeatResult) -> Self {
        let state = match result.state {
            LeaseState::Ok => v1::LeaseState::Ok,
            LeaseState::Lost => v1::LeaseState::Lost,
            LeaseState::Cancel => v1::LeaseState::Cancel,
        };
        Self { lease: result.lease.to_string(), state: state.into() }
    }
}

impl From<SubmitReply> for v1::SubmitResultsReply {
    fn from(reply: SubmitReply) -> Self {
        Self { results: reply.results.into_iter().map(Into::into).collect() }
    }
}

impl From<ResultOutcome> for v1::ResultOutcome {
    fn from(outcome: ResultOutcome) -> Self {
        let ResultOutcome { job, accepted, problem } = outcome;
        Self { job: job.to_string(), accepted, problem: problem.map(Into::into) }
    }
}

impl From<FailReply> for v1::FailReply {
    fn from(reply: FailReply) -> Self {
        Self { status: v1::JobStatus::from(reply.status).into() }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{JobId, LeaseId};

    fn item() -> v1::ResultItem {
        let fence = LeaseRef {
            job: JobId(Uuid::from_u128(1)),
            epoch: 2,
            lease: LeaseId(Uuid::from_u128(3)),
        };
        v1::ResultItem {
            fence: Some(fence.into()),
            model: "0x1".to_owned(),
            input: "0x2".to_owned(),
            output: vec![3],
        }
    }

    fn pointer(change: fn(&mut v1::SubmitResultsRequest)) -> String {
        let signature = v1::Signature { r: "0x1".to_owned(), s: "0x2".to_owned() };
        let mut request =
            v1::SubmitResultsRequest { results: vec![item(), item()], signature: Some(signature) };
        assert!(SubmitResults::try_from(request.clone()).is_ok());
        change(&mut request);
        SubmitResults::try_from(request).unwrap_err().errors[0].pointer.clone()
    }

    #[test]
    fn the_field_that_is_wrong_is_named_however_deep_it_lies() {
        assert_eq!(pointer(|r| r.results[1].fence = None), "/results/1/fence");
        assert_eq!(pointer(|r| r.results[1].model = "0xg".to_owned()), "/results/1/model");
        assert_eq!(pointer(|r| r.signature = None), "/signature");
        let job = |r: &mut v1::SubmitResultsRequest| {
            r.results[0].fence.as_mut().unwrap().job = "dev_1".to_owned();
        };
        assert_eq!(pointer(job), "/results/0/fence/job");
        let lease = v1::LeaseRequest {
            pools: vec!["cpu".to_owned(), String::new()],
            lease_request_id: Uuid::from_u128(1).to_string(),
            ..Default::default()
        };
        assert_eq!(LeaseRequest::try_from(lease).unwrap_err().errors[0].pointer, "/pools/1");
        assert_eq!(v1::SessionRequest::default().asked().unwrap_err().errors[0].pointer, "/body");
    }
}
