//! Several nodes of one chain behind one transport: when one does not answer, the next is asked, and stays the first choice
//! until it fails in turn.
//!
//! A request that one node did not answer may have reached it all the same. That harms nothing here: reading twice reads twice,
//! and a transaction that is sent twice is the same transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use starknet_rust::providers::{
    ProviderRequestData,
    jsonrpc::{
        HttpTransport, HttpTransportError, JsonRpcMethod, JsonRpcResponse, JsonRpcTransport,
    },
};
use url::Url;

/// The nodes, the first choice of now among them.
#[derive(Clone, Debug)]
pub(crate) struct Nodes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    nodes: Vec<HttpTransport>,
    first_choice: AtomicUsize,
    /// For one node, so that all can be asked within the limit of a request.
    timeout: Duration,
}

/// A request that no node has answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodesError {
    /// The last one that was asked failed.
    #[error(transparent)]
    Transport(#[from] HttpTransportError),
    /// The request is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The last one that was asked did not answer.
    #[error("no node has answered within {0:?}")]
    Silent(Duration),
}

impl Nodes {
    /// Nodes in the order in which they are liked; all of them together may take as long as `timeout`.
    pub(crate) fn new(urls: &[Url], timeout: Duration) -> Self {
        let nodes: Vec<_> = urls.iter().cloned().map(HttpTransport::new).collect();
        let share = timeout / u32::try_from(nodes.len().max(1)).unwrap_or(u32::MAX);
        Self(Arc::new(Inner { nodes, first_choice: AtomicUsize::new(0), timeout: share }))
    }

    async fn first_answer<T, F>(
        &self,
        ask: impl Fn(HttpTransport) -> F + Send,
    ) -> Result<T, NodesError>
    where
        F: Future<Output = Result<T, HttpTransportError>> + Send,
    {
        let Inner { nodes, first_choice, timeout } = &*self.0;
        let start = first_choice.load(Ordering::Relaxed);
        let mut failed = NodesError::Silent(*timeout);
        for place in (start..start + nodes.len()).map(|place| place % nodes.len()) {
            match tokio::time::timeout(*timeout, ask(nodes[place].clone())).await {
                Ok(Ok(answer)) => {
                    first_choice.store(place, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Err(error)) => failed = error.into(),
                Err(_) => failed = NodesError::Silent(*timeout),
            }
            tracing::warn!(node = place, "a node of the chain does not answer");
        }
        Err(failed)
    }
}

#[async_trait]
impl JsonRpcTransport for Nodes {
    type Error = NodesError;

    async fn send_request<P, R>(
        &self,
        method: JsonRpcMethod,
        params: P,
    ) -> Result<JsonRpcResponse<R>, Self::Error>
    where
        P: Serialize + Send + Sync,
        R: DeserializeOwned + Send,
    {
        let params = serde_json::to_value(params)?;
        self.first_answer(|node| {
            let params: Value = params.clone();
            async move { node.send_request(method, params).await }
        })
        .await
    }

    async fn send_requests<R>(
        &self,
        requests: R,
    ) -> Result<Vec<JsonRpcResponse<Value>>, Self::Error>
    where
        R: AsRef<[ProviderRequestData]> + Send + Sync,
    {
        let requests: Arc<[ProviderRequestData]> = requests.as_ref().into();
        self.first_answer(|node| {
            let requests = Arc::clone(&requests);
            async move { node.send_requests(requests).await }
        })
        .await
    }
}
