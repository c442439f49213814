//! What the gateway does to bytes on the wire: nothing. Runs against the binary and prints a table
//! of what was sent and what arrived.

mod answers;
mod corpus;
mod requests;
mod table;

use std::sync::Arc;

use nexus_e2e::Nexus;
use nexus_scripted::{Answer, Request, Server, Service};

/// An upstream that answers what a test says.
struct Fixed(Box<dyn Fn(&Request) -> Answer + Send + Sync>);

impl Service for Fixed {
    fn answer(&self, request: &Request) -> Answer {
        (self.0)(request)
    }
}

/// The gateway in front of an upstream that answers as given.
async fn before(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> (Server, Nexus) {
    let upstream = Server::local(Arc::new(Fixed(Box::new(answer)))).expect("a free port");
    let nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    (upstream, nexus)
}
