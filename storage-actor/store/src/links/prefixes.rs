//! `link_prefixes`: the trie of histories.
//!
//! Many domains may begin with the same words, and none is to look through what the others go on
//! with. So each prefix has a tag of the only domain whose histories pass it, or 0 where several do.
//! Above a prefix that several pass, several pass everywhere. A tag is short: two domains may share
//! one, and then they look through each other's. It is never taken back when a history goes.

use duplicate::duplicate_item;
use nexus_linking::{Hash, Moment, chain::Node, index::Path};
use sqlx::{Postgres, Sqlite};

use super::{
    index::SqlIndex,
    row::{MomentRow, NODE, NodeRow, all, bytes, hash, text},
};
use crate::{
    bulk,
    error::{Context, Result},
    sql::{self, QueryBuilder},
};

const PATH: &str = "WITH RECURSIVE path (hash, predecessor, length, assistant, tool_use_id, steps) AS (\
    SELECT hash, predecessor, length, assistant, tool_use_id, 1 FROM link_prefixes WHERE hash = $1 \
    UNION ALL \
    SELECT p.hash, p.predecessor, p.length, p.assistant, p.tool_use_id, path.steps + 1 \
    FROM path JOIN link_prefixes p ON p.hash = path.predecessor WHERE path.steps < $2) \
    SELECT hash, predecessor, length, assistant, tool_use_id FROM path ORDER BY length DESC";

/// Down from a prefix, every path of the domain as far as the first of its members that ends on it.
/// `CROSS JOIN` keeps SQLite from beginning with the larger table. The index holds the beginnings of
/// predecessors, here and below.
const BELOW: &str = "WITH RECURSIVE down (hash) AS (\
    SELECT hash FROM link_prefixes WHERE substr(predecessor, 1, 8) = substr($1, 1, 8) \
    AND predecessor = $1 AND domain_tag IN (0, $3) \
    UNION ALL \
    SELECT p.hash FROM down CROSS JOIN link_prefixes p \
    WHERE substr(p.predecessor, 1, 8) = substr(down.hash, 1, 8) AND p.predecessor = down.hash \
    AND p.domain_tag IN (0, $3) \
    AND NOT EXISTS (SELECT 1 FROM link_facts f \
    WHERE f.member AND f.current_hash = down.hash AND f.domain = $2)) \
    SELECT f.exchange_id, f.at FROM down CROSS JOIN link_facts f WHERE f.current_hash = down.hash \
    AND f.member AND f.domain = $2 ORDER BY f.at, f.exchange_id";

/// Those of the prefixes that only another domain's histories passed so far.
const FOREIGN: &str = ") AS q CROSS JOIN link_prefixes p WHERE p.hash = q.column1 \
    AND p.domain_tag NOT IN (0, q.column2)";

/// Several domains pass the prefix, and so all above it.
const SHARE: &str = "WITH RECURSIVE up (hash, predecessor) AS (\
    SELECT hash, predecessor FROM link_prefixes WHERE hash = $1 AND domain_tag <> 0 \
    UNION ALL \
    SELECT p.hash, p.predecessor FROM up JOIN link_prefixes p ON p.hash = up.predecessor \
    WHERE p.domain_tag <> 0) \
    UPDATE link_prefixes SET domain_tag = 0 WHERE hash IN (SELECT hash FROM up)";

