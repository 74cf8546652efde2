//! Jobs between messages and the words of this crate.

use prost_types::Timestamp;
use time::OffsetDateTime;

use super::{
    fields::{known, read, required, unusable},
    v1::{self, create_job_request::Input},
};
use crate::{
    felt::{Digest, Signature},
    id::{JobId, ParseIdError},
    problem::{ErrorCode, Problem},
    rest::{
        Base64,
        jobs::{
            CreateJob, Evidence, Job, JobFailure, JobInput, JobOutput, JobPage, JobSummary,
            Settlement, Timings,
        },
        webhooks::Webhook,
    },
    state::{JobStatus, Level, Priority, Scheme, SettlementStatus},
};

impl TryFrom<v1::CreateJobRequest> for CreateJob {
    type Error = Box<Problem>;

    fn try_from(request: v1::CreateJobRequest) -> Result<Self, Box<Problem>> {
        if request.model.is_empty() {
            return unusable("/model", "missing");
        }
        Ok(Self {
            input: match required("/input", request.input)? {
                Input::Text(text) => JobInput::Text(text),
                Input::Data(bytes) => JobInput::Data(Base64(bytes)),
            },
            model: request.model,
            start_within_ms: request.start_within_ms,
            run_within_ms: request.run_within_ms,
            delay_ms: request.delay_ms,
            webhook: request.webhook.map(webhook).transpose()?,
            priority: match known("/priority", request.priority)? {
                v1::Priority::Unspecified => None,
                v1::Priority::Low => Some(Priority::Low),
                v1::Priority::Normal => Some(Priority::Normal),
                v1::Priority::High => Some(Priority::High),
            },
        })
    }
}

fn webhook(given: v1::Webhook) -> Result<Webhook, Box<Problem>> {
    let events = given.events.iter().enumerate();
    let read = |(place, event): (usize, &String)| read(&format!("/webhook/events/{place}"), event);
    Ok(Webhook { url: given.url, events: events.map(read).collect::<Result<_, _>>()? })
}

/// The id of the job that is asked about. One that cannot exist names nothing.
pub fn job_id(text: &str) -> Result<JobId, Box<Problem>> {
    if text.is_empty() {
        return unusable("/id", "missing");
    }
    let unknown = |e: ParseIdError| Box::new(Problem::new(ErrorCode::NotFound, e.to_string()));
    text.parse().map_err(unknown)
}

impl v1::ListJobsRequest {
    /// The status to filter by; nothing when all are wanted.
    pub fn wanted_status(&self) -> Result<Option<JobStatus>, Box<Problem>> {
        Ok(match known("/status", self.status)? {
            v1::JobStatus::Unspecified => None,
            v1::JobStatus::Queued => Some(JobStatus::Queued),
            v1::JobStatus::Running => Some(JobStatus::Running),
            v1::JobStatus::Succeeded => Some(JobStatus::Succeeded),
            v1::JobStatus::Failed => Some(JobStatus::Failed),
            v1::JobStatus::Canceled => Some(JobStatus::Canceled),
            v1::JobStatus::Expired => Some(JobStatus::Expired),
        })
    }

    /// The job behind which the page begins; nothing for the first page.
    pub fn wanted_after(&self) -> Result<Option<JobId>, Box<Problem>> {
        if self.after.is_empty() { Ok(None) } else { read("/after", &self.after).map(Some) }
    }
}

impl From<JobStatus> for v1::JobStatus {
    fn from(status: JobStatus) -> Self {
        match status {
            JobStatus::Queued => Self::Queued,
            JobStatus::Running => Self::Running,
            JobStatus::Succeeded => Self::Succeeded,
            JobStatus::Failed => Self::Failed,
            JobStatus::Canceled => Self::Canceled,
            JobStatus::Expired => Self::Expired,
        }
    }
}

impl From<Level> for v1::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Signed => Self::Signed,
            Level::ReExecutable => Self::ReExecutable,
            Level::Proved => Self::Proved,
        }
    }
}

impl From<Scheme> for v1::Scheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Poseidon => Self::Poseidon,
            Scheme::Sha256 => Self::Sha256,
        }
    }
}

impl From<SettlementStatus> for v1::SettlementStatus {
    fn from(status: SettlementStatus) -> Self {
        match status {
            SettlementStatus::Pending => Self::Pending,
            SettlementStatus::Stated => Self::Stated,
            SettlementStatus::Settled => Self::Settled,
            SettlementStatus::Voided => Self::Voided,
        }
    }
}

