//! The index in memory: plain scans over ordered maps. It is the double in tests, the reference for
//! the stores, and what `relink` computes in.

mod index;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use nexus_contract::ExchangeId;

use crate::{
    chain::Node,
    facts::Moment,
    hash::Hash,
    index::{Call, Exchange, Scope},
    link::Link,
};

/// Everything the linker stores.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    pub exchanges: BTreeMap<ExchangeId, Exchange>,
    pub nodes: BTreeMap<Hash, Node>,
    pub links: BTreeMap<ExchangeId, Link>,
    /// By scope and id of the tool call.
    pub calls: BTreeMap<(Hash, String, ExchangeId), Call>,
    /// The agent that the result of a call names.
    pub results: BTreeMap<(Hash, String), String>,
    /// Names of branches other than `main`.
    pub labels: BTreeMap<ExchangeId, String>,
    pub waits: BTreeMap<ExchangeId, BTreeSet<Hash>>,
    /// For speed only: who ends where, which link stands on which.
    ends: HashMap<Hash, HashSet<ExchangeId>>,
    follows: HashMap<Hash, HashSet<Hash>>,
    kin: HashMap<ExchangeId, HashSet<ExchangeId>>,
}

impl Memory {
    fn members(&self) -> impl Iterator<Item = (&Exchange, Moment)> {
        self.exchanges.values().filter_map(|exchange| {
            let request = exchange.request.as_ref()?;
            request.member.then_some((exchange, request.moment))
        })
    }

    fn in_scope(exchange: &Exchange, scope: &Scope) -> bool {
        let Some(request) = &exchange.request else { return false };
        match scope {
            Scope::Agent { session, agent } => {
                request.session.as_ref() == Some(session) && request.agent == *agent
            }
            Scope::Session(session) => request.session.as_ref() == Some(session),
            Scope::Domain(domain) => request.domain == *domain,
        }
    }

    /// Members that end at `hash`.
    fn at(&self, hash: Hash) -> impl Iterator<Item = (&Exchange, Moment)> {
        let ids = self.ends.get(&hash).into_iter().flatten();
        ids.filter_map(|id| {
            let exchange = self.exchanges.get(id)?;
            let request = exchange.request.as_ref()?;
            request.member.then_some((exchange, request.moment))
        })
    }
}
