//! Who may pass, and with which credential.

use actix_web::http::header::HeaderMap;

use crate::{domain::Domain, exchange::Injected, problem::Problem};

/// What a request may do.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Account of the stored credential; `None` for pass-through.
    pub account_id: Option<String>,
    pub injected: Injected,
    /// HMAC-SHA-256 of what the client authenticated with, hex.
    pub fingerprint: Option<String>,
}

#[derive(Default)]
pub struct Access {}

impl Access {
    pub fn authorize(&self, _domain: &Domain, _headers: &HeaderMap) -> Result<Grant, Problem> {
        Ok(Grant { account_id: None, injected: Injected::Nothing, fingerprint: None })
    }
}
