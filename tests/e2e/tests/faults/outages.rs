//! Processes that are killed, frozen, stopped and started again.

use std::time::Duration;

use nexus_e2e::Installation;
use rustix::process::Signal;
use tokio::time::sleep;

/// Half of what a client waits whose request is with a frozen gateway.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can be killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Victim {
    /// A process of Nexus, by its service's name.
    Process(String),
    Nats,
    /// The postmaster.
    Postgres,
    /// One of PostgreSQL's sessions.
    Session,
}

impl Victim {
    pub fn is_gateway(&self) -> bool {
        matches!(self, Self::Process(service) if service.starts_with("gateway"))
    }
}

/// Each process there is, but nginx, without which nobody reaches anything.
pub fn victims(scaled: &Installation) -> Vec<Victim> {
    let processes = scaled.roles().map(|(service, _)| Victim::Process(service.clone()));
    processes.chain([Victim::Nats, Victim::Postgres, Victim::Session]).collect()
}

/// `kill -9`, and the start that a service manager would do.
pub async fn kill(scaled: &mut Installation, victim: &Victim) {
    match victim {
        Victim::Process(service) => {
            let process = scaled.role(service);
            process.kill().await.expect("it dies");
            process.restart().await.expect("it comes back");
        }
        Victim::Nats => {
            scaled.nats[0].kill().expect("it dies");
            scaled.nats[0].restart().await.expect("it comes back");
        }
        Victim::Postgres => {
            scaled.postgres.daemon.kill().expect("it dies");
            scaled.postgres.restart().await.expect("it comes back");
        }
        Victim::Session => scaled.postgres.kill_session().await.expect("it dies"),
    }
}

/// Servers, a gateway and consumers frozen, then both servers gone at once.
pub async fn all(scaled: &mut Installation, time: Duration) {
    for frozen in [&scaled.nats[0], &scaled.postgres.daemon] {
        frozen.signal_all(Signal::STOP).expect("it stands still");
        sleep(time).await;
        frozen.signal_all(Signal::CONT).expect("it goes on");
    }
    for (role, time) in [("gateway", time.min(PATIENCE)), ("storage", time), ("linker", time)] {
        let service = scaled.services(role)[0].clone();
        scaled.role(&service).signal(Signal::STOP).expect("it stands still");
        sleep(time).await;
        scaled.role(&service).signal(Signal::CONT).expect("it goes on");
    }
    scaled.nats[0].kill().expect("it dies");
    scaled.postgres.daemon.kill().expect("it dies");
    sleep(time).await;
    scaled.postgres.restart().await.expect("it comes back");
    scaled.nats[0].restart().await.expect("it comes back");
}

/// Every process of Nexus is asked to stop and started again, one after the other.
pub async fn rolling_restart(scaled: &mut Installation) {
    for role in ["gateway", "linker", "storage", "analysis", "dashboard"] {
        for service in scaled.services(role) {
            let process = scaled.role(&service);
            let ended = process.stop().await.expect("it stops");
            assert!(ended.success(), "{service} ended with {ended}:\n{}", process.log());
            process.restart().await.expect("it comes back");
        }
    }
}
