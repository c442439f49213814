//! Slack notices of other parts of the process, sent the way the gateway sends its own.

use reqwest::Client;

use crate::{
    config::SlackConfig,
    credentials::Credentials,
    observe::{self, Outbox},
};

/// Where other parts of the process put their notices.
pub struct SlackNotices {
    outbox: Outbox,
    global: Option<SlackConfig>,
    credentials: Credentials,
}

impl SlackNotices {
    /// The notices, and the sender, which works for as long as it is polled and ends when the
    /// notices are dropped and all have been sent. A domain's own webhook, from its credential file,
    /// wins over the `global` one.
    pub fn new(
        global: Option<SlackConfig>,
        credentials: Credentials,
        http: Client,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (outbox, letters) = observe::outbox();
        (Self { outbox, global, credentials }, observe::send_all(letters, http))
    }

    /// Queues a notice, without its secrets, if there is a webhook to tell. Reads the directory of
    /// credential files; waits for nothing else.
    pub fn tell(&self, domain: &str, text: &str) {
        self.credentials.look();
        let credential = self.credentials.find(domain).flatten();
        let own = credential.map(|credential| credential.slack.clone()).unwrap_or_default();
        if let Some(config) = own.over(self.global.as_ref()) {
            self.outbox.put(observe::slack_message(&config, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use nexus_scripted::{Server, slack::Slack};

    use super::*;
    use crate::credentials::Fingerprinter;

    fn webhook(server: &Server, name: &str) -> SlackConfig {
        SlackConfig {
            webhook_url: format!("{}/{name}", server.url()).into(),
            channel: Some("#ops".into()),
            username: None,
            icon_emoji: None,
        }
    }

    #[tokio::test]
    async fn a_domains_own_webhook_wins_and_secrets_are_removed() {
        let slack = Server::local(Slack::default()).expect("a port");
        let folder = tempfile::tempdir().expect("a folder");
        let file = |domain: &str, slack: serde_json::Value| {
            let text = serde_json::json!({"type": "api_key", "api_key": "k", "slack": slack});
            let path = folder.path().join(format!("{domain}.credentials.json"));
            std::fs::write(path, text.to_string()).expect("written");
        };
        file("own.example", serde_json::json!({"webhook_url": format!("{}/own", slack.url())}));
        file("off.example", serde_json::json!({"enabled": false}));
        let salt = Fingerprinter::new(&"salt".to_owned().into());
        let (notices, sender) = SlackNotices::new(
            Some(webhook(&slack, "global")),
            Credentials::open(folder.path(), salt),
            nexus_scripted::http_client(),
        );
        for domain in ["own.example", "off.example", ""] {
            notices.tell(domain, "failed: sk-ant-api03-AAAABBBBCCCCDDDDEEEEFFFF");
        }
        drop(notices);
        sender.await;
        let seen = slack.seen().entries();
        let mut paths = seen.iter().map(|entry| entry.request.path()).collect::<Vec<_>>();
        paths.sort_unstable();
        assert_eq!(paths, ["/global", "/own"]);
        for entry in &seen {
            assert_eq!(entry.request.json()["text"], "failed: [masked]");
        }
    }
}
