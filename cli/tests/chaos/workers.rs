//! Real `ciro-worker` processes, each with a key and a journal of its own.

use std::time::Duration;

use ciro::stack::service::{Service, ServiceSpec};
use ciro_api::{Address, Felt, PublicKey};
use ciro_contracts::PrivateKey;
use nix::sys::signal::Signal;

/// How many there are.
pub(crate) const WORKERS: usize = 3;

/// Who a worker is.
pub(crate) struct WorkerKey {
    secret: Felt,
    address: Address,
}

impl WorkerKey {
    /// The same for each number: these keys guard nothing.
    pub(crate) fn of(number: usize) -> Self {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            secret: Felt::from(0x5ec_0001_u64 + number),
            address: Address(Felt::from(0xa0_u64 + number)),
        }
    }

    pub(crate) fn text(&self) -> String {
        format!("{:#x}", self.secret)
    }

    pub(crate) fn secret(&self) -> &Felt {
        &self.secret
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PrivateKey::new(self.secret).public_key()
    }

    /// The settings that are about identity. No statement is ever closed here, so the operator is anybody.
    pub(crate) fn configure(&self, spec: ServiceSpec) -> ServiceSpec {
        spec.env("CIRO_WORKER_ADDRESS", self.address.to_string())
            .env("CIRO_OPERATOR_ADDRESS", "0x09e")
            .env("CIRO_OPERATOR_PUBLIC_KEY", self.public_key().to_string())
    }
}

/// One worker that can be killed and frozen, and keeps its journal.
pub(crate) struct WorkerProcess {
    spec: ServiceSpec,
    service: Service,
}

impl WorkerProcess {
    pub(crate) async fn start(spec: ServiceSpec) -> anyhow::Result<Self> {
        let service = Service::spawn(spec.clone()).await?;
        Ok(Self { spec, service })
    }

    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.service.signal(Signal::SIGKILL)?;
        self.service.stop().await?;
        Ok(())
    }

    pub(crate) async fn start_again(&mut self) -> anyhow::Result<()> {
        self.service = Service::spawn(self.spec.clone()).await?;
        Ok(())
    }

    /// Stops it where it stands: to everyone else it is a worker that says nothing any more.
    pub(crate) async fn freeze(&mut self, how_long: Duration) -> anyhow::Result<()> {
        self.service.signal(Signal::SIGSTOP)?;
        tokio::time::sleep(how_long).await;
        self.service.signal(Signal::SIGCONT)?;
        Ok(())
    }

    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.service.stop().await?;
        Ok(())
    }
}
