//! Stand-ins for what can't be reached in a test or a demonstration: the Anthropic API, Gemini, an
//! OAuth token server, Slack, Spark and GitHub. Each is a [`Service`] that [`Server`] serves; what
//! they answer is chosen by a script in the prompt (`script`), so that real clients can drive them.

pub mod anthropic;
pub mod gemini;
pub mod generate;
pub mod github;
pub mod http;
pub mod oauth;
pub mod script;
mod seen;
pub mod slack;
pub mod spark;

pub use anthropic::Anthropic;
pub use gemini::Gemini;
pub use github::GitHub;
pub use http::{Answer, Request, Server, Service};
pub use oauth::OAuth;
pub use seen::{Entry, Outcome, Seen};
pub use slack::Slack;
pub use spark::Spark;

/// A client that goes straight to 127.0.0.1, whatever the machine's proxy settings.
///
/// # Panics
/// When the system's roots can't be read.
pub fn http_client() -> reqwest::Client {
    http_builder().build().expect("a client")
}

/// The same, not built yet.
pub fn http_builder() -> reqwest::ClientBuilder {
    // The product's processes choose at their start; a test's has no such moment.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}
