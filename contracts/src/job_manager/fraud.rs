//! Showing that a worker signed a wrong result.

use ciro_api::Felt;
use starknet_rust::core::types::Call;

use super::{JobManager, byte_array};
use crate::evidence::Evidence;

impl JobManager {
    /// Slashes a worker that signed two different outputs for the same job and epoch.
    pub fn slash_equivocation(self, first: &Evidence, second: &Evidence) -> Call {
        self.call("slash_equivocation", [first.felts(), second.felts()].concat())
    }

    /// Slashes a worker that signed an output which the model's adjudicator does not get. `witness` is what that
    /// adjudicator asks for.
    pub fn adjudicate(self, evidence: &Evidence, input: &[u8], witness: &[Felt]) -> Call {
        let mut calldata = evidence.felts();
        calldata.extend(byte_array(input));
        calldata.push(Felt::from(witness.len()));
        calldata.extend(witness);
        self.call("adjudicate", calldata)
    }
}
