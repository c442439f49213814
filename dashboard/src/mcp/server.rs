//! The protocol.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use rmcp::{
    ErrorData, Peer, RoleServer, ServerHandler,
    model::{
        GetPromptRequestParams, GetPromptResponse, GetPromptResult, Implementation,
        ListPromptsResult, PaginatedRequestParams, PromptArgument, PromptMessage, Role,
        ServerCapabilities, ServerConfig, SubscriptionFilter,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use tokio::{sync::watch, time::timeout};

use super::{
    Mcp,
    prompt::{Prompt, is_name},
};

/// Clients that are told of changes.
const MAX_PEERS: usize = 10_000;
/// A client that takes nothing must not hold up what comes after the telling.
const PATIENCE: Duration = Duration::from_secs(3);

/// The clients that want to hear of changes: those with a session, and, from protocol 2026-07-28 on,
/// which has no sessions, those that listen.
#[derive(Default)]
pub(super) struct Peers {
    sessions: Mutex<Vec<Peer<RoleServer>>>,
    changes: watch::Sender<u64>,
}

impl Peers {
    fn add(&self, peer: Peer<RoleServer>) {
        let mut peers = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        peers.retain(|peer| !peer.is_transport_closed());
        if peers.len() < MAX_PEERS {
            peers.push(peer);
        }
    }

    /// Tells each that the list of prompts changed.
    pub async fn notify(&self) {
        self.changes.send_modify(|changes| *changes += 1);
        let peers = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(peers.iter().map(tell)).await;
    }
}

async fn tell(peer: &Peer<RoleServer>) {
    match timeout(PATIENCE, peer.notify_prompt_list_changed()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a client of the prompts is gone"),
        Err(_) => tracing::debug!("a client of the prompts does not listen"),
    }
}

/// One session.
#[derive(Clone)]
pub(super) struct Session(pub Arc<Mcp>);

impl ServerHandler for Session {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_prompts().enable_prompts_list_changed().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("nexus", env!("CARGO_PKG_VERSION")))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.0.peers.add(context.peer);
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        // The SDK takes away what is not among the capabilities.
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.0.peers.changes.subscribe();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = changes.changed() => {
                    if changed.is_err() || context.sink().notify_prompt_list_changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        // A cursor is the name that the page before ended with.
        if cursor.as_deref().is_some_and(|cursor| !is_name(cursor)) {
            return Err(ErrorData::invalid_params("the cursor is not one of this list", None));
        }
        let (page, next) = self.0.library.page(cursor.as_deref(), self.0.config.page_size);
        let mut result =
            ListPromptsResult::with_all_items(page.iter().map(|p| listed(p)).collect());
        result.next_cursor = next;
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let unknown =
            || ErrorData::invalid_params(format!("there is no prompt `{}`", request.name), None);
        let prompt = self.0.library.find(&request.name).ok_or_else(unknown)?;
        let text = prompt
            .render(&request.arguments.unwrap_or_default())
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
        let mut result = GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]);
        result.description.clone_from(&prompt.description);
        Ok(result.into())
    }
}

fn listed(prompt: &Prompt) -> rmcp::model::Prompt {
    let arguments = prompt.arguments.iter().map(|argument| {
        PromptArgument::new(argument.name.clone()).with_required(argument.required)
    });
    let arguments = arguments.collect::<Vec<_>>();
    rmcp::model::Prompt::new(prompt.name.clone(), prompt.description.clone(), Some(arguments))
}
