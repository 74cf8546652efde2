//! Questions that only a server that works can answer.
//! Never retries: that is the supervisor's part.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A GET that is answered with a success, of a server on this machine.
pub async fn http_ok(url: &str) -> Result<(), String> {
    // A proxy from a person's environment would answer in the server's place.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()
        .map_err(|err| err.to_string())?;
    let answer = client.get(url).send().await.map_err(|err| innermost(&err))?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(format!("GET {url} answered {}", answer.status()))
    }
}

/// A Redis that lets us in and says PONG.
pub(super) async fn redis_pong(port: u16, password: &str) -> Result<(), String> {
    ask_redis(port, password).await.map_err(|err| err.to_string())
}

async fn ask_redis(port: u16, password: &str) -> std::io::Result<()> {
    const WANTED: &[u8] = b"+OK\r\n+PONG\r\n";
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(format!("AUTH {password}\r\nPING\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    while answer.len() < WANTED.len() {
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    if answer == WANTED {
        Ok(())
    } else {
        let text = String::from_utf8_lossy(&answer).trim().to_owned();
        Err(std::io::Error::other(format!("redis answered {text:?}")))
    }
}

/// "connection refused" says more than "error sending request for url".
fn innermost(err: &dyn std::error::Error) -> String {
    let mut last = err;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
