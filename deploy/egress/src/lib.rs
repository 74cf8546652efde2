//! Calls to servers that strangers name: only to addresses of the public internet, and only where a certificate says who
//! answers.
//!
//! A gateway tells receivers of the end of jobs so, a paymaster asks sponsors' own servers. What is sent, and what an answer
//! means, is theirs.

mod address;
mod certificate;
mod destination;
mod post;
mod seconds;
mod trust;

pub use certificate::BadCertificate;
pub use destination::{Unusable, check};
pub use post::{Call, ClientError, PostError, Poster, Reply};
pub use trust::{Authorities, TrustError};
