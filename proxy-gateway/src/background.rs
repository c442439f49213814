//! What runs beside the server: watching and renewing credentials, observing, sending notices.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use tokio::{task::JoinSet, time::interval};
use tokio_util::sync::CancellationToken;

use crate::{
    credentials::{OAuthClient, Refresher},
    observe::{self, Letters},
    state::State,
};

/// How often the credential directory is looked at. Polling sees every kind of change on every kind
/// of file system and mount, and costs a listing.
const LOOK: Duration = Duration::from_millis(400);

/// How often it is checked whether a credential is about to expire.
const REFRESH: Duration = Duration::from_secs(1);

/// Time for notices that still wait at the end.
const LAST_NOTICES: Duration = Duration::from_secs(2);

/// The tasks and the thread of one gateway.
pub struct Background {
    tasks: JoinSet<()>,
    senders: JoinSet<()>,
    observer: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Background {
    pub fn start(state: &Arc<State>) -> Self {
        let stop = CancellationToken::new();
        let (mut tasks, mut senders) = (JoinSet::new(), JoinSet::new());
        tasks.spawn(watch(state.clone()));
        tasks.spawn(refresh(state.clone()));
        tasks.spawn(observe::listen(state.clone()));
        let (outbox, letters) = observe::outbox();
        senders.spawn(send(state.clone(), letters));
        let observer = observe::spawn(state.clone(), outbox, stop.clone());
        Self { tasks, senders, observer, stop }
    }

    /// Ends everything; what ended before is still observed and told.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.stop.cancel();
        if let Some(observer) = self.observer.take() {
            // A panic there was logged; the outbox closes with the thread.
            let _ended = tokio::task::spawn_blocking(move || observer.join()).await;
        }
        let sent = async { while self.senders.join_next().await.is_some() {} };
        // Notices that nobody takes must not hold up the stop.
        let _in_time = tokio::time::timeout(LAST_NOTICES, sent).await;
    }
}

async fn watch(state: Arc<State>) {
    let mut ticks = interval(LOOK);
    loop {
        ticks.tick().await;
        let credentials = state.access.credentials.clone();
        // A panic there is logged by the runtime; the next look goes on.
        let _looked = tokio::task::spawn_blocking(move || credentials.look()).await;
    }
}

async fn refresh(state: Arc<State>) {
    let client = OAuthClient::new(state.http.clone(), &state.config.access);
    let refresher = Refresher::new(
        state.access.credentials.clone(),
        client,
        state.deps.clock.clone(),
        state.deps.random.clone(),
    );
    let mut ticks = interval(REFRESH);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        refresher.run_due().await;
    }
}

async fn send(state: Arc<State>, letters: Letters) {
    observe::send_all(letters, state.http.clone()).await;
}
