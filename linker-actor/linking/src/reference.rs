//! All links from all facts at once, in the plainest order: the measure for [`ingest`](crate::ingest),
//! and what `relink` computes.

use std::collections::BTreeMap;

use crate::{
    decide,
    facts::{Fact, Moment},
    index::{Call, Index},
    ingest::put_facts,
    link::Link,
    memory::Memory,
    structure,
};

/// Links the set of `facts`.
pub async fn link_all(facts: &[Fact]) -> Memory {
    let mut index = Memory::default();
    let Ok(()) = put_facts(&mut index, facts).await;
    let mut moments: Vec<Moment> =
        index.exchanges.values().filter_map(crate::Exchange::moment).collect();
    moments.sort_unstable();
    for moment in &moments {
        let Ok(()) = link_one(&mut index, *moment, false).await;
    }
    let mut before = BTreeMap::new();
    for moment in moments {
        let Ok(()) = link_one(&mut index, moment, true).await;
        before.insert(moment.id, None);
    }
    let Ok(_moved) = structure::settle(&mut index, &before).await;
    index
}

/// First the edges that time has no part in; then all, in the order of time: what an exchange takes
/// is gone for those after it, and an edge that would close a circle sees the histories.
async fn link_one(
    index: &mut Memory,
    moment: Moment,
    by_time: bool,
) -> Result<(), <Memory as Index>::Error> {
    let Some(exchange) = index.find(moment.id).await? else { return Ok(()) };
    let Some(request) = &exchange.request else { return Ok(()) };
    let decision = decide::decide(index, &exchange, request).await?;
    if decision.edge.goes_by_time() && !by_time {
        return Ok(());
    }
    if let Some(call) = decision.takes.filter(|call| !call.harness) {
        index.put_call(&Call { taken_by: Some(moment), ..call }).await?;
    }
    index.put_link(&Link::new(moment, decision.edge), &decision.waits).await
}
