//! Joins a stored body again and checks it.

use duplicate::duplicate_item;
use sha2::{Digest, Sha256};
use sqlx::{Database, Postgres, Row, Sqlite};

use super::{packed, patch};
use crate::{
    engine::SqlStore,
    error::{Context, Result, StoreError},
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

const SEGMENT: &str = "SELECT data FROM segments WHERE segment_id = $1";

const FRAME: &str = "SELECT p.position < f.hole AS before, p.patch, s.data \
    FROM frames f JOIN frame_parts p ON p.frame_id = f.frame_id \
    JOIN segments s ON s.segment_id = p.segment_id \
    WHERE f.frame_id = $1 ORDER BY p.position";

/// From a history's last node up to its first.
const PATH: &str = "WITH RECURSIVE path (parent_id, segment_id, patch, depth) AS ( \
        SELECT parent_id, segment_id, patch, CAST(0 AS BIGINT) FROM nodes WHERE node_id = $1 \
        UNION ALL \
        SELECT n.parent_id, n.segment_id, n.patch, p.depth + 1 \
        FROM path p JOIN nodes n ON n.node_id = p.parent_id) \
    SELECT p.patch, s.data FROM path p JOIN segments s ON s.segment_id = p.segment_id \
    ORDER BY p.depth DESC";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// The body's bytes, as they were.
    pub(crate) async fn read_body(
        connection: &mut <Engine as Database>::Connection,
        body: &BodyRow,
    ) -> Result<Vec<u8>> {
        let mut joined = Vec::with_capacity(usize::try_from(body.bytes).unwrap_or(0));
        match (body.segment, body.frame) {
            (Some(segment), _) => {
                let data: Vec<u8> = sqlx::query_scalar(SEGMENT)
                    .bind(segment)
                    .fetch_one(connection)
                    .await
                    .context("a body's segment cannot be read")?;
                joined = packed::unpack(&data).map_err(damaged)?;
            }
            (None, Some(frame)) => {
                let parts = sqlx::query(FRAME).bind(frame).fetch_all(&mut *connection).await?;
                let mut after = Vec::new();
                for part in parts {
                    let before: bool = part.try_get(0)?;
                    let out = if before { &mut joined } else { &mut after };
                    join(part.try_get(1)?, part.try_get(2)?, out)?;
                }
                let path = sqlx::query(PATH).bind(body.node).fetch_all(&mut *connection).await?;
                for node in path {
                    join(node.try_get(0)?, node.try_get(1)?, &mut joined)?;
                }
                joined.extend_from_slice(&after);
            }
            (None, None) => {}
        }
        checked(joined, body)
    }
}

fn join(patch: Option<&[u8]>, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let bytes = packed::unpack(data).map_err(damaged)?;
    patch::apply(&bytes, patch.unwrap_or_default(), out)
        .ok_or_else(|| StoreError::Corrupt("a patch does not fit its segment".to_owned()))
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
