//! A PostgreSQL of the test's own, with the roles that `deploy/postgres/10-roles.sh` makes.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::ensure;
use nexus_store::testing::postgres_programs;
use rustix::process::{Pid, Signal, getuid, kill_process};

use super::daemon::Daemon;
use crate::{paths, ports};

/// How long it may take to serve.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);

/// A cluster that a test may kill and freeze.
pub struct Postgres {
    pub daemon: Daemon,
    superuser: String,
}

impl Postgres {
    /// Whether PostgreSQL is installed; a line on standard error says so when it isn't.
    pub fn is_installed() -> bool {
        postgres_programs().is_some()
    }

    /// Makes and starts a cluster below `dir`, and runs the shipped script with these secrets.
    pub async fn start(dir: &Path, secrets: &Path) -> anyhow::Result<Self> {
        // It runs under a user of its own, who must reach its data.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
        let home = dir.join("postgres");
        fs::create_dir(&home)?;
        let superuser = fs::read_to_string(secrets.join("postgres_password"))?;
        let data = make(&home, &superuser)?;
        let [port] = ports::free();
        let command = move || {
            let mut command = as_postgres("postgres");
            command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
            command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
            // Killing processes loses nothing that was written; only a power cut would.
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
            command
        };
        let daemon = Daemon::start("postgres", dir, port, Signal::QUIT, command).await?;
        let postgres = Self { daemon, superuser };
        let mut script = Command::new("sh");
        script.arg(paths::deploy("postgres/10-roles.sh")).env("SECRETS_DIR", secrets);
        postgres.until_it_serves().await;
        run(postgres.as_superuser(&mut script))?;
        Ok(postgres)
    }

    /// What `psql` prints for one statement, as superuser.
    pub fn query(&self, statement: &str) -> anyhow::Result<String> {
        let mut psql = Command::new("psql");
        psql.args(["-qXAt", "-d", "nexus", "-c", statement]);
        run(self.as_superuser(&mut psql))
    }

    /// The same as another user.
    pub fn query_as(&self, user: &str, password: &str, statement: &str) -> anyhow::Result<String> {
        let mut psql = Command::new("psql");
        psql.args(["-qXAt", "-d", "nexus", "-c", statement]);
        run(self.as_superuser(&mut psql).env("PGUSER", user).env("PGPASSWORD", password))
    }

    /// All of the database, as `pg_dump` writes it.
    pub fn dump(&self) -> anyhow::Result<String> {
        let mut dump = Command::new(program_of_postgres("pg_dump"));
        run(self.as_superuser(dump.args(["-d", "nexus"])))
    }

    /// Starts it again after its end, and waits until it has recovered.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.daemon.restart().await?;
        let end = Instant::now() + PATIENCE;
        while let Err(error) = self.serves() {
            ensure!(Instant::now() < end, "{error:#}\n{}", self.daemon.log());
            // A child of the one that was killed may have had its port for a moment longer: then it was
            // that child which listened, and this one has ended.
            self.daemon.revive()?;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// `kill -9` of one session of Nexus; PostgreSQL then restarts all of them. After a restart the
    /// sessions come back one by one, so there may be none at once.
    pub async fn kill_session(&self) -> anyhow::Result<()> {
        let session = async || {
            let found = self.query(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'nexus' ORDER BY random() LIMIT 1",
            );
            Pid::from_raw(found.ok()?.trim().parse().ok()?)
        };
        let pid = crate::wait::until("a session", PATIENCE, session).await;
        kill_process(pid, Signal::KILL)?;
        self.until_it_serves().await;
        Ok(())
    }

    async fn until_it_serves(&self) {
        crate::wait::until("PostgreSQL", PATIENCE, async || self.serves().ok()).await;
    }

    fn serves(&self) -> anyhow::Result<String> {
        let mut psql = Command::new("psql");
        psql.args(["-qXAt", "-d", "postgres", "-c", "SELECT 1"]);
        run(self.as_superuser(&mut psql))
    }

    fn as_superuser<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.daemon.port().to_string())
            .env("PGUSER", "postgres")
            .env("POSTGRES_USER", "postgres")
            .env("PGPASSWORD", &self.superuser)
    }
}

/// An empty cluster that asks everybody for a password.
fn make(home: &Path, superuser: &str) -> anyhow::Result<PathBuf> {
    let (data, password) = (home.join("data"), home.join("password"));
    fs::write(&password, superuser)?;
    if getuid().is_root() {
        run(Command::new("chown").args(["-R", "postgres"]).arg(home))?;
    }
    let mut initdb = as_postgres("initdb");
    initdb.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]);
    initdb.arg("--no-sync").arg("--pwfile").arg(&password).arg("-D").arg(&data);
    run(&mut initdb)?;
    Ok(data)
}

fn program_of_postgres(name: &str) -> PathBuf {
    postgres_programs().expect("looked for before a cluster is made").join(name)
}

/// A program of PostgreSQL, which refuses to run as root.
fn as_postgres(program: &str) -> Command {
    let program = program_of_postgres(program);
    if !getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    Ok(text(&output.stdout))
}
