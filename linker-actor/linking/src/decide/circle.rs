//! No circles, whatever the clocks say.
//!
//! Histories only grow, so edges by history make no circle; edges by time make none as long as time
//! runs forward along histories too. Where two gateways' clocks disagree it may not. Then, of the
//! edges by time in the circle, the latest is refused: each is judged with the earlier ones alone.

use std::collections::HashSet;

use nexus_contract::ExchangeId;

use crate::{facts::Moment, hash::Hash, index::Index, link::Edge};

/// Whether the edge of the exchange at `child` leads back to it, edges by time of later exchanges
/// left out.
pub async fn closes<I: Index>(index: &mut I, child: Moment, edge: &Edge) -> Result<bool, I::Error> {
    let Some(parent) = edge.parent.filter(|_| edge.goes_by_time()) else { return Ok(false) };
    if index.children(&[child.id]).await?.is_empty() {
        return Ok(false);
    }
    let mut above = Some(parent);
    let mut seen = HashSet::new();
    while let Some(id) = above.filter(|id| seen.insert(*id)) {
        if id == child.id {
            return Ok(true);
        }
        let link = index.find_link(id).await?;
        let link = link.filter(|link| !link.edge.goes_by_time() || link.moment < child);
        above = link.and_then(|link| link.edge.parent);
    }
    Ok(false)
}

/// The latest exchange with an edge by time on the circle that an edge just stored closes.
pub async fn closing<I: Index>(
    index: &mut I,
    child: ExchangeId,
    edge: &Edge,
) -> Result<Option<Moment>, I::Error> {
    if edge.parent.is_none() || index.children(&[child]).await?.is_empty() {
        return Ok(None);
    }
    let mut latest = None;
    let mut above = Some(child);
    let mut seen = HashSet::new();
    loop {
        let Some(id) = above.filter(|id| seen.insert(*id)) else { return Ok(None) };
        let Some(link) = index.find_link(id).await? else { return Ok(None) };
        if link.edge.goes_by_time() {
            latest = latest.max(Some(link.moment));
        }
        above = link.edge.parent;
        if above == Some(child) {
            return Ok(latest);
        }
    }
}

/// Under which refused exchanges wait for any change.
pub fn rejected_key() -> Hash {
    Hash::of_parts(&[b"rejected"])
}
