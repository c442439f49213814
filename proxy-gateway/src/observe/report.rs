//! One exchange that ended, as the observer's thread gets it.

use bytes::Bytes;
use nexus_contract::{ExchangeId, Headers, ResponseFinished};

use crate::{config::DomainSlack, domain::Domain};

pub struct Report {
    pub id: ExchangeId,
    pub domain: Domain,
    pub account_id: Option<String>,
    pub path: String,
    pub request_headers: Headers,
    /// The request's body as it came, where it is wanted.
    pub request: Vec<Bytes>,
    /// The answer's body as it came, or its beginning.
    pub answer: Vec<Bytes>,
    /// The domain's own notices, where it says anything of them.
    pub slack: DomainSlack,
    pub outcome: ResponseFinished,
}

impl Report {
    /// Bytes of the bodies.
    pub fn bytes(&self) -> usize {
        self.request.iter().chain(&self.answer).map(Bytes::len).sum()
    }
}
