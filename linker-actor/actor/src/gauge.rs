//! How well linking goes, by the client's version: a new version that changes the wire format shows
//! here first.

use std::{collections::BTreeMap, time::Duration};

use nexus_store::{Queries, links::ClientLinks};

/// The store looks at its newest 10,000 exchanges with a history each time.
const INTERVAL: Duration = Duration::from_secs(30);
/// Client versions told apart; clients choose their names, so there is a bound.
const MAX_CLIENTS: usize = 64;
const OTHERS: &str = "other";

/// Shows the figures of the links as they are stored, again and again: first decisions change when a
/// late parent comes. Ends only by being dropped.
pub async fn watch_quality(queries: &dyn Queries) {
    let mut shown = Shown::default();
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        match queries.list_client_links().await {
            Ok(clients) => shown.replace(&clients),
            Err(error) => tracing::warn!(%error, "how well linking goes is not known"),
        }
    }
}

/// The figures by client: every one that was ever shown, at most [`MAX_CLIENTS`] and the others.
#[derive(Debug, Default)]
struct Shown(BTreeMap<String, Sums>);

#[derive(Debug, Default)]
struct Sums {
    compared: u64,
    agreed: u64,
    continuing: u64,
    linked: u64,
}

impl Shown {
    fn replace(&mut self, clients: &[ClientLinks]) {
        // A gauge cannot be taken away: of whom there is nothing new, there is no share to show.
        for sums in self.0.values_mut() {
            *sums = Sums::default();
        }
        for client in clients {
            self.add(client);
        }
        for (client, sums) in &self.0 {
            show("nexus_link_agreement", client, sums.agreed, sums.compared);
            show("nexus_link_rate", client, sums.linked, sums.continuing);
        }
    }

    fn add(&mut self, client: &ClientLinks) {
        let is_known = self.0.contains_key(&client.client) || self.0.len() < MAX_CLIENTS;
        let name = if is_known { client.client.as_str() } else { OTHERS };
        let sums = self.0.entry(name.to_owned()).or_default();
        sums.compared += client.compared;
        sums.agreed += client.agreed;
        sums.continuing += client.continuing;
        sums.linked += client.linked;
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most the size of the sample")]
fn show(name: &'static str, client: &str, part: u64, whole: u64) {
    let share = if whole > 0 { part as f64 / whole as f64 } else { f64::NAN };
    metrics::gauge!(name, "client" => client.to_owned()).set(share);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn client(number: usize, linked: u64) -> ClientLinks {
        let client = format!("client/{number}");
        ClientLinks { client, continuing: 4, linked, ..ClientLinks::default() }
    }

    #[test]
    fn whoever_has_nothing_new_has_no_rate_and_names_are_bounded() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let mut shown = Shown::default();
        metrics::with_local_recorder(&recorder, || {
            shown.replace(&[client(0, 4)]);
            let rest: Vec<_> = (1..100).map(|number| client(number, 3)).collect();
            shown.replace(&rest);
        });
        let text = handle.render();
        for line in [
            "nexus_link_rate{client=\"client/0\"} NaN",
            "nexus_link_rate{client=\"client/1\"} 0.75",
            "nexus_link_rate{client=\"other\"} 0.75",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is missing in:\n{text}");
        }
        let rates = text.lines().filter(|line| line.starts_with("nexus_link_rate{"));
        assert_eq!(rates.count(), MAX_CLIENTS + 1);
    }
}
