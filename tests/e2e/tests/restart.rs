//! Two gateways behind nginx, stopped and started again in turns under load, with streams under way:
//! no client notices.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::ledger::Ledger;
use nexus_e2e::load::Load;
use nexus_e2e::{Nexus, NexusBuilder, http_client, paths, ports, wait};
use nexus_scripted::{Anthropic, Server};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const CLIENTS: usize = 16;
const SOON: Duration = Duration::from_mins(1);

/// nginx with the shipped configuration, in front of two gateways.
struct Nginx {
    port: u16,
    dir: TempDir,
    _child: Child,
}

impl Nginx {
    async fn start(gateways: [u16; 2]) -> Self {
        let dir = TempDir::with_prefix("nexus-nginx-").expect("a directory");
        let [port] = ports::free();
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, configuration(dir.path(), port, gateways)).expect("written");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(dir.path()).arg("-c").arg(&file).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let nginx = Self { port, dir, _child: command.spawn().expect("nginx (tests/setup)") };
        let url = format!("{}/health/live", nginx.url());
        wait::until("nginx", SOON, async || http_client().get(&url).send().await.ok()).await;
        nginx
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("error.log")).unwrap_or_default()
    }
}

/// The shipped part in a frame, with this machine's addresses.
fn configuration(home: &Path, port: u16, gateways: [u16; 2]) -> String {
    let path = paths::root().join("deploy/nginx/nexus.conf");
    let shipped = std::fs::read_to_string(path).expect("the shipped configuration");
    let mut rendered = shipped.replace("listen 8080;", &format!("listen 127.0.0.1:{port};"));
    for (number, gateway) in gateways.iter().enumerate() {
        let named = format!("gateway-{}:3000", number + 1);
        assert!(rendered.contains(&named), "{named}");
        rendered = rendered.replace(&named, &format!("127.0.0.1:{gateway}"));
    }
    let home = home.display();
    format!(
        "daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ client_body_temp_path {home}/b; proxy_temp_path {home}/p;\n\
         fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;\n\
         {rendered}\n}}\n"
    )
}

/// Waits until nginx has taken the gateway back.
async fn takes_part(gateway: &Nexus) {
    let url = format!("{}/metrics", gateway.url());
    wait::until("requests on the new process", SOON, async || {
        let text = http_client().get(&url).send().await.ok()?.text().await.ok()?;
        let line = text.lines().find(|line| {
            line.starts_with("nexus_gateway_requests_total") && line.contains("messages")
        })?;
        (line.rsplit(' ').next()?.parse::<u64>().ok()? >= 20).then_some(())
    })
    .await;
}

async fn more_answers(ledger: &Ledger, count: usize) {
    let enough = ledger.completed() + count;
    wait::until("answers", SOON, async || (ledger.completed() >= enough).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_restart_in_turns_without_a_failed_request() {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "restart")).expect("a port");
    let start = async || NexusBuilder::new("gateway", &upstream.url()).start().await;
    let mut gateways = [start().await.expect("it starts"), start().await.expect("it starts")];
    let nginx = Nginx::start([gateways[0].port(), gateways[1].port()]).await;
    let load = Load::start(&nginx.url(), CLIENTS, Duration::from_millis(2));
    more_answers(load.ledger(), 100).await;
    for _round in 0..3 {
        for gateway in &mut gateways {
            let status = gateway.stop().await.expect("it stops");
            assert!(status.success(), "{status}\n{}", gateway.log());
            more_answers(load.ledger(), 50).await;
            gateway.restart().await.expect("it comes back");
            takes_part(gateway).await;
        }
    }
    let sent = load.finish().await.entries();
    let failed: Vec<_> =
        sent.iter().filter(|(_, sent)| sent.answer.is_none() || sent.status >= 500).collect();
    eprintln!("6 restarts, {} requests, {} failed", sent.len(), failed.len());
    assert!(failed.is_empty(), "{failed:?}\n{}", nginx.errors());
}
