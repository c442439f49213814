//! A server under test that is not ours: started, killed, frozen and started again.

use std::{
    fs::File,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// A process with a port. It is ended when this is dropped.
pub struct Daemon {
    name: String,
    command: Box<dyn Fn() -> Command + Send + Sync>,
    port: u16,
    log: PathBuf,
    child: Child,
    /// What asks it to end at once, with all its children.
    quit: Signal,
}

impl Daemon {
    /// Starts it and waits until its port takes connections.
    pub async fn start(
        name: &str,
        dir: &Path,
        port: u16,
        quit: Signal,
        command: impl Fn() -> Command + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let child = spawn(&mut command(), &log).context(name.to_owned())?;
        let command = Box::new(command);
        let mut daemon = Self { name: name.to_owned(), command, port, log, child, quit };
        daemon.listening().await?;
        Ok(daemon)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`, of the process alone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again on the same files and port.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&mut (self.command)(), &self.log)?;
        self.listening().await
    }

    /// Stops it and all its children where they stand, or lets them go on.
    pub fn signal_all(&self, signal: Signal) -> anyhow::Result<()> {
        for pid in tree(self.pid()?) {
            // A child may have ended between the look and the signal.
            let _gone = kill_process(pid, signal);
        }
        Ok(())
    }

    /// Its direct children.
    pub fn children(&self) -> anyhow::Result<Vec<Pid>> {
        Ok(children(self.pid()?))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Pid::from_raw(i32::try_from(self.child.id())?).context("a process has an id")
    }

    /// A server that could not start, because what was killed before it still held something, is
    /// started again, as a service manager would.
    pub fn revive(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            self.child = spawn(&mut (self.command)(), &self.log)?;
        }
        Ok(())
    }

    async fn listening(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > end {
                bail!("{} does not listen:\n{}", self.name, self.log());
            }
            self.revive()?;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let asked = self.pid().and_then(|pid| Ok(kill_process(pid, self.quit)?));
        // Frozen ones hear nothing before they go on.
        let went_on = self.signal_all(Signal::CONT);
        let ended = asked.and(went_on).and_then(|()| Ok(self.child.wait()?));
        if let Err(error) = ended {
            eprintln!("{} could not be stopped: {error:#}", self.name);
        }
    }
}

fn spawn(command: &mut Command, log: &Path) -> anyhow::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().with_context(|| format!("{} starts", command.get_program().display()))
}

fn tree(root: Pid) -> Vec<Pid> {
    let below = children(root).into_iter().flat_map(tree);
    [root].into_iter().chain(below).collect()
}

fn children(of: Pid) -> Vec<Pid> {
    let id = of.as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
