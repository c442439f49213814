//! Whose account an exchange goes to, as far as one event tells.

use nexus_contract::{Envelope, Headers};
use nexus_messages::Identity;
use nexus_store::exchanges::{Account, AccountSource};

/// Digits of a fingerprint that a name shows.
const FINGERPRINT: usize = 12;

/// From a request: the credential's account, else the one that the client names, else a name made
/// of the client's key.
pub(crate) fn of_request(
    envelope: &Envelope,
    identity: Option<&Identity>,
    fingerprint: Option<&str>,
) -> Option<Account> {
    let named = identity.and_then(|identity| identity.account_id.clone());
    of_credential(envelope).or_else(|| account(named, AccountSource::Metadata)).or_else(|| {
        let name = fingerprint.map(|hex| format!("fp_{}", hex.get(..FINGERPRINT).unwrap_or(hex)));
        account(name, AccountSource::Fingerprint)
    })
}

/// From an answer: the credential's account, else the organization that it names.
pub(crate) fn of_response(envelope: &Envelope, headers: &Headers) -> Option<Account> {
    let organization = headers.get("anthropic-organization-id").map(str::to_owned);
    of_credential(envelope).or_else(|| account(organization, AccountSource::Organization))
}

fn of_credential(envelope: &Envelope) -> Option<Account> {
    account(envelope.account_id.clone(), AccountSource::Credential)
}

fn account(name: Option<String>, source: AccountSource) -> Option<Account> {
    name.filter(|name| !name.is_empty()).map(|name| Account { name, source })
}
