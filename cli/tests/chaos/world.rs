//! Everything that can die: two stores, two gateways behind one street, three workers.

use std::{
    fs,
    num::NonZeroU32,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use ciro::stack::{
    Site, Stores, ToolPaths, postgres::Postgres, redis::Redis, service::ServiceSpec,
};
use ciro_api::{Address, Felt, Fri, PoolName, SponsorId, rest::claim_tokens::CreateClaimToken};
use ciro_gateway::models::register::{Terms, register};
use ciro_paymaster::sponsors::{self, NewSponsor};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::{
    gateways::{GATEWAYS, GatewayProcess},
    sloppy::Sloppy,
    street::Street,
    workers::{WORKERS, WorkerKey, WorkerProcess},
};

/// What every token and assertion of a run names.
pub(crate) const ISSUER: &str = "ciro-chaos";
/// The contract that attestations are for. Nobody deploys it: no chain takes part.
pub(crate) const JOB_MANAGER: Address = Address(Felt::from_hex_unchecked("0x10b"));
/// `SN_CHAOS` as a felt.
pub(crate) const CHAIN_ID: &str = "0x534e5f4348414f53";

const MANIFEST: &[u8] = include_bytes!("../../../worker-pull/models/sha256/manifest.json");
/// What one job costs. No round number, so that a wrong sum shows.
const PRICE: Fri = Fri(1_000_000_000_000_007);
/// Enough for more jobs than any run has.
const DEPOSIT: Fri = Fri(1_000 * Fri::ONE_STRK.0);

/// How many sponsors there are.
pub(crate) const SPONSORS: u64 = 5;

const POOL: &str = "cpu";

/// A target of faults: whoever holds it may break it, and must leave it whole.
pub(crate) type Target<T> = Arc<Mutex<T>>;

/// All that runs.
pub(crate) struct World {
    pub(crate) redis: Target<Redis>,
    pub(crate) postgres: Target<Postgres>,
    pub(crate) gateways: Vec<Target<GatewayProcess>>,
    pub(crate) workers: Vec<Target<WorkerProcess>>,
    pub(crate) street: Street,
    pub(crate) database_url: String,
    pub(crate) redis_url: String,
    /// One for each sponsor.
    pub(crate) claim_tokens: Vec<String>,
    pub(crate) pool: PoolName,
    dir: PathBuf,
    _site: Site,
}

impl World {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("ciro-chaos-{}", Uuid::new_v4().simple()));
        let stores = Stores::start(&dir, &ToolPaths::find()?).await?;
        let (database_url, redis_url) =
            (stores.postgres.url().to_owned(), stores.redis.url().to_owned());
        let keys = (0..WORKERS).map(WorkerKey::of).collect::<Vec<_>>();
        let pool: PoolName = POOL.parse()?;
        let claim_tokens = fill(&database_url, &pool, &keys).await?;
        let token_key = dir.join("token-key.pem");
        write_private(&token_key, &ciro_gateway::auth::key_file::fresh()?)?;
        let secret = dir.join("gateway-secret");
        write_private(&secret, &ciro_gateway::auth::secret::Secret::generate())?;

        let mut gateways = Vec::new();
        for number in 0..GATEWAYS {
            let spec = spec(&dir, &format!("ciro-gateway-{number}"), "ciro-gateway")?
                .env("DATABASE_URL", &database_url)
                .env("REDIS_URL", &redis_url)
                .env("CIRO_ISSUER", ISSUER)
                .env("CIRO_TOKEN_KEY_FILE", &token_key)
                .env("CIRO_SECRET_FILE", &secret)
                .env("CIRO_CHAIN_ID", CHAIN_ID)
                .env("CIRO_JOB_MANAGER", JOB_MANAGER.to_string());
            gateways.push(GatewayProcess::start(spec).await?);
        }
        let street = Street::open(gateways.iter().map(GatewayProcess::address).collect()).await?;
        let mut workers = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let name = format!("ciro-worker-{number}");
            let key_file = dir.join(format!("{name}.key"));
            write_private(&key_file, &key.text())?;
            let spec = spec(&dir, &name, "ciro-worker")?
                .env("CIRO_GATEWAY_URL", street.url())
                .env("CIRO_WORKER_KEY_FILE", &key_file)
                .env("CIRO_WORKER_STATE_DIR", dir.join(&name))
                .env("CIRO_CHAIN_ID", CHAIN_ID)
                .env("CIRO_JOB_MANAGER", JOB_MANAGER.to_string());
            workers.push(WorkerProcess::start(key.configure(spec)).await?);
        }
        Ok(Self {
            redis: target(stores.redis),
            postgres: target(stores.postgres),
            _site: stores.site,
            gateways: gateways.into_iter().map(target).collect(),
            workers: workers.into_iter().map(target).collect(),
            street,
            database_url,
            redis_url,
            claim_tokens,
            pool,
            dir,
        })
    }

    /// Where all logs are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// From here on, only a test itself works.
    pub(crate) async fn stop_workers(&self) -> anyhow::Result<()> {
        for worker in &self.workers {
            worker.lock().await.stop().await?;
        }
        Ok(())
    }

    /// Ends what is left, in order, and forgets it: only a good run gets here.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        for gateway in &self.gateways {
            gateway.lock().await.stop().await?;
        }
        self.redis.lock().await.service_mut().stop().await?;
        self.postgres.lock().await.service_mut().stop().await?;
        fs::remove_dir_all(&self.dir).with_context(|| format!("removing {}", self.dir.display()))
    }
}

