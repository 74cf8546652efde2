//! One private `PostgreSQL` for the whole process, one database for each test.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError, mpsc},
    thread,
    time::Duration,
};

use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

struct Server {
    socket_dir: PathBuf,
    // Its standard input closes when we end; it waits for that.
    _janitor: Mutex<Child>,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// Ends the server and removes its files when its standard input closes.
const JANITOR: &str = r#"cat >/dev/null
kill -QUIT "$1" 2>/dev/null
n=0; while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.05; done
rm -rf "$0""#;

fn server() -> &'static Server {
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    SERVER.get_or_init(start)
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// As root, `PostgreSQL` refuses to run: then as the user `postgres`. The kernel ends it with our thread.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg("--pdeathsig=SIGQUIT").arg("--").arg(program).current_dir("/");
    command
}

fn start() -> Server {
    let bin = super::tool("postgres_bin_dir", || PathBuf::from("/usr/lib/postgresql/15/bin"));
    let home = tempfile::Builder::new().prefix("ciro-test-").tempdir().unwrap().keep();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        let user = nix::unistd::User::from_name("postgres").unwrap().expect("a user postgres");
        nix::unistd::chown(&home, Some(user.uid), Some(user.gid)).unwrap();
    }
    let data = home.join("data");
    let made = as_postgres(&bin.join("initdb"))
        .args(["--username=ciro", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
        .arg("-D")
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let log = fs::File::create(home.join("log")).unwrap();
    let mut postgres = as_postgres(&bin.join("postgres"));
    postgres
        .arg("-D")
        .arg(&data)
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"])
        .args(["-c", &format!("unix_socket_directories={}", home.display())])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let pid = spawn_for_good(postgres);
    let janitor = Command::new("sh")
        .args(["-c", JANITOR])
        .arg(&home)
        .arg(pid.to_string())
        // Whoever kills our group, as test runners do, must not kill the cleaning up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Server { socket_dir: home, _janitor: Mutex::new(janitor) }
}

/// The death signal comes when the thread that forked ends, and tests' threads end early.
fn spawn_for_good(mut command: Command) -> u32 {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut child = command.spawn().unwrap();
        tell.send(child.id()).unwrap();
        child.wait()
    });
    told.recv().unwrap()
}

/// Connects, as soon as the server answers.
pub async fn connect(config: &Config) -> Client {
    let mut last = None;
    for _ in 0..1_500 {
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("PostgreSQL does not answer: {last:?}");
}

/// An empty database of its own.
pub async fn empty_database() -> Config {
    let server = server();
    let mut config = Config::new();
    config.host_path(&server.socket_dir).user("ciro").dbname("postgres");
    let name = format!("test_{}", Uuid::now_v7().simple());
    connect(&config).await.batch_execute(&format!("create database {name}")).await.unwrap();
    config.dbname(&name);
    config
}
