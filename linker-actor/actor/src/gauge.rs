//! How well linking goes, by the client's version: a new version that changes the wire format shows
//! here first.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use nexus_linking::{LinkKind, Outcome};

/// Client versions told apart; clients choose their names, so there is a bound.
const MAX_CLIENTS: usize = 64;
const OTHERS: &str = "other";

/// Sums since the process started.
#[derive(Debug, Default)]
pub struct Gauge(Mutex<HashMap<String, Sums>>);

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    compared: u32,
    agreed: u32,
    continuing: u32,
    linked: u32,
}

impl Gauge {
    /// Counts exchanges that were linked for the first time.
    pub fn count(&self, outcomes: &[Outcome]) {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for outcome in outcomes {
            let method = outcome.method.as_str();
            metrics::counter!("nexus_linker_links_total", "method" => method).increment(1);
            if outcome.kind != LinkKind::Auxiliary {
                add(&mut clients, outcome);
            }
        }
    }
}

fn add(clients: &mut HashMap<String, Sums>, outcome: &Outcome) {
    let is_known = clients.contains_key(&outcome.client) || clients.len() < MAX_CLIENTS;
    let client = if is_known { outcome.client.as_str() } else { OTHERS };
    let sums = clients.entry(client.to_owned()).or_default();
    if let Some(agrees) = outcome.agrees() {
        sums.compared += 1;
        sums.agreed += u32::from(agrees);
    }
    if outcome.continues {
        sums.continuing += 1;
        sums.linked += u32::from(outcome.is_linked());
    }
    show("nexus_link_agreement", client, sums.agreed, sums.compared);
    show("nexus_link_rate", client, sums.linked, sums.continuing);
}

fn show(name: &'static str, client: &str, part: u32, whole: u32) {
    if whole > 0 {
        let share = f64::from(part) / f64::from(whole);
        metrics::gauge!(name, "client" => client.to_owned()).set(share);
    }
}
