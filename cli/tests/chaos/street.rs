//! The way to the gateways, for devices and workers alike: spreads connections over the replicas, and loses replies
//! when told to.
//!
//! A lost reply was sent: the gateway has done what was asked, and nobody hears of it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// How long a connection is kept: afterwards it is closed behind the next reply, so that a replica that came back
/// gets its share again.
const LIFE: Duration = Duration::from_secs(2);

/// An address in front of all replicas.
pub(crate) struct Street {
    address: SocketAddr,
    traffic: Arc<Traffic>,
}

struct Traffic {
    gateways: Vec<SocketAddr>,
    next: AtomicUsize,
    to_cut: AtomicU32,
}

impl Street {
    pub(crate) async fn open(gateways: Vec<SocketAddr>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let traffic =
            Arc::new(Traffic { gateways, next: AtomicUsize::new(0), to_cut: AtomicU32::new(0) });
        let all = Arc::clone(&traffic);
        tokio::spawn(async move {
            // Ends with the test's runtime.
            while let Ok((caller, _)) = listener.accept().await {
                // How a connection ends is for its two ends to notice.
                tokio::spawn(Arc::clone(&all).carry(caller));
            }
        });
        Ok(Self { address, traffic })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `count` replies, whoever they are for, are lost.
    pub(crate) fn cut(&self, count: u32) {
        self.traffic.to_cut.fetch_add(count, Ordering::Relaxed);
    }

    /// No more replies are lost.
    pub(crate) fn heal(&self) {
        self.traffic.to_cut.store(0, Ordering::Relaxed);
    }
}

impl Traffic {
    async fn carry(self: Arc<Self>, caller: TcpStream) -> io::Result<()> {
        let gateway = self.dial().await?;
        for end in [&caller, &gateway] {
            end.set_nodelay(true)?;
        }
        let (mut from_caller, mut to_caller) = caller.into_split();
        let (mut from_gateway, mut to_gateway) = gateway.into_split();
        let requests = tokio::io::copy(&mut from_caller, &mut to_gateway);
        let replies = async {
            let born = Instant::now();
            let mut chunk = vec![0_u8; 64 * 1024];
            loop {
                let length = from_gateway.read(&mut chunk).await?;
                if length == 0 || self.is_cut() {
                    return Ok(());
                }
                to_caller.write_all(&chunk[..length]).await?;
                if born.elapsed() > LIFE {
                    return Ok(());
                }
            }
        };
        // Whichever side is over first ends both: dropping the halves closes the connections.
        tokio::select! {
            done = requests => done.map(drop),
            done = replies => done,
        }
    }

    /// A replica that listens, beginning with the one whose turn it is.
    async fn dial(&self) -> io::Result<TcpStream> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let mut last = io::Error::other("there is no gateway at all");
        for shift in 0..self.gateways.len() {
            let gateway = self.gateways[(turn + shift) % self.gateways.len()];
            match TcpStream::connect(gateway).await {
                Ok(open) => return Ok(open),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn is_cut(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.to_cut.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}
