//! What a page may cost: statements, bytes and elements of its first HTML, on a store that holds a
//! conversation of 5,000 requests. Counted, not timed.

mod counter;
mod large;

use std::{net::TcpListener, sync::Arc, time::Duration};

use nexus_bus::{EmbeddedConfig, EmbeddedLog, LocalLiveBus};
use nexus_contract::{Clock, ManualClock};
use nexus_dashboard::{Dashboard, DashboardConfig, Deps, StoredRecordings};
use nexus_store::testing::TestStore;
use tokio_util::sync::CancellationToken;

const STATEMENTS: usize = 5;
const BYTES: usize = 150 * 1024;
const ELEMENTS: usize = 3_000;
/// All assets together, compressed.
const ASSETS: u64 = 250 * 1024;

fn paths() -> Vec<String> {
    let conversation = large::id(0);
    let last = large::id(large::REQUESTS - 1);
    let middle = large::id(large::REQUESTS / 2);
    let places = [
        "/",
        "/?domain=team.example",
        "/conversations",
        "/conversations?q=step",
        "/conversations?q=step%20model:opus%20tool:Bash%20has:error",
        "/conversations?sort=cost",
        "/requests",
        "/requests?q=step%20model:opus%20tool:Bash",
        "/requests?sort=cost",
        "/live",
        "/usage",
        "/usage?range=all",
        "/usage?domain=team.example",
        "/?range=all",
        "/analyses",
        "/analyses?domain=team.example&account=acc_team&range=7d",
        "/prompts",
        "/pipeline",
        "/setup",
    ];
    let tabs = [
        "",
        "?branch=branch_1",
        "?runs=1",
        "/transcript",
        "/timeline",
        "/timeline?start=0",
        "/cost",
        "/compare",
        "/analysis",
        "/export",
    ];
    let mut paths: Vec<String> = places.map(str::to_owned).into();
    paths.extend(tabs.map(|tab| format!("/conversations/{conversation}{tab}")));
    paths.push(format!("/conversations/{conversation}?node={middle}"));
    paths.push(format!("/conversations/{conversation}/transcript?at={last}"));
    paths.push(format!("/conversations/{conversation}/compare?a={middle}&b={last}"));
    let [a, b] = large::LONG.map(large::id);
    paths.push(format!("/conversations/{conversation}/compare?a={a}&b={b}"));
    paths.push(format!("/requests/{middle}"));
    paths
}

async fn dashboard(store: &TestStore) -> (String, CancellationToken, tempfile::TempDir) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(large::now()));
    let log = tempfile::tempdir().expect("a folder");
    let stream = EmbeddedLog::open(EmbeddedConfig::new(log.path()), clock.clone()).await;
    let deps = Deps {
        queries: store.store.clone(),
        analyses: store.store.clone(),
        erasures: store.store.clone(),
        recordings: Arc::new(StoredRecordings::new(store.store.clone())),
        live: Arc::new(LocalLiveBus::new(64)),
        stream: Arc::new(stream.expect("the log opens")),
        clock,
        random: Arc::new(|bytes: &mut [u8]| bytes.fill(7)),
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let stop = CancellationToken::new();
    let dashboard =
        Dashboard::new(DashboardConfig::new(vec![7; 32].into()), deps).expect("a dashboard");
    actix_web::rt::spawn(dashboard.serve(listener, stop.clone()));
    (address, stop, log)
}

/// Opening tags.
fn elements(html: &str) -> usize {
    html.as_bytes().windows(2).filter(|two| two[0] == b'<' && two[1].is_ascii_alphabetic()).count()
}

#[test]
fn every_page_keeps_its_budget() {
    let counter = counter::install();
    actix_web::rt::System::new().block_on(async {
        let store = nexus_store::testing::sqlite().await;
        large::fill(&store).await;
        let (address, stop, _log) = dashboard(&store).await;
        let http = nexus_scripted::http_client();
        let get = async |path: &str| {
            let answer = http.get(format!("{address}{path}")).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.text().await.expect("a body")
        };
        // The first page after the start reads the names of the filters, for all pages, and has the
        // stream asked in the background.
        get("/").await;
        let mut counted = 0;
        while counted != counter.count() {
            counted = counter.count();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let mut over = Vec::new();
        for path in paths() {
            // Cold, and again with what is kept in memory.
            for _ in 0..2 {
                let before = counter.count();
                let html = get(&path).await;
                let cost = (counter.count() - before, html.len(), elements(&html));
                if cost.0 > STATEMENTS || cost.1 > BYTES || cost.2 > ELEMENTS {
                    over.push(format!(
                        "{path}: {} statements, {} bytes, {} elements",
                        cost.0, cost.1, cost.2
                    ));
                }
            }
        }
        assert!(counter.count() > 50, "statements are counted");
        assert!(over.is_empty(), "over the budget:\n{}", over.join("\n"));
        stop.cancel();
    });
}

#[test]
fn all_assets_together_are_small() {
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/dist");
    let files = std::fs::read_dir(dist).expect("built").map(|file| file.expect("readable"));
    let packed = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "br"));
    let sum: u64 = packed.map(|file| file.metadata().expect("a file").len()).sum();
    assert!(sum > 0 && sum <= ASSETS, "{sum} bytes");
}
