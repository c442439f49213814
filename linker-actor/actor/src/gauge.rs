//! How well linking goes, by the client's version: a new version that changes the wire format shows
//! here first.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nexus_store::{
    Queries,
    links::{ClientLinks, ENOUGH},
};
use tokio::time::MissedTickBehavior;

/// The store looks at its newest 5,000 exchanges with a history each time.
const INTERVAL: Duration = Duration::from_secs(30);
/// Client versions that are told apart while the process runs. Clients choose their names, and what a
/// recorder has once shown it keeps, so there is a bound.
const MAX_CLIENTS: usize = 1_000;
const OTHERS: &str = "other";

/// Shows the figures of the links as they are stored, again and again: first decisions change when a
/// late parent comes. Ends only by being dropped.
pub async fn watch_quality(queries: &dyn Queries) {
    let mut shown = Shown::default();
    let mut ticks = tokio::time::interval(INTERVAL);
    // A slow store is not asked all the more often.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match queries.list_client_links().await {
            Ok(clients) => shown.replace(&clients),
            Err(error) => tracing::warn!(%error, "how well linking goes is not known"),
        }
    }
}

/// The figures of the last answer by client, and the names of all answers.
#[derive(Debug, Default)]
struct Shown {
    clients: BTreeMap<String, Sums>,
    names: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Sums {
    compared: u64,
    agreed: u64,
    continuing: u64,
    linked: u64,
}

impl Shown {
    fn replace(&mut self, clients: &[ClientLinks]) {
        let before = std::mem::take(&mut self.clients);
        for client in clients {
            self.add(client);
        }
        // A gauge cannot be taken away: of whom there is nothing new, there is no share to show.
        for gone in before.keys().filter(|client| !self.clients.contains_key(*client)) {
            Sums::default().show(gone);
        }
        for (client, sums) in &self.clients {
            sums.show(client);
        }
    }

    fn add(&mut self, client: &ClientLinks) {
        let is_known = self.names.contains(&client.client) || self.names.len() < MAX_CLIENTS;
        let name = if is_known { client.client.as_str() } else { OTHERS };
        if is_known {
            self.names.insert(name.to_owned());
        }
        let sums = self.clients.entry(name.to_owned()).or_default();
        sums.compared += client.compared;
        sums.agreed += client.agreed;
        sums.continuing += client.continuing;
        sums.linked += client.linked;
    }
}

impl Sums {
    fn show(&self, client: &str) {
        show("nexus_link_agreement", client, self.agreed, self.compared);
        show("nexus_link_rate", client, self.linked, self.continuing);
    }
}

/// Of a few exchanges there is no share that should wake somebody.
#[expect(clippy::cast_precision_loss, reason = "at most the size of the sample")]
fn show(name: &'static str, client: &str, part: u64, whole: u64) {
    let share = if whole >= ENOUGH { part as f64 / whole as f64 } else { f64::NAN };
    metrics::gauge!(name, "client" => client.to_owned()).set(share);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    /// Clients of one answer, as the store tells them apart.
    const AT_ONCE: usize = 64;

    fn client(number: usize, continuing: u64, linked: u64) -> ClientLinks {
        let client = format!("client/{number}");
        ClientLinks { client, continuing, linked, ..ClientLinks::default() }
    }

    /// What is scraped behind the answers of the store, one after the other.
    fn scraped(answers: &[Vec<ClientLinks>]) -> Vec<String> {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let mut shown = Shown::default();
        metrics::with_local_recorder(&recorder, || {
            for answer in answers {
                shown.replace(answer);
            }
        });
        let text = handle.render();
        text.lines().filter(|line| line.starts_with("nexus_link_rate{")).map(Into::into).collect()
    }

    /// Each names other clients.
    fn answers(count: usize) -> Vec<Vec<ClientLinks>> {
        let all: Vec<_> = (0..count * AT_ONCE).map(|number| client(number, 40, 30)).collect();
        all.chunks(AT_ONCE).map(<[ClientLinks]>::to_vec).collect()
    }

    fn rate(number: usize, share: &str) -> String {
        format!("nexus_link_rate{{client=\"client/{number}\"}} {share}")
    }

    #[test]
    fn whoever_has_nothing_new_has_no_rate_until_he_comes_again() {
        let (first, second) = (vec![client(0, 40, 40)], vec![client(1, 40, 30)]);
        let rates = scraped(&[first.clone(), second.clone()]);
        assert!(rates.contains(&rate(0, "NaN")) && rates.contains(&rate(1, "0.75")), "{rates:?}");
        let rates = scraped(&[first.clone(), second, first]);
        assert!(rates.contains(&rate(0, "1")) && rates.contains(&rate(1, "NaN")), "{rates:?}");
    }

    #[test]
    fn a_handful_of_exchanges_has_no_rate() {
        let rates = scraped(&[vec![client(0, ENOUGH - 1, 0), client(1, ENOUGH, 0)]]);
        assert!(rates.contains(&rate(0, "NaN")) && rates.contains(&rate(1, "0")), "{rates:?}");
    }

    #[test]
    fn a_new_version_has_its_name_whatever_came_before_and_names_are_bounded() {
        let rates = scraped(&answers(3));
        assert!(rates.contains(&rate(3 * AT_ONCE - 1, "0.75")), "{rates:?}");
        assert_eq!(rates.len(), 3 * AT_ONCE);
        let rates = scraped(&answers(MAX_CLIENTS / AT_ONCE + 2));
        let others = format!("nexus_link_rate{{client=\"{OTHERS}\"}} 0.75");
        assert!(rates.contains(&others), "{rates:?}");
        assert_eq!(rates.len(), MAX_CLIENTS + 1);
    }
}
