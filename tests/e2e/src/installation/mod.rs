//! The scaled-out form as real processes: what `deploy/compose.yaml` starts, with the same commands,
//! settings, secrets and server configurations; only addresses and paths are this machine's.

mod compose;
mod daemon;
mod events;
pub mod nats;
mod nginx;
mod postgres;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use serde_json::Value;
use tempfile::TempDir;

pub use self::{
    compose::Compose,
    daemon::Daemon,
    events::{Events, Message},
    nats::NatsPorts,
    postgres::Postgres,
};
use crate::{Api, Nexus, NexusBuilder, nexus::DASHBOARD_KEY, paths, scan};

const NATS_NODES: [&str; 3] = ["nats-1", "nats-2", "nats-3"];

/// What a test wants otherwise than the compose file's defaults.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// All three nodes, with copies on each, instead of one.
    pub cluster: bool,
    /// Set on every role, over what the compose file says.
    pub settings: Vec<(String, String)>,
}

impl Plan {
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// All processes of a scaled-out Nexus. They end when this is dropped.
pub struct Installation {
    roles: BTreeMap<String, Nexus>,
    pub nginx: Daemon,
    pub nats: Vec<Daemon>,
    pub nats_ports: Vec<NatsPorts>,
    pub postgres: Postgres,
    secrets: PathBuf,
    dir: TempDir,
}

impl Installation {
    /// Starts everything in front of an upstream. `None`, with a line that says why, where
    /// PostgreSQL is not installed.
    pub async fn start(upstream: &str, plan: Plan) -> anyhow::Result<Option<Self>> {
        if !Postgres::is_installed() {
            return Ok(None);
        }
        let dir = TempDir::with_prefix("nexus-installation-")?;
        let secrets = make_secrets(dir.path())?;
        let compose = Compose::read(variables(upstream, &secrets)?)?;
        let names = if plan.cluster { &NATS_NODES[..] } else { &NATS_NODES[..1] };
        let nats_ports: Vec<_> = names.iter().map(|_| NatsPorts::free()).collect();
        let password = fs::read_to_string(secrets.join("nats_password"))?;
        let nodes = names.iter().zip(&nats_ports).map(|(name, ports)| {
            let routes = routes(&compose, name, names, &nats_ports);
            let (dir, password) = (dir.path(), &password);
            async move { nats::start(dir, name, *ports, routes?, password).await }
        });
        let (postgres, nats) =
            tokio::try_join!(Postgres::start(dir.path(), &secrets), try_join_all(nodes))?;
        point_at(&secrets, &postgres, names, &nats_ports)?;

        let run = Run { compose: &compose, secrets: &secrets, plan: &plan };
        let migrated = run.builder("migrate")?.once().await?;
        ensure!(migrated.status.success(), "migrate: {migrated:?}");
        let services = compose.roles();
        let started = services.iter().map(|name| run.start(name));
        let started = try_join_all(started).await?;
        let roles: BTreeMap<String, Nexus> = services.into_iter().zip(started).collect();
        let gateways: Vec<_> =
            gateways(&roles).map(|(name, at)| (name.clone(), at.port())).collect();
        let nginx = nginx::start(dir.path(), &gateways).await?;
        Ok(Some(Self { roles, nginx, nats, nats_ports, postgres, secrets, dir }))
    }

    /// Where clients go.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.nginx.port())
    }

    /// The data API of the dashboard's process.
    pub fn api(&self) -> Api {
        self.roles["dashboard"].api()
    }

    /// The compose file's services that run `role`.
    pub fn services(&self, role: &str) -> Vec<String> {
        let of_role = self.roles.iter().filter(|(_, process)| process.role() == role);
        of_role.map(|(name, _)| name.clone()).collect()
    }

    /// One role's process.
    ///
    /// # Panics
    /// When the compose file has no such service.
    pub fn role(&mut self, service: &str) -> &mut Nexus {
        self.roles.get_mut(service).expect("a service of the compose file")
    }

    /// All of them, by the compose file's names.
    pub fn roles(&self) -> impl Iterator<Item = (&String, &Nexus)> {
        self.roles.iter()
    }

    /// The dashboard's base URL.
    pub fn dashboard(&self) -> String {
        self.roles["dashboard"].dashboard()
    }

    /// How many exchanges the gateways began to record since they were started.
    pub async fn accepted(&self) -> anyhow::Result<usize> {
        let mut sum = 0.0;
        for (_, gateway) in gateways(&self.roles) {
            sum += gateway.metric("nexus_journal_exchanges_total").await?;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        Ok(sum as usize)
    }

    /// The event stream, for a test that publishes by itself.
    pub async fn events(&self) -> anyhow::Result<Events> {
        Events::connect(&self.secret("nats_url")?).await
    }

    /// What an admin command prints as JSON, run with the settings of a storage process.
    ///
    /// # Panics
    /// When it fails.
    pub async fn command(&self, arguments: &str) -> Value {
        let output = self.roles["storage-1"].beside(arguments).once().await.expect("it runs");
        assert!(output.status.success(), "{arguments}: {output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// A secret by its name in the compose file.
    pub fn secret(&self, name: &str) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.secrets.join(name))?)
    }

