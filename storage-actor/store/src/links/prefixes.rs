//! `link_prefixes`: the trie of histories.

use duplicate::duplicate_item;
use nexus_linking::{Hash, Moment, chain::Node};
use sqlx::{Postgres, QueryBuilder, Sqlite};

use super::{
    index::SqlIndex,
    row::{MomentRow, NODE, NodeRow, all, bytes, hash, text},
};
use crate::{
    bulk,
    error::{Context, Result},
};

const PATH: &str = "WITH RECURSIVE path (hash, predecessor, length, assistant, tool_use_id, steps) AS (\
    SELECT hash, predecessor, length, assistant, tool_use_id, 1 FROM link_prefixes WHERE hash = $1 \
    UNION ALL \
    SELECT p.hash, p.predecessor, p.length, p.assistant, p.tool_use_id, path.steps + 1 \
    FROM path JOIN link_prefixes p ON p.hash = path.predecessor WHERE path.steps < $2) \
    SELECT hash, predecessor, length, assistant, tool_use_id FROM path ORDER BY length DESC";

/// Down from a prefix, every path as far as the first member of the domain that ends on it.
const BELOW: &str = "WITH RECURSIVE down (hash) AS (\
    SELECT hash FROM link_prefixes WHERE predecessor = $1 \
    UNION ALL \
    SELECT p.hash FROM down JOIN link_prefixes p ON p.predecessor = down.hash \
    WHERE NOT EXISTS (SELECT 1 FROM link_facts f WHERE f.member AND f.current_hash = down.hash \
    AND f.domain = $2)) \
    SELECT f.exchange_id, f.at FROM down JOIN link_facts f ON f.current_hash = down.hash \
    WHERE f.member AND f.domain = $2 ORDER BY f.at, f.exchange_id";

/// Removes a prefix that nothing stands on, and names the one before it.
const DROP: &str = "DELETE FROM link_prefixes WHERE hash = $1 \
    AND NOT EXISTS (SELECT 1 FROM link_prefixes n WHERE n.predecessor = $1) \
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

    pub(super) async fn write_nodes(&mut self, nodes: &[Node]) -> Result<()> {
        for some in bulk::pieces(nodes, 256) {
            let mut query =
                QueryBuilder::<Engine>::new(format!("INSERT INTO link_prefixes ({NODE}) "));
            query.push_values(some, |mut row, node| {
                row.push_bind(bytes(node.hash))
                    .push_bind(bytes(node.predecessor))
                    .push_bind(i64::from(node.length))
                    .push_bind(node.assistant)
                    .push_bind(node.tool_use.as_deref().map(text));
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
            last = sqlx::query_scalar(DROP)
                .bind(hash)
                .fetch_optional(&mut *self.connection)
                .await
                .context(DROP)?;
        }
        Ok(())
    }

    pub(super) async fn read_path(&mut self, last: Hash, max: u32) -> Result<Vec<Node>> {
        let rows: Vec<NodeRow> = sqlx::query_as(PATH)
            .bind(bytes(last))
            .bind(i64::from(max))
            .fetch_all(&mut *self.connection)
            .await
            .context(PATH)?;
        all(rows)
    }

    pub(super) async fn read_below(&mut self, hash: Hash, domain: &str) -> Result<Vec<Moment>> {
        let rows: Vec<MomentRow> = sqlx::query_as(BELOW)
            .bind(bytes(hash))
            .bind(text(domain))
            .fetch_all(&mut *self.connection)
            .await
            .context(BELOW)?;
        Ok(rows.into_iter().map(Moment::from).collect())
    }
}
