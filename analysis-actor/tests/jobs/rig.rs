//! A worker on a fresh store, against a scripted Gemini.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use nexus_analysis::{
    AnalysisConfig, AnalysisDeps, BranchSource, BranchText, FailedAnalysis, FailureNotice, run,
};
use nexus_bus::{EmbeddedConfig, EmbeddedLog, EventStream, LiveBus, LocalLiveBus};
use nexus_contract::{
    AnalysisRequested, Clock, Envelope, Event, ExchangeId, LiveTopic, Payload, SystemClock,
    TerminalState,
};
use nexus_messages::{PriceTable, transcript::Exchange};
use nexus_scripted::{Gemini, Server, Service};
use nexus_store::{
    Store, StoreError,
    analyses::{Analysis, Branch, JobStatus, NewAnalysis, Requested},
    testing::TestStore,
};
use serde_json::{Value, json};
use tokio::{sync::broadcast, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Reading a branch with this text panics.
pub const PANIC: &str = "panic";
/// No case takes as long as this.
const PATIENCE: Duration = Duration::from_mins(2);

pub struct Rig {
    pub store: Arc<dyn Store>,
    pub gemini: Server,
    pub live: Arc<LocalLiveBus>,
    pub notices: Arc<Notices>,
    talks: Arc<Talks>,
    stream: Arc<EmbeddedLog>,
    _folder: tempfile::TempDir,
    _store: TestStore,
}

/// A running worker.
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// As SIGTERM does.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("no panic");
    }
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(Gemini::default()).await
    }

    pub async fn with(service: impl Service) -> Self {
        let store = nexus_store::testing::sqlite().await;
        let folder = tempfile::tempdir().expect("a folder");
        let stream = EmbeddedLog::open(EmbeddedConfig::new(folder.path()), Arc::new(SystemClock));
        Self {
            store: Arc::clone(&store.store),
            gemini: Server::local(service).expect("a port"),
            live: Arc::new(LocalLiveBus::new(10_000)),
            notices: Arc::default(),
            talks: Arc::default(),
            stream: Arc::new(stream.await.expect("a log")),
            _folder: folder,
            _store: store,
        }
    }

    /// Quick retries and polls.
    pub fn config(&self, worker: &str) -> AnalysisConfig {
        let mut config = AnalysisConfig::new("key".to_owned().into(), worker);
        config.gemini.api_url = format!("{}/v1beta/models", self.gemini.url());
        config.retry_base = Duration::from_millis(5);
        config.poll_interval = Duration::from_millis(20);
        config.drain_timeout = Duration::ZERO;
        config
    }

    pub fn start(&self, config: AnalysisConfig) -> Running {
        let stop = CancellationToken::new();
        let deps = AnalysisDeps {
            store: Arc::clone(&self.store) as _,
            branches: Arc::clone(&self.talks) as _,
            stream: Arc::clone(&self.stream) as _,
            live: Arc::clone(&self.live) as _,
            notice: Arc::clone(&self.notices) as _,
            prices: Arc::new(PriceTable::listed()),
            clock: Arc::new(SystemClock),
            random: Arc::new(|| 7),
        };
        let working = run(config, deps, stop.clone());
        let task = tokio::spawn(async move { working.await.expect("it runs") });
        Running { stop, task }
    }

    /// A branch in which a human says `text`, with a job.
    pub async fn ask(&self, name: &str, text: &str) -> Branch {
        self.ask_about(name, said(text)).await
    }

    /// A branch of these messages, with a job.
    pub async fn ask_about(&self, name: &str, messages: Value) -> Branch {
        let branch = branch(name);
        self.talks.0.lock().expect("not poisoned").insert(branch.clone(), messages);
        let requested = self.store.request_analysis(&new(&branch)).await.expect("made");
        assert!(matches!(requested, Requested::Created(_)));
        branch
    }

    /// Puts `analysis.requested` on the stream.
    pub async fn wake(&self, branch: &Branch, run: u64) {
        let payload = Payload::AnalysisRequested(AnalysisRequested {
            job_id: branch.job_id().to_string(),
            conversation_id: branch.conversation_id,
            branch_id: branch.branch_id.clone(),
            run,
        });
        let envelope = Envelope {
            id: branch.conversation_id,
            at: SystemClock.now(),
            gateway: "test".into(),
            domain: "team.example".into(),
            account_id: None,
            payload,
        };
        self.stream.publish(&[Event { envelope, body: None }]).await.expect("published");
    }

    /// What the human says from now on.
    pub fn say(&self, branch: &Branch, text: &str) {
        self.talks.0.lock().expect("not poisoned").insert(branch.clone(), said(text));
    }

    pub async fn find(&self, branch: &Branch) -> Analysis {
        self.store.find_analysis(branch).await.expect("read").expect("there")
    }

    /// Starts one worker with the usual settings and waits until the job has ended.
    pub async fn run_one(&self, text: &str) -> Analysis {
        let branch = self.ask("one", text).await;
        let running = self.start(self.config("w"));
        let ended = self.ended(&branch).await;
        running.stop().await;
        ended
    }

    /// Waits until the job is completed or failed.
    pub async fn ended(&self, branch: &Branch) -> Analysis {
        self.until(branch, |job| matches!(job.status, JobStatus::Completed | JobStatus::Failed))
            .await
    }

    /// Looks at the job whenever something is said about analyses.
    pub async fn until(&self, branch: &Branch, wanted: impl Fn(&Analysis) -> bool) -> Analysis {
        let mut events = self.live.subscribe();
        let waiting = async {
            loop {
                let job = self.find(branch).await;
                if wanted(&job) {
                    return job;
                }
                next_event(&mut events).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to that")
    }

    pub fn calls(&self) -> u64 {
        self.gemini.seen().count()
    }
}

async fn next_event(events: &mut broadcast::Receiver<Arc<nexus_contract::LiveEvent>>) {
    loop {
        match events.recv().await {
            Ok(event) if event.topic == LiveTopic::Analysis => return,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => panic!("the bus outlives the test"),
        }
    }
}

pub fn branch(name: &str) -> Branch {
    Branch { conversation_id: ExchangeId::from_external(name), branch_id: "main".into() }
}

pub fn new(branch: &Branch) -> NewAnalysis {
    NewAnalysis {
        branch: branch.clone(),
        custom_prompt: None,
        requested_by: "test".into(),
        at: SystemClock.now(),
    }
}

fn said(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

/// The messages of each branch.
#[derive(Default)]
struct Talks(Mutex<HashMap<Branch, Value>>);

#[async_trait]
impl BranchSource for Talks {
    async fn find_branch(&self, branch: &Branch) -> Result<Option<BranchText>, StoreError> {
        let messages = self.0.lock().expect("not poisoned").get(branch).cloned();
        assert_ne!(messages, Some(said(PANIC)), "a fault of this test's own");
        Ok(messages.map(|messages| {
            let request = json!({"messages": messages});
            let exchange = Exchange {
                id: branch.conversation_id,
                at: Timestamp::UNIX_EPOCH,
                state: TerminalState::Completed,
                request: request.to_string().into(),
                answer: Vec::new(),
                stop_reason: None,
                failure: None,
            };
            BranchText { domain: "team.example".into(), exchanges: vec![exchange] }
        }))
    }

    async fn find_domain(&self, branch: &Branch) -> Result<Option<String>, StoreError> {
        let is_there = self.0.lock().expect("not poisoned").contains_key(branch);
        Ok(is_there.then(|| "team.example".to_owned()))
    }
}

/// What people outside were told.
#[derive(Default)]
pub struct Notices(pub Mutex<Vec<String>>);

impl FailureNotice for Notices {
    fn analysis_failed(&self, failure: &FailedAnalysis<'_>) {
        let told = format!("{}: {}", failure.domain, failure.reason);
        self.0.lock().expect("not poisoned").push(told);
    }
}
