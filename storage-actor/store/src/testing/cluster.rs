//! A private PostgreSQL cluster that all test processes of a user share, and a database per test.
//!
//! The first test starts it under a lock; every test process holds a shared lock on `users`, and a
//! watchdog stops and removes the cluster when nobody has held that for a while.

use std::{
    fs::{File, TryLockError},
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use super::installed::postgres_programs;

/// Checks every 20 s and ends the cluster after the third time without a user.
const WATCHDOG: &str = r#"
idle=0
while :; do
  sleep 20
  if flock -n -x "$1/users" true; then idle=$((idle + 1)); else idle=0; fi
  [ "$idle" -ge 3 ] && flock -x "$1/start" sh -c '
    flock -n -x "$1/users" true || exit 1
    rm -f "$1/port"
    $2 "$1/data" -m immediate stop
    rm -rf "$1/data"' sh "$1" "$2" && break
done
"#;

/// A database of one test, dropped with it.
pub struct Database {
    name: String,
    port: u16,
    url: String,
}

impl Database {
    /// A fresh empty database, or `None` (and a line that says so) without PostgreSQL.
    ///
    /// # Panics
    /// When the cluster does not start.
    pub fn create() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        postgres_programs()?;
        let port = port();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t_{}_{number}", std::process::id());
        psql(port, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        psql(port, &format!("CREATE DATABASE {name}"));
        let url = format!("postgres://postgres@127.0.0.1:{port}/{name}");
        Some(Self { name, port, url })
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        psql(self.port, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The cluster's port; starts it when it isn't there, and keeps it for as long as this process lives.
fn port() -> u16 {
    static CLUSTER: OnceLock<(u16, File)> = OnceLock::new();
    CLUSTER.get_or_init(|| join(&base())).0
}

fn join(base: &Path) -> (u16, File) {
    let start = File::create(base.join("start")).expect("the cluster's folder is writable");
    start.lock().expect("the lock can be taken");
    let users = File::create(base.join("users")).expect("the cluster's folder is writable");
    match users.try_lock_shared() {
        Ok(()) => {}
        // The watchdog is looking; it lets go at once.
        Err(TryLockError::WouldBlock) => users.lock_shared().expect("the lock can be taken"),
        Err(TryLockError::Error(error)) => panic!("the lock cannot be taken: {error}"),
    }
    let port = running(base).unwrap_or_else(|| start_cluster(base));
    (port, users)
}

fn base() -> PathBuf {
    let base = std::env::temp_dir().join(format!("nexus-test-postgres-{}", owner()));
    std::fs::create_dir_all(&base).expect("a temporary folder can be made");
    base
}

fn running(base: &Path) -> Option<u16> {
    let mut text = String::new();
    File::open(base.join("port")).ok()?.read_to_string(&mut text).ok()?;
    let port = text.trim().parse().ok()?;
    std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(|_| port)
}

fn start_cluster(base: &Path) -> u16 {
    let data = base.join("data");
    let _absent_or_gone = std::fs::remove_dir_all(&data);
    std::fs::create_dir(&data).expect("the folder is ours");
    let port = free_port();
    if owner() == "root" {
        run(Command::new("chown").arg("postgres").arg(&data));
    }
    run(as_postgres("initdb")
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        .arg("-D")
        .arg(&data));
    let options = format!(
        "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off \
         -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB -c autovacuum=off"
    );
    run(as_postgres("pg_ctl")
        .arg("-D")
        .arg(&data)
        .arg("-w")
        .arg("-o")
        .arg(options)
        .arg("-l")
        .arg(data.join("log"))
        .arg("start"));
    watch(base);
    let mut file = File::create(base.join("port")).expect("the cluster's folder is writable");
    write!(file, "{port}").expect("the cluster's folder is writable");
    port
}

fn watch(base: &Path) {
    let stop = format!("{} -D", program("pg_ctl").display());
    let stop = if owner() == "root" { format!("runuser -u postgres -- {stop}") } else { stop };
    let watchdog = Command::new("setsid")
        .args(["sh", "-c", WATCHDOG, "sh"])
        .arg(base)
        .arg(stop)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .spawn()
        .expect("setsid is there");
    // It outlives this process, whose end hands it to init.
    drop(watchdog);
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

fn psql(port: u16, statement: &str) {
    run(Command::new(program("psql")).args([
        "-qXh",
        "127.0.0.1",
        "-p",
        &port.to_string(),
        "-U",
        "postgres",
        "-c",
        statement,
        "postgres",
    ]));
}

fn program(name: &str) -> PathBuf {
    postgres_programs().expect("looked for before a database is made").join(name)
}

/// PostgreSQL refuses to run as root.
fn as_postgres(tool: &str) -> Command {
    let tool = program(tool);
    let mut command = if owner() == "root" {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(tool);
        command
    } else {
        Command::new(tool)
    };
    command.current_dir("/");
    command
}

fn owner() -> &'static str {
    static OWNER: OnceLock<String> = OnceLock::new();
    OWNER.get_or_init(|| {
        let output = Command::new("id").arg("-un").output().expect("id is there");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

/// Runs to the end; its output is shown only when it fails. (A pipe would be kept open by the server.)
fn run(command: &mut Command) {
    let log = tempfile::tempfile().expect("a temporary file");
    let (out, err) = (log.try_clone().expect("a handle"), log.try_clone().expect("a handle"));
    let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status().expect("it starts");
    assert!(status.success(), "{command:?} failed: {}", shown(log));
}

fn shown(mut log: File) -> String {
    use std::io::Seek;
    let mut text = String::new();
    let read = log.rewind().and_then(|()| log.read_to_string(&mut text));
    if read.is_err() {
        text.push_str("(its output cannot be read)");
    }
    text
}
