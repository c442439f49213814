//! `nexus rebuild`: the sums counted anew.

use nexus_store::Store;
use serde::Serialize;

use crate::output::Output;

#[derive(Serialize)]
struct Rebuilt {
    exchanges: u64,
}

pub async fn run(store: &dyn Store, output: Output) -> anyhow::Result<()> {
    let rebuilt = Rebuilt { exchanges: store.rebuild().await? };
    output.print(&rebuilt, |rebuilt| format!("counted {} exchanges anew", rebuilt.exchanges))
}
