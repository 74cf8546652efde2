//! One connection to Redis, made when it is needed and again after a fault, for callers that keep functions there.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, aio::MultiplexedConnection,
};
use tokio::sync::RwLock;

/// A multiplexed connection and the function libraries that its callers need.
pub(crate) struct Link {
    client: Client,
    open: RwLock<Option<MultiplexedConnection>>,
    /// Longest wait for a connection or an answer. The client's own default of 500 ms would report calls as failed that
    /// did run.
    wait: Duration,
    libraries: &'static [&'static str],
}

impl Link {
    /// A link to `url`; no connection is made yet.
    pub(crate) fn new(
        url: &str,
        wait: Duration,
        libraries: &'static [&'static str],
    ) -> Result<Self, RedisError> {
        Ok(Self { client: Client::open(url)?, open: RwLock::default(), wait, libraries })
    }

    /// The client, for subscriptions, which need a connection of their own.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Calls, and loads the libraries first where the server is new or was wiped.
    pub(crate) async fn call<T: FromRedisValue>(&self, call: &Cmd) -> Result<T, RedisError> {
        let mut connection = self.connection().await?;
        match call.query_async(&mut connection).await {
            Err(error) if is_unknown_function(&error) => {
                self.load_libraries(&mut connection).await?;
                call.query_async(&mut connection).await
            }
            Err(error) => {
                if error.is_unrecoverable_error() {
                    self.forget().await;
                }
                Err(error)
            }
            answer => answer,
        }
    }

    /// The next call connects anew.
    pub(crate) async fn forget(&self) {
        self.open.write().await.take();
    }

    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        if let Some(open) = self.open.read().await.as_ref() {
            return Ok(open.clone());
        }
        let mut slot = self.open.write().await;
        if let Some(open) = slot.as_ref() {
            return Ok(open.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(self.wait))
            .set_connection_timeout(Some(self.wait));
        let open = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *slot = Some(open.clone());
        Ok(open)
    }

    async fn load_libraries(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), RedisError> {
        for library in self.libraries {
            let mut load = redis::cmd("FUNCTION");
            load.arg("LOAD").arg("REPLACE").arg(library);
            load.query_async::<String>(connection).await?;
        }
        Ok(())
    }
}

fn is_unknown_function(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("Function not found"))
}