    /// What the NATS servers keep on their disks.
    pub fn nats_files(&self) -> Vec<PathBuf> {
        let nodes = NATS_NODES.iter().take(self.nats.len());
        nodes.flat_map(|name| scan::files(&self.dir.path().join(name).join("data"))).collect()
    }

    /// The last that each process wrote, for a test that fails.
    pub fn last_words(&self) -> String {
        let roles = self.roles.iter().map(|(name, role)| (name.as_str(), role.log()));
        let nodes = NATS_NODES.iter().zip(&self.nats).map(|(name, node)| (*name, node.log()));
        roles.chain(nodes).map(|(name, log)| last_words(name, &log)).collect()
    }
}

/// Two lines of a log, not too long.
fn last_words(name: &str, log: &str) -> String {
    let mut lines: Vec<String> =
        log.lines().rev().take(2).map(|line| line.chars().take(240).collect()).collect();
    lines.reverse();
    format!("{name}: {}\n", lines.join("\n    "))
}

fn gateways(roles: &BTreeMap<String, Nexus>) -> impl Iterator<Item = (&String, &Nexus)> {
    roles.iter().filter(|(_, process)| process.role() == "gateway")
}

/// How the services of the compose file become processes here.
struct Run<'a> {
    compose: &'a Compose,
    secrets: &'a Path,
    plan: &'a Plan,
}

impl Run<'_> {
    async fn start(&self, service: &str) -> anyhow::Result<Nexus> {
        self.builder(service)?.start().await.context(service.to_owned())
    }

    fn builder(&self, service: &str) -> anyhow::Result<NexusBuilder> {
        let command = self.compose.command(service)?;
        let [role] = command.as_slice() else { anyhow::bail!("{service} runs {command:?}") };
        let mut builder = NexusBuilder::plain(role).env("NEXUS_INSTANCE", service);
        for (name, value) in self.compose.environment(service)? {
            let value = value.replace("/run/secrets", &self.secrets.display().to_string());
            match name.as_str() {
                // The directories are the process's own; nginx is on loopback.
                "CREDENTIALS_DIR" | "MCP_PROMPTS_DIR" => {}
                "TRUSTED_PROXIES" => builder = builder.env(&name, "127.0.0.1"),
                "NEXUS_NATS_REPLICAS" if !self.plan.cluster => builder = builder.env(&name, "1"),
                _ => builder = builder.env(&name, value),
            }
        }
        let settings = self.plan.settings.iter();
        Ok(settings.fold(builder, |builder, (name, value)| builder.env(name, value.as_str())))
    }
}

/// Runs the shipped script beside which the secrets are made; gives their directory.
fn make_secrets(dir: &Path) -> anyhow::Result<PathBuf> {
    let home = dir.join("deploy");
    let secrets = home.join("secrets");
    fs::create_dir_all(&secrets)?;
    fs::write(secrets.join("dashboard_api_key"), DASHBOARD_KEY)?;
    fs::copy(paths::deploy("secrets.sh"), home.join("secrets.sh"))?;
    let made = Command::new("sh").arg(home.join("secrets.sh")).output()?;
    ensure!(made.status.success(), "secrets.sh: {made:?}");
    Ok(secrets)
}

/// What an operator has in `.env` and the shell.
fn variables(upstream: &str, secrets: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let file = fs::read_to_string(secrets.with_file_name(".env"))?;
    let own = [("CLAUDE_API_BASE_URL", upstream), ("ALLOW_PASSTHROUGH", "true")];
    let pairs = file.lines().filter_map(|line| line.split_once('=')).chain(own);
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Turns the services' names in the secret URLs into addresses of this machine.
fn point_at(
    secrets: &Path,
    postgres: &Postgres,
    names: &[&str],
    ports: &[NatsPorts],
) -> anyhow::Result<()> {
    for file in ["database_url", "database_url_dashboard"] {
        let at = format!("@127.0.0.1:{}/nexus", postgres.daemon.port());
        rewrite(&secrets.join(file), |url| url.replace("@postgres/nexus", &at))?;
    }
    rewrite(&secrets.join("nats_url"), |urls| {
        let servers = urls.split(',').filter_map(|url| {
            let (user, host) = url.split_once('@')?;
            let node = names.iter().position(|name| host.starts_with(name))?;
            Some(format!("{user}@127.0.0.1:{}", ports[node].clients))
        });
        servers.collect::<Vec<_>>().join(",")
    })
}

fn rewrite(file: &Path, change: impl Fn(String) -> String) -> anyhow::Result<()> {
    fs::write(file, change(fs::read_to_string(file)?))?;
    Ok(())
}

/// The `--routes` of a node's command; none for a node that is alone.
fn routes(
    compose: &Compose,
    name: &str,
    names: &[&str],
    ports: &[NatsPorts],
) -> anyhow::Result<Vec<String>> {
    if names.len() == 1 {
        return Ok(Vec::new());
    }
    let command = compose.command(name)?;
    let from = command.iter().position(|word| word == "--routes").context("no --routes")?;
    let here = |word: &String| {
        let pairs = names.iter().zip(ports);
        pairs.fold(word.clone(), |word, (name, ports)| {
            word.replace(&format!("{name}:6222"), &format!("127.0.0.1:{}", ports.routes))
        })
    };
    Ok(command[from..].iter().map(here).collect())
}
