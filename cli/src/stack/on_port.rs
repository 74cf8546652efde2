//! Starting a server on a port of its own, again on another when somebody else was faster.
//! Never gives up a port for any other reason.

use std::time::Duration;

use super::StackError;
use super::port::{self, PortBook};
use super::service::{Service, ServiceSpec};

/// Losing the race for a port three times in a row means that something else is wrong.
const ATTEMPTS: u8 = 3;

/// Starts `name` with the arguments that `spec` makes of a port, and waits until `probe` succeeds there.
pub(super) async fn start<F>(
    ports: &PortBook,
    name: &str,
    patience: Duration,
    spec: impl Fn(u16) -> ServiceSpec,
    probe: impl Fn(u16) -> F,
) -> Result<(Service, ServiceSpec, u16), StackError>
where
    F: Future<Output = Result<(), String>>,
{
    let mut attempt = 1;
    loop {
        let port = ports.pick(name).await?;
        let spec = spec(port);
        let mut service = Service::spawn(spec.clone()).await?;
        match service.wait_ready(patience, || probe(port)).await {
            Ok(()) => return Ok((service, spec, port)),
            // It is dead and yet its port is taken: not by it, then.
            Err(StackError::Ended { .. }) if attempt < ATTEMPTS && !port::is_free(port) => {
                attempt += 1;
            }
            Err(err) => return Err(err),
        }
    }
}