/// Removes a prefix that nothing stands on, and names the one before it.
const DROP: &str = "DELETE FROM link_prefixes WHERE hash = $1 \
    AND NOT EXISTS (SELECT 1 FROM link_prefixes n \
    WHERE substr(n.predecessor, 1, 8) = substr($1, 1, 8) AND n.predecessor = $1) \
    AND NOT EXISTS (SELECT 1 FROM link_facts f WHERE f.member AND f.current_hash = $1) \
    RETURNING predecessor";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    pub(super) async fn read_known(&mut self, hashes: &[Hash]) -> Result<Vec<Hash>> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Engine>::new("SELECT hash FROM link_prefixes WHERE hash IN");
        Self::one_of(&mut query, hashes);
        let rows: Vec<Vec<u8>> = query
            .build_query_scalar()
            .fetch_all(&mut *self.connection)
            .await
            .context("link_prefixes cannot be read")?;
        rows.iter().map(|row| hash(row)).collect()
    }

    pub(super) async fn write_paths(&mut self, paths: &[Path]) -> Result<()> {
        let new = paths.iter().flat_map(|path| {
            let tag = tag(&path.domain);
            path.new.iter().map(move |node| (node, tag))
        });
        self.write_nodes(&new.collect::<Vec<_>>()).await?;
        let stored = paths.iter().filter(|path| path.known != Hash::START);
        for prefix in self.foreign(&stored.collect::<Vec<_>>()).await? {
            sql::query(SHARE).bind(prefix).execute(&mut *self.connection).await.context(SHARE)?;
        }
        Ok(())
    }

    async fn foreign(&mut self, paths: &[&Path]) -> Result<Vec<Vec<u8>>> {
        let mut found = Vec::new();
        for some in paths.chunks(bulk::KEYS) {
            let mut query =
                bulk::values("SELECT q.column1 FROM (", some, FOREIGN, |mut row, path| {
                    row.push_bind(bytes(path.known)).push_bind(tag(&path.domain));
                });
            let rows: Vec<Vec<u8>> = query
                .build_query_scalar()
                .fetch_all(&mut *self.connection)
                .await
                .context("link_prefixes cannot be read")?;
            found.extend(rows);
        }
        Ok(found)
    }

    async fn write_nodes(&mut self, nodes: &[(&Node, i16)]) -> Result<()> {
        for some in bulk::pieces(nodes, 256) {
            let mut query = QueryBuilder::<Engine>::new(format!(
                "INSERT INTO link_prefixes ({NODE}, domain_tag) "
            ));
            query.push_values(some, |mut row, (node, tag)| {
                row.push_bind(bytes(node.hash))
                    .push_bind(bytes(node.predecessor))
                    .push_bind(i64::from(node.length))
                    .push_bind(node.assistant)
                    .push_bind(node.tool_use.as_deref().map(text))
                    .push_bind(*tag);
            });
            query.push(" ON CONFLICT (hash) DO NOTHING");
            query
                .build()
                .execute(&mut *self.connection)
                .await
                .context("link_prefixes cannot be written")?;
        }
        Ok(())
    }

    pub(super) async fn remove_nodes(&mut self, last: Hash) -> Result<()> {
        let mut last = Some(bytes(last));
        while let Some(hash) = last {
            last = sql::query_scalar(DROP)
                .bind(hash)
                .fetch_optional(&mut *self.connection)
                .await
                .context(DROP)?;
        }
        Ok(())
    }

    pub(super) async fn read_path(&mut self, last: Hash, max: u32) -> Result<Vec<Node>> {
        let rows: Vec<NodeRow> = sql::query_as(PATH)
            .bind(bytes(last))
            .bind(i64::from(max))
            .fetch_all(&mut *self.connection)
            .await
            .context(PATH)?;
        all(rows)
    }

    pub(super) async fn read_below(&mut self, hash: Hash, domain: &str) -> Result<Vec<Moment>> {
        let rows: Vec<MomentRow> = sql::query_as(BELOW)
            .bind(bytes(hash))
            .bind(text(domain))
            .bind(tag(domain))
            .fetch_all(&mut *self.connection)
            .await
            .context(BELOW)?;
        Ok(rows.into_iter().map(Moment::from).collect())
    }
}

/// What a domain is told from others by: 1 to 32,767.
fn tag(domain: &str) -> i16 {
    let [first, second, ..] = Hash::of(domain).0;
    i16::from_be_bytes([first & 0x7f, second]).max(1)
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlitePool};
    use uuid::Uuid;

    use super::*;

    type Step = (i64, i64, i64, String);

    /// Each of the prefixes would be read otherwise.
    #[tokio::test]
    async fn what_goes_on_from_a_prefix_is_looked_up_by_its_beginning() {
        let store = nexus_store::testing::sqlite().await;
        let pool = SqlitePool::connect(&store.url).await.expect("it opens");
        let explained = |statement: &str| {
            let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            sqlx::query_as::<Sqlite, Step>(plan).bind(vec![0_u8; 32])
        };
        for query in [explained(BELOW).bind("domain").bind(1_i16), explained(DROP)] {
            let steps = query.fetch_all(&pool).await.expect("it has a plan");
            let by_beginning = "link_prefixes_by_predecessor (<expr>=?";
            assert!(steps.iter().any(|(.., step)| step.contains(by_beginning)), "{steps:?}");
            let mut scans = steps.iter().filter(|(.., step)| step.starts_with("SCAN"));
            assert!(scans.all(|(.., step)| step == "SCAN down"), "{steps:?}");
        }
        pool.close().await;
    }

    const DOMAIN: &str = "domain";

    const MEMBER: &str = "INSERT INTO link_facts (exchange_id, at, domain, member, identified, \
        summarises, continues, complete, current_hash) \
        VALUES ($1, 1, $2, TRUE, FALSE, FALSE, FALSE, FALSE, $3)";

    fn node(hash: Hash, predecessor: Hash) -> Node {
        Node { hash, predecessor, length: 1, assistant: false, tool_use: None }
    }

    /// What the index holds of them is the same.
    #[tokio::test]
    async fn hashes_that_begin_alike_are_told_apart() {
        let store = nexus_store::testing::sqlite().await;
        let pool = SqlitePool::connect(&store.url).await.expect("it opens");
        let mut connection = pool.acquire().await.expect("a connection");
        let mut index = SqlIndex::<Sqlite>::new(&mut connection);
        let (one, last) = (Hash::of("one"), Hash::of("last"));
        let mut alike = one;
        alike.0[8] ^= 1;
        let nodes = [node(one, Hash::START), node(alike, Hash::START), node(last, alike)];
        let nodes: Vec<_> = nodes.iter().map(|node| (node, tag(DOMAIN))).collect();
        index.write_nodes(&nodes).await.expect("written");
        let member = sql::query(MEMBER).bind(Uuid::nil()).bind(text(DOMAIN)).bind(bytes(last));
        member.execute(&mut *index.connection).await.expect("written");

        assert_eq!(index.read_below(alike, DOMAIN).await.expect("read").len(), 1);
        assert_eq!(index.read_below(one, DOMAIN).await.expect("read").len(), 0);
        for hash in [one, alike] {
            index.remove_nodes(hash).await.expect("removed");
        }
        let known = index.read_known(&[one, alike]).await.expect("read");
        assert_eq!(known, [alike], "only on this one another stands");
        drop(connection);
        pool.close().await;
    }
}
