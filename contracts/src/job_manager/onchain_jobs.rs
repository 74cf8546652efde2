//! Jobs whose money and output are on chain.

use ciro_api::{AttestedJob, Fri, ModelId, OnchainJobId};
use starknet_rust::core::types::Call;

use super::{JobManager, byte_array};
use crate::evidence::Evidence;

impl JobManager {
    /// Posts a job for the caller, who has approved `price` to the pool. `deadline` is in seconds since 1970.
    pub fn post_job(self, model: ModelId, price: Fri, deadline: u64, input: &[u8]) -> Call {
        let mut calldata = vec![model.0, price.into(), deadline.into()];
        calldata.extend(byte_array(input));
        self.call("post_job", calldata)
    }

    /// Pays the worker that signed `output` for the job that its evidence names.
    pub fn fulfil(self, evidence: &Evidence, output: &[u8]) -> Call {
        let mut calldata = evidence.felts();
        calldata.extend(byte_array(output));
        self.call("fulfil", calldata)
    }

    /// Hands the output of a fulfilled job to its poster.
    pub fn deliver(self, job: OnchainJobId, output: &[u8]) -> Call {
        let mut calldata = vec![AttestedJob::from(job).0];
        calldata.extend(byte_array(output));
        self.call("deliver", calldata)
    }

    /// Sends the price of a job that nobody fulfilled in time back to its poster.
    pub fn reclaim(self, job: OnchainJobId) -> Call {
        self.call("reclaim", vec![AttestedJob::from(job).0])
    }
}
