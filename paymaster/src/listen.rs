//! Listens, and says where.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::net::TcpListener;

/// Nobody can reach us.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken or not ours.
    #[error("could not listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The ready file could not be written.
    #[error("could not write the ready file {0}")]
    ReadyFile(PathBuf, #[source] io::Error),
}

/// Listens on an address, where port 0 takes a free one, and writes which it is into the ready file.
pub async fn listen_on(
    address: SocketAddr,
    ready_file: Option<&Path>,
) -> Result<TcpListener, ListenError> {
    let failed = |source| ListenError::Listen(address, source);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(%address, "listening");
    if let Some(path) = ready_file {
        // Whole or not at all: whoever waits for the file reads it the moment it appears.
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, format!("{address}\n"))
            .and_then(|()| std::fs::rename(&fresh, path))
            .map_err(|source| ListenError::ReadyFile(path.to_owned(), source))?;
    }
    Ok(listener)
}