fn target<T>(whole: T) -> Target<T> {
    Arc::new(Mutex::new(whole))
}

/// A connection for a few questions.
pub(crate) async fn connect(database_url: &str) -> anyhow::Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(database_url, NoTls).await.context("connecting to the database")?;
    // It ends with its client; what goes wrong on it, the client's calls say.
    tokio::spawn(connection);
    Ok(client)
}

/// The schema, a model, sponsors with money and workers with keys, as the mirror of a chain would have them; returns a
/// claim token of each sponsor.
async fn fill(
    database_url: &str,
    pool: &PoolName,
    keys: &[WorkerKey],
) -> anyhow::Result<Vec<String>> {
    let mut client = connect(database_url).await?;
    ciro_gateway::database::migrate(&mut client).await?;
    let terms = Terms { price: PRICE, pool: pool.clone(), expected_run_ms: NonZeroU32::MIN };
    register(&client, MANIFEST, None, &terms).await?;
    let worker = "INSERT INTO chain_worker (address, public_key, stake_fri) \
                  VALUES ($1, $2, $3::text::numeric)";
    for key in keys.iter().chain([&Sloppy::key()]) {
        let stake = Fri::ONE_STRK.to_string();
        client
            .execute(worker, &[&key.address().to_string(), &key.public_key().to_string(), &stake])
            .await?;
    }
    let mut claim_tokens = Vec::new();
    for number in 0..SPONSORS {
        claim_tokens.push(sponsor(&mut client, number).await?);
    }
    Ok(claim_tokens)
}

async fn sponsor(client: &mut Client, number: u64) -> anyhow::Result<String> {
    let sponsor = NewSponsor {
        id: SponsorId(Uuid::now_v7()),
        name: format!("chaos {number}"),
        address: Address(Felt::from(0x5b0_u64 + number)),
        price_ceiling: PRICE,
        spend_limit: DEPOSIT,
    };
    sponsors::create(&*client, &sponsor).await?;
    let money = "INSERT INTO chain_sponsor (address, deposit_fri, allowance_per_epoch_fri) \
                 VALUES ($1, $2::text::numeric, $2::text::numeric)";
    client.execute(money, &[&sponsor.address.to_string(), &DEPOSIT.to_string()]).await?;
    let wanted = CreateClaimToken {
        name: "chaos".to_owned(),
        claims: 1_000,
        expires_in_s: 3_600,
        serials: None,
    };
    let made = ciro_gateway::sponsors::create_claim_token(client, sponsor.id, &wanted).await?;
    Ok(made.claim_token)
}

fn spec(dir: &Path, name: &str, program: &str) -> anyhow::Result<ServiceSpec> {
    let here = std::env::current_exe().context("finding our own program")?;
    // Tests lie one directory below the programs.
    let beside = here.ancestors().nth(2).context("our program lies in no directory")?;
    let program = beside.join(program);
    anyhow::ensure!(program.exists(), "{} is not there; run `make build`", program.display());
    Ok(ServiceSpec::new(name, program, dir.join("log").join(format!("{name}.log"))))
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("closing {}", path.display()))
}
