//! One gateway replica that can be killed, also at a named place, and comes back on its port.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use ciro::stack::{
    port::free_port,
    service::{Service, ServiceSpec},
};
use ciro_gateway::failpoint::Point;
use nix::sys::signal::Signal;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

/// How many replicas there are.
pub(crate) const GATEWAYS: usize = 2;
/// Long enough for a machine that compiles beside us.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A replica.
pub(crate) struct GatewayProcess {
    spec: ServiceSpec,
    address: SocketAddr,
    service: Service,
}

impl GatewayProcess {
    pub(crate) async fn start(spec: ServiceSpec) -> anyhow::Result<Self> {
        let port = free_port().context("finding a port for a gateway")?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let spec = spec.env("CIRO_GATEWAY_LISTEN", address.to_string());
        let service = spawn(spec.clone(), address).await?;
        Ok(Self { spec, address, service })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.service.signal(Signal::SIGKILL)?;
        self.service.stop().await?;
        Ok(())
    }

    pub(crate) async fn freeze(&mut self, how_long: Duration) -> anyhow::Result<()> {
        self.service.signal(Signal::SIGSTOP)?;
        sleep(how_long).await;
        self.service.signal(Signal::SIGCONT)?;
        Ok(())
    }

    pub(crate) async fn start_again(&mut self) -> anyhow::Result<()> {
        self.service = spawn(self.spec.clone(), self.address).await?;
        Ok(())
    }

    /// Starts anew with an order to die at `point`, and waits until it has. False if it never got there.
    pub(crate) async fn die_at(
        &mut self,
        point: Point,
        nth: u32,
        patience: Duration,
    ) -> anyhow::Result<bool> {
        self.kill().await?;
        let armed = format!("{}:{nth}", point.name());
        let spec = self.spec.clone().env("CIRO_FAILPOINT", armed);
        // It may die before it is seen to listen.
        self.service = Service::spawn(spec).await?;
        let deadline = Instant::now() + patience;
        while self.service.exit_status()?.is_none() {
            if Instant::now() >= deadline {
                self.kill().await?;
                return Ok(false);
            }
            sleep(LOOK).await;
        }
        Ok(true)
    }

    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.service.stop().await?;
        Ok(())
    }
}

/// Listening is enough: a gateway serves as soon as its stores do.
async fn spawn(spec: ServiceSpec, address: SocketAddr) -> anyhow::Result<Service> {
    let mut service = Service::spawn(spec).await?;
    let listens =
        || async move { TcpStream::connect(address).await.map(drop).map_err(|e| e.to_string()) };
    service.wait_ready(PATIENCE, listens).await?;
    Ok(service)
}
