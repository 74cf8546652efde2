//! Starts a child that the kernel ends when we die, even by SIGKILL: no crash leaves an orphan.
//! Never uses unsafe code for it: util-linux's `setpriv` makes the system call and becomes the program.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::{LazyLock, mpsc};
use std::{io, thread};

use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::RunAs;

/// If we died between the fork and setpriv's system call, no signal would ever come: so the shell that
/// runs next looks whether its parent is still the one that asked, and only then becomes the program.
const UNLESS_ORPHANED: &str = r#"[ "$PPID" = "$0" ] || exit 125; exec "$@""#;

/// All that a child sees of our environment. The rest of a person's shell (`PORT`, `PGDATA`, `SEED`,
/// proxies) would change what the servers do.
const INHERITED: [&str; 8] =
    ["PATH", "HOME", "USER", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "RUST_LOG", "RUST_BACKTRACE"];

/// One child to be.
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    pub(super) args: &'a [OsString],
    pub(super) env: &'a [(String, OsString)],
    pub(super) log: File,
    pub(super) death_signal: Signal,
    pub(super) run_as: Option<&'a RunAs>,
}

/// Starts it in `/`, in a process group of its own, so that a Ctrl-C at the terminal reaches only us and
/// we end our children in order.
pub(super) async fn spawn(launch: Launch<'_>) -> io::Result<Child> {
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--pdeathsig={}", launch.death_signal.as_str()))
        .args(launch.run_as.map(RunAs::setpriv_args).unwrap_or_default())
        .args(["--", "/bin/sh", "-c", UNLESS_ORPHANED])
        .arg(std::process::id().to_string())
        .arg(launch.program)
        .args(launch.args)
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(launch.log.try_clone()?)
        .stderr(launch.log);
    on_lasting_thread(command).await
}

struct Order {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// The kernel sends the death signal when the *thread* that forked ends, not the process. The runtime's
/// threads come and go, so one thread that lives as long as the process does every fork.
static SPAWNER: LazyLock<io::Result<mpsc::Sender<Order>>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    thread::Builder::new().name("stack-spawner".to_owned()).spawn(move || {
        // The sender is a static, so this loop ends with the process.
        for Order { mut command, runtime, reply } in inbox {
            let _inside = runtime.enter();
            // Nobody waits any more: then the child must not stay either.
            if let Err(Ok(mut child)) = reply.send(command.spawn()) {
                let _ = child.start_kill();
            }
        }
    })?;
    Ok(orders)
});

async fn on_lasting_thread(command: Command) -> io::Result<Child> {
    let (reply, answer) = oneshot::channel();
    let orders = SPAWNER.as_ref().map_err(|err| io::Error::new(err.kind(), err.to_string()))?;
    let gone = || io::Error::other("the thread that starts children has ended");
    orders.send(Order { command, runtime: Handle::current(), reply }).map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}