impl From<Job> for v1::Job {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            status: v1::JobStatus::from(job.status).into(),
            model: job.model,
            model_id: job.model_id.to_string(),
            level: v1::Level::from(job.level).into(),
            created_at: Some(timestamp(job.created_at)),
            output: job.output.map(Into::into),
            evidence: job.evidence.map(Into::into),
            failure: job.failure.map(Into::into),
            settlement: job.settlement.map(Into::into),
            timings: job.timings.map(Into::into),
            cancel_requested: job.cancel_requested,
            replay_of: job.replay_of.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

impl From<JobSummary> for v1::JobSummary {
    fn from(job: JobSummary) -> Self {
        Self {
            id: job.id.to_string(),
            status: v1::JobStatus::from(job.status).into(),
            model: job.model,
            model_id: job.model_id.to_string(),
            device: job.device.to_string(),
            created_at: Some(timestamp(job.created_at)),
            finished_at: job.finished_at.map(timestamp),
            reason: job.reason.unwrap_or_default(),
        }
    }
}

impl From<JobPage> for v1::JobPage {
    fn from(page: JobPage) -> Self {
        Self {
            jobs: page.data.into_iter().map(Into::into).collect(),
            next_after: page.next_after.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

impl From<JobOutput> for v1::JobOutput {
    fn from(output: JobOutput) -> Self {
        Self { media_type: output.media_type, data: output.data.0 }
    }
}

impl From<Evidence> for v1::Evidence {
    fn from(evidence: Evidence) -> Self {
        Self {
            epoch: evidence.epoch,
            model: evidence.model.to_string(),
            scheme: v1::Scheme::from(evidence.scheme).into(),
            input: evidence.input.to_string(),
            output: evidence.output.to_string(),
            contract: evidence.contract.to_string(),
            worker: evidence.worker.to_string(),
            index: evidence.index,
            count: evidence.count,
            path: evidence.path.iter().map(Digest::to_string).collect(),
            signature: Some(evidence.signature.into()),
            public_key: evidence.public_key.to_string(),
        }
    }
}

impl From<Signature> for v1::Signature {
    fn from(signature: Signature) -> Self {
        Self { r: signature.r.to_string(), s: signature.s.to_string() }
    }
}

impl From<JobFailure> for v1::JobFailure {
    fn from(failure: JobFailure) -> Self {
        Self { reason: failure.reason, detail: failure.detail }
    }
}

impl From<Settlement> for v1::Settlement {
    fn from(settlement: Settlement) -> Self {
        Self {
            status: v1::SettlementStatus::from(settlement.status).into(),
            amount_fri: settlement.amount_fri.to_string(),
            statement: settlement.statement.map(|id| id.to_string()).unwrap_or_default(),
            tx_hash: settlement.tx_hash.map(|hash| hash.to_string()).unwrap_or_default(),
        }
    }
}

impl From<Timings> for v1::Timings {
    fn from(timings: Timings) -> Self {
        let Timings { queue_ms, run_ms, total_ms } = timings;
        Self { queue_ms, run_ms, total_ms }
    }
}

fn timestamp(at: OffsetDateTime) -> Timestamp {
    let nanos = i32::try_from(at.nanosecond()).unwrap_or(0);
    Timestamp { seconds: at.unix_timestamp(), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> v1::CreateJobRequest {
        v1::CreateJobRequest {
            model: "ciro/sha256@1".to_owned(),
            input: Some(Input::Text("x".to_owned())),
            ..Default::default()
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused_by_its_name() {
        let pointer = |change: fn(&mut v1::CreateJobRequest)| {
            let mut request = request();
            change(&mut request);
            CreateJob::try_from(request).unwrap_err().errors[0].pointer.clone()
        };
        assert_eq!(pointer(|r| r.model.clear()), "/model");
        assert_eq!(pointer(|r| r.input = None), "/input");
        assert_eq!(pointer(|r| r.priority = 9), "/priority");
        let list = v1::ListJobsRequest { status: 77, ..Default::default() };
        assert_eq!(list.wanted_status().unwrap_err().errors[0].pointer, "/status");
    }

    #[test]
    fn what_is_not_said_is_left_to_the_defaults() {
        let job = CreateJob::try_from(request()).unwrap();
        assert_eq!((job.start_within_ms, job.run_within_ms, job.delay_ms), (None, None, None));
        assert_eq!(job.priority, None);
        let zero = v1::CreateJobRequest { delay_ms: Some(0), ..request() };
        assert_eq!(CreateJob::try_from(zero).unwrap().delay_ms, Some(0), "a zero is not a nothing");
    }
}
