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
