//! The messages and services of `proto/ciro/v1`, generated, and what they mean in the words of this crate.
//!
//! What comes in is read into the same types that REST reads, and refused with the field that is wrong; what goes out
//! is written from them. Protobuf lets unknown fields pass, so these are no errors here.

mod fields;
mod jobs;
mod problem;
mod workers;

pub use jobs::job_id;
pub use problem::field_path;

/// Package `ciro.v1`, as generated from its files.
#[expect(clippy::allow_attributes, clippy::as_conversions, clippy::pedantic, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("ciro.v1");
}

/// The descriptors of the files of `proto/`, as reflection serves them.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("ciro.v1");
