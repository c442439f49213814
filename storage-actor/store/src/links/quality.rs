//! How well linking goes, by the clients' versions, from what is stored: whatever the number of
//! linkers and however often they were started.

use std::collections::BTreeMap;

use duplicate::duplicate_item;
use serde::Serialize;
use sqlx::{Postgres, Sqlite};

use crate::{
    engine::SqlStore,
    error::{Context, Result},
    sql,
};

/// The newest exchanges with a history that are looked at, and the client versions told apart.
const SAMPLE: i64 = 5_000;
const CLIENTS: i64 = 64;

/// Fewer exchanges with a history say nothing yet.
pub const ENOUGH: u64 = 20;
/// A share that is lower by this much has dropped.
const DROP: f64 = 0.1;

/// Headers and histories were compared where a history was found in the session, and where nothing
/// but the session led to a parent.
const QUALITY: &str = "SELECT s.client, min(s.at), count(*), \
    count(CASE WHEN l.method NOT IN ('none', 'refused') THEN 1 END), \
    count(CASE WHEN l.method IN ('agent_prefix', 'session_prefix', 'session') THEN 1 END), \
    count(CASE WHEN l.method IN ('agent_prefix', 'session_prefix') THEN 1 END) \
    FROM (SELECT exchange_id, at, client FROM link_facts WHERE member AND continues \
    ORDER BY at DESC, exchange_id DESC LIMIT $1) AS s \
    JOIN links l ON l.exchange_id = s.exchange_id \
    GROUP BY s.client ORDER BY count(*) DESC, s.client LIMIT $2";

/// How the newest exchanges of one version of a client were linked.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientLinks {
    /// Name and version, `claude-cli/2.1.330`; empty for those that do not say.
    pub client: String,
    /// The oldest of the exchanges, in microseconds since 1970.
    pub first_at: i64,
    /// Exchanges in which the model had spoken before.
    pub continuing: u64,
    /// Those of them for which a parent was found.
    pub linked: u64,
    /// `linked` of `continuing`, 0 to 1.
    pub link_rate: f64,
    /// Those of them for which headers and histories both speak.
    pub compared: u64,
    /// Those for which they say the same.
    pub agreed: u64,
    /// `agreed` of `compared`, 0 to 1; `None` when nothing could be compared.
    pub agreement: Option<f64>,
    /// The rate or the agreement fell with this version: the client may have changed its format.
    pub dropped: bool,
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(crate) async fn client_links(&self) -> Result<Vec<ClientLinks>> {
        type Counts = (Option<String>, i64, i64, i64, i64, i64);
        let rows: Vec<Counts> = sql::query_as(QUALITY)
            .bind(SAMPLE)
            .bind(CLIENTS)
            .fetch_all(self.read())
            .await
            .context(QUALITY)?;
        let clients =
            rows.into_iter().map(|(client, first_at, continuing, linked, compared, agreed)| {
                let [continuing, linked, compared, agreed] =
                    [continuing, linked, compared, agreed].map(i64::unsigned_abs);
                ClientLinks {
                    client: client.unwrap_or_default(),
                    first_at,
                    continuing,
                    linked,
                    link_rate: share(linked, continuing).unwrap_or(1.0),
                    compared,
                    agreed,
                    agreement: share(agreed, compared),
                    dropped: false,
                }
            });
        Ok(mark_drops(clients.collect()))
    }
}

/// Marks the newest version of each client that does worse than its other versions together.
fn mark_drops(mut clients: Vec<ClientLinks>) -> Vec<ClientLinks> {
    let mut versions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, one) in clients.iter().enumerate() {
        let name = one.client.rsplit_once('/').map_or(&*one.client, |(name, _)| name);
        versions.entry(name.to_owned()).or_default().push(index);
    }
    for indices in versions.into_values() {
        let Some(newest) = indices.iter().copied().max_by_key(|index| clients[*index].first_at)
        else {
            continue;
        };
        let mut others = ClientLinks::default();
        for index in indices.into_iter().filter(|index| *index != newest) {
            let one = &clients[index];
            others.continuing += one.continuing;
            others.linked += one.linked;
            others.compared += one.compared;
            others.agreed += one.agreed;
        }
        let one = &clients[newest];
        clients[newest].dropped =
            has_dropped([one.linked, others.linked], [one.continuing, others.continuing])
                || has_dropped([one.agreed, others.agreed], [one.compared, others.compared]);
    }
    clients
}

fn has_dropped(parts: [u64; 2], wholes: [u64; 2]) -> bool {
    let shares = [share(parts[0], wholes[0]), share(parts[1], wholes[1])];
    let enough = wholes.iter().all(|whole| *whole >= ENOUGH);
    enough && matches!(shares, [Some(now), Some(before)] if now + DROP < before)
}

#[expect(clippy::cast_precision_loss, reason = "at most the size of the sample")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlitePool};

    use super::*;

    /// Looking each exchange of the sample up in its table would take most of the time.
    #[tokio::test]
    async fn the_sample_is_read_from_its_index_alone() {
        let store = nexus_store::testing::sqlite().await;
        let pool = SqlitePool::connect(&store.url).await.expect("it opens");
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {QUALITY}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(plan)
            .bind(SAMPLE)
            .bind(CLIENTS)
            .fetch_all(&pool)
            .await
            .expect("it has a plan");
        let alone = "link_facts USING COVERING INDEX link_facts_continuing";
        assert!(plan.iter().any(|(.., step)| step.contains(alone)), "{plan:?}");
        pool.close().await;
    }

    fn client(version: &str, first_at: i64, linked: u64, continuing: u64) -> ClientLinks {
        let client = format!("claude-cli/{version}");
        ClientLinks { client, first_at, continuing, linked, ..ClientLinks::default() }
    }

    fn dropped(clients: Vec<ClientLinks>) -> Vec<String> {
        let marked = mark_drops(clients).into_iter().filter(|one| one.dropped);
        marked.map(|one| one.client).collect()
    }

    #[test]
    fn a_new_version_that_links_less_is_marked() {
        let clients = vec![client("2.1.9", 1, 98, 100), client("2.1.10", 5, 30, 50)];
        assert_eq!(dropped(clients), ["claude-cli/2.1.10"]);
    }

    #[test]
    fn neither_few_exchanges_nor_an_old_version_nor_another_client_is() {
        assert!(dropped(vec![client("1", 1, 98, 100), client("2", 5, 3, 10)]).is_empty());
        assert!(dropped(vec![client("1", 1, 30, 50), client("2", 5, 98, 100)]).is_empty());
        let other = ClientLinks { client: "python/1".into(), ..client("2", 9, 1, 100) };
        assert!(dropped(vec![client("1", 1, 98, 100), other]).is_empty());
    }

    #[test]
    fn a_fall_of_the_agreement_alone_is_marked() {
        let compare = |one, agreed, compared| ClientLinks { compared, agreed, ..one };
        let old = compare(client("1", 1, 98, 100), 90, 90);
        let new = compare(client("2", 5, 98, 100), 40, 90);
        assert_eq!(dropped(vec![old, new]), ["claude-cli/2"]);
    }
}
