//! `nexus credentials` against a token server, and a credential directory that can't be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;

use nexus_e2e::{http_client, paths};
use nexus_scripted::{OAuth, Server};
use rustix::process::getuid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

const DOMAIN: &str = "team.example";

/// A directory to run `nexus` in, and the token server that it asks.
struct Rig {
    dir: TempDir,
    oauth: Arc<OAuth>,
    tokens: Server,
}

impl Rig {
    fn new() -> Self {
        let oauth = Arc::new(OAuth::new(3600));
        oauth.know("sk-ant-ort01-first");
        let tokens = Server::local(oauth.clone()).expect("a free port");
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("credentials")).expect("made");
        Self { dir, oauth, tokens }
    }

    fn credentials(&self) -> PathBuf {
        self.dir.path().join("credentials")
    }

    fn file(&self) -> PathBuf {
        self.credentials().join(format!("{DOMAIN}.credentials.json"))
    }

    fn stored(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).expect("read")).expect("JSON")
    }

    /// Stores a pair that is good for long, so that only force renews it.
    fn store(&self, refresh_token: &str) {
        let pair = json!({
            "accessToken": "sk-ant-oat01-first", "refreshToken": refresh_token,
            "expiresAt": 4_000_000_000_000_i64, "isMax": true,
        });
        let content = json!({"type": "oauth", "client_api_key": "cnp_live_kept", "oauth": pair});
        fs::write(self.file(), content.to_string()).expect("written");
    }

    /// `nexus`, bound by the modes of files, as root else is not.
    fn command(&self, line: &str) -> Command {
        let nexus = paths::binary("nexus");
        let mut command = if getuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--bounding-set=-dac_override,-dac_read_search", "--"]).arg(nexus);
            command
        } else {
            Command::new(nexus)
        };
        command.args(line.split(' ')).current_dir(self.dir.path()).env_clear();
        command
            .env("PATH", "/usr/bin:/bin")
            .env("NEXUS_OAUTH_TOKEN_URL", format!("{}/v1/oauth/token", self.tokens.url()))
            .env("NEXUS_OAUTH_AUTHORIZE_URL", format!("{}/oauth/authorize", self.tokens.url()))
            // Nothing here is to leave the machine.
            .env("CLAUDE_API_BASE_URL", "http://127.0.0.1:9")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a command; its exit code and the JSON that it prints.
    async fn run(&self, line: &str) -> (Option<i32>, Value) {
        let output: Output = self.command(line).output().await.expect("it runs");
        let printed = serde_json::from_slice(&output.stdout);
        (
            output.status.code(),
            printed.unwrap_or_else(|error| panic!("{line}: {error}: {output:?}")),
        )
    }

    async fn refresh(&self, which: &str) -> (Option<i32>, Value) {
        let (code, outcomes) = self.run(&format!("credentials refresh {which} --json")).await;
        assert_eq!(outcomes.as_array().map(Vec::len), Some(1), "{outcomes}");
        (code, outcomes[0].clone())
    }
}

fn refreshed() -> (Option<i32>, Value) {
    (Some(0), json!({"domain": DOMAIN, "result": "refreshed", "failed": false}))
}

/// Opens the page that a login names, and pastes what it shows.
async fn log_in(rig: &Rig) -> Output {
    let mut command = rig.command(&format!("credentials login --domain {DOMAIN}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut page = String::new();
    while !page.starts_with("http") {
        page.clear();
        let read = said.read_line(&mut page).await.expect("a line");
        assert!(read > 0, "it ended without naming a page");
    }
    let shown = http_client().get(page.trim()).send().await.expect("the page");
    let code = shown.text().await.expect("a code");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(format!("{code}\n").as_bytes()).await.expect("pasted");
    let mut rest = Vec::new();
    said.read_to_end(&mut rest).await.expect("the rest");
    let output = child.wait_with_output().await.expect("it ends");
    Output { stderr: rest, ..output }
}

#[tokio::test]
async fn a_login_makes_a_pair_that_can_be_refreshed_at_will() {
    let rig = Rig::new();
    let login = log_in(&rig).await;
    assert!(login.status.success(), "{login:?}");
    let stored = rig.stored();
    assert_eq!((&stored["type"], rig.oauth.issued()), (&json!("oauth"), 1));
    assert_eq!(stored["oauth"]["accessToken"], "sk-ant-oat01-scripted-1");
    let mode = fs::metadata(rig.file()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let (code, planned) = rig.refresh("--all --dry-run").await;
    assert_eq!((code, &planned["result"]), (Some(0), &json!("would be refreshed")));
    assert_eq!(rig.oauth.issued(), 1, "nothing is spent");
    assert_eq!(rig.refresh(DOMAIN).await, refreshed());
    assert_eq!(rig.refresh("--all").await, refreshed());
    assert_eq!(rig.oauth.issued(), 3);
    assert_eq!(rig.stored()["oauth"]["refreshToken"], "sk-ant-ort01-scripted-3");

    rig.store("sk-ant-ort01-unknown");
    let (code, refused) = rig.refresh(DOMAIN).await;
    assert_eq!((code, &refused["failed"]), (Some(1), &json!(true)));
    assert!(refused["result"].as_str().is_some_and(|text| text.contains("log in again")));
    assert_eq!(rig.stored()["oauth"]["refreshToken"], "sk-ant-ort01-unknown", "as it was");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_costs_no_pair() {
    let rig = Rig::new();
    rig.store("sk-ant-ort01-first");
    // As left by an earlier refresh: it can be locked, but nothing new can be made beside it.
    let lock = rig.file().with_extension("json.lock");
    fs::write(&lock, "").expect("written");
    let make = |mode| {
        fs::set_permissions(rig.credentials(), Permissions::from_mode(mode)).expect("changed");
    };
    make(0o555);
    let (code, outcome) = rig.refresh(DOMAIN).await;
    let (_, findings) = rig.run("doctor --json").await;
    make(0o755);

    assert_eq!((code, &outcome["failed"]), (Some(1), &json!(true)));
    assert!(outcome["result"].as_str().is_some_and(|text| text.contains("not spent")), "{outcome}");
    assert_eq!(rig.tokens.seen().count(), 0, "the token server was not asked");
    let finds = |finding: &Value| {
        let says =
            |key: &str, text: &str| finding[key].as_str().is_some_and(|found| found.contains(text));
        finding["verdict"] == "problem"
            && finding["check"] == "credentials"
            && says("detail", "can't be written")
            && says("mend", "writable")
    };
    assert!(findings.as_array().is_some_and(|all| all.iter().any(finds)), "{findings:#}");

    assert_eq!(rig.refresh(DOMAIN).await, refreshed(), "the pair is as good as before");
    assert_eq!(rig.stored()["client_api_key"], "cnp_live_kept");
}
