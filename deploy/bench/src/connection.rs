//! One keep-alive connection to the gateway, one request at a time. Lean, because the load shares the machine with
//! what it measures: no pool, no redirects, no decoding that nobody asked for.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::TcpStream;

/// An open connection of one caller.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
}

impl Connection {
    /// Connects as whoever has `token`, or as nobody yet.
    pub(crate) async fn open(gateway: SocketAddr, token: Option<&str>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(gateway).await.context("connecting to the gateway")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with its sender; what goes wrong on it, the sender's calls say.
        tokio::spawn(connection);
        let authorization =
            token.map(|token| HeaderValue::from_str(&format!("Bearer {token}"))).transpose()?;
        Ok(Self { sender, host: HeaderValue::from_str(&gateway.to_string())?, authorization })
    }

    /// Posts `body` and returns the reply's; anything but success is an error that says what the gateway said.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        body: Bytes,
        idempotency_key: Option<&str>,
    ) -> anyhow::Result<Bytes> {
        let mut request = Request::post(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.sender.ready().await.context("the gateway closed a connection")?;
        let reply = self.sender.send_request(request.body(Full::new(body))?).await?;
        let status = reply.status();
        let bytes = reply.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("{path} was answered with {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(bytes)
    }

    /// The same with typed bodies.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let reply = self.post(path, serde_json::to_vec(body)?.into(), None).await?;
        serde_json::from_slice(&reply).with_context(|| format!("reading the reply of {path}"))
    }
}
