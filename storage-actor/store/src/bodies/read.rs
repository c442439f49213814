//! Joins stored bodies again and checks them.

use std::collections::{HashMap, HashSet};

use duplicate::duplicate_item;
use sha2::{Digest, Sha256};
use sqlx::{Database, Postgres, Row, Sqlite};

use super::{packed, patch};
use crate::{
    engine::SqlStore,
    error::{Context, Result, StoreError},
    sql::QueryBuilder,
};

/// The columns of a body in `payloads`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyRow {
    pub frame: Option<i64>,
    pub node: Option<i64>,
    pub segment: Option<i64>,
    pub bytes: i64,
    pub sha256: Vec<u8>,
}

/// What several bodies are made of comes in one statement. Bodies of one conversation share nearly
/// all of it: `UNION` without `ALL` walks what histories have in common once.
const PATHS: &str = "WITH RECURSIVE path (node_id, parent_id) AS ( \
        SELECT node_id, parent_id FROM nodes WHERE node_id IN ";
const SEGMENTS: &str = " UNION SELECT n.node_id, n.parent_id \
        FROM path p JOIN nodes n ON n.node_id = p.parent_id) \
    SELECT 'segment' AS kind, s.segment_id AS id, CAST(NULL AS BIGINT) AS parent_id, \
        CAST(0 AS BIGINT) AS position, CAST(NULL AS BYTEA) AS patch, s.data \
        FROM segments s WHERE s.segment_id IN ";
const FRAMES: &str = " UNION ALL \
    SELECT CASE WHEN p.position < f.hole THEN 'before' ELSE 'after' END, f.frame_id, NULL, \
        p.position, p.patch, s.data \
        FROM frames f JOIN frame_parts p ON p.frame_id = f.frame_id \
        JOIN segments s ON s.segment_id = p.segment_id WHERE f.frame_id IN ";
const NODES: &str = " UNION ALL \
    SELECT 'node', n.node_id, n.parent_id, 0, n.patch, s.data \
        FROM path p JOIN nodes n ON n.node_id = p.node_id \
        JOIN segments s ON s.segment_id = n.segment_id";

/// No row has it: it stands in lists that would be empty, which PostgreSQL does not take.
const NONE: i64 = -1;

/// The unpacked pieces of some bodies.
#[derive(Default)]
struct Pieces {
    segments: HashMap<i64, Vec<u8>>,
    /// What stands before the history, and what after it.
    frames: HashMap<i64, (Vec<u8>, Vec<u8>)>,
    /// A history's last piece and the node before it.
    nodes: HashMap<i64, (Option<i64>, Vec<u8>)>,
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// The bodies' bytes, as they were, in the same order: one statement for all.
    pub(crate) async fn read_bodies(
        connection: &mut <Engine as Database>::Connection,
        bodies: &[BodyRow],
    ) -> Result<Vec<Vec<u8>>> {
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Engine>::new("");
        for (sql, ids) in [
            (PATHS, ids(bodies, |body| body.node)),
            (SEGMENTS, ids(bodies, |body| body.segment)),
            (FRAMES, ids(bodies, |body| body.frame)),
        ] {
            query.push(sql).push("(");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id);
            }
            query.push(")");
        }
        let rows = query.push(NODES).build().persistent(false).fetch_all(connection).await;
        let mut rows = rows.context("bodies cannot be read")?;
        // Here, because the engine would carry the data along.
        rows.sort_by_key(|row| row.try_get::<i64, _>(3).unwrap_or_default());
        let mut pieces = Pieces::default();
        for row in rows {
            let (patch, data) = (row.try_get(4)?, row.try_get(5)?);
            pieces.take(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, patch, data)?;
        }
        bodies.iter().map(|body| pieces.join(body)).collect()
    }
}

/// Each id once, and never none.
fn ids(bodies: &[BodyRow], of: impl Fn(&BodyRow) -> Option<i64>) -> HashSet<i64> {
    let found: HashSet<i64> = bodies.iter().filter_map(of).collect();
    if found.is_empty() { HashSet::from([NONE]) } else { found }
}

impl Pieces {
    fn take(
        &mut self,
        kind: &str,
        id: i64,
        parent: Option<i64>,
        patch: Option<&[u8]>,
        data: &[u8],
    ) -> Result<()> {
        let out = match kind {
            "segment" => self.segments.entry(id).or_default(),
            "before" => &mut self.frames.entry(id).or_default().0,
            "after" => &mut self.frames.entry(id).or_default().1,
            _node => &mut self.nodes.entry(id).or_insert((parent, Vec::new())).1,
        };
        let bytes = packed::unpack(data).map_err(damaged)?;
        patch::apply(&bytes, patch.unwrap_or_default(), out)
            .ok_or_else(|| StoreError::Corrupt("a patch does not fit its segment".to_owned()))
    }

    fn join(&self, body: &BodyRow) -> Result<Vec<u8>> {
        let mut joined = Vec::with_capacity(usize::try_from(body.bytes).unwrap_or(0));
        if let Some(segment) = body.segment {
            joined.extend_from_slice(self.segments.get(&segment).ok_or_else(lost)?);
        } else if let Some(frame) = body.frame {
            let (before, after) = self.frames.get(&frame).ok_or_else(lost)?;
            joined.extend_from_slice(before);
            for piece in self.history(body.node)?.into_iter().rev() {
                joined.extend_from_slice(piece);
            }
            joined.extend_from_slice(after);
        }
        checked(joined, body)
    }

    /// From a history's last piece up to its first.
    fn history(&self, last: Option<i64>) -> Result<Vec<&[u8]>> {
        let mut pieces = Vec::new();
        let mut at = last;
        while let Some(node) = at {
            let (parent, bytes) = self.nodes.get(&node).ok_or_else(lost)?;
            pieces.push(bytes.as_slice());
            at = *parent;
        }
        Ok(pieces)
    }
}

fn lost() -> StoreError {
    StoreError::Corrupt("a piece of a body is not there".to_owned())
}

fn checked(joined: Vec<u8>, body: &BodyRow) -> Result<Vec<u8>> {
    if Sha256::digest(&joined)[..] == body.sha256[..] {
        return Ok(joined);
    }
    let (found, expected) = (joined.len(), body.bytes);
    Err(StoreError::Corrupt(format!("a body of {expected} bytes was joined to {found} other ones")))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn damaged(error: std::io::Error) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
