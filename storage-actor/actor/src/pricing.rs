//! Costs are by the prices of today: when the table is another one than the stored costs are by, they
//! are computed anew, beside the writing.

use std::{sync::Arc, time::Duration};

use nexus_messages::PriceTable;
use nexus_store::{Pricing, Result, exchanges::Repriced};
use tokio_util::sync::CancellationToken;

/// What fails is tried again after this.
const PAUSE: Duration = Duration::from_secs(30);

/// Computes all costs by `prices`. `None`: it was stopped on its way.
pub async fn reprice(
    store: &dyn Pricing,
    prices: &PriceTable,
    stop: &CancellationToken,
) -> Result<Option<Repriced>> {
    let (mut sum, mut after) = (Repriced::default(), None);
    // Not under a `select!`: a transaction of sqlx must not be dropped at its beginning.
    while !stop.is_cancelled() {
        let (some, end) = store.reprice_some(prices, after).await?;
        sum.exchanges += some.exchanges;
        sum.changed += some.changed;
        if end.is_none() {
            store.put_price_version(&prices.version()).await?;
            return Ok(Some(sum));
        }
        after = end;
    }
    Ok(None)
}

/// Computes all costs when the store's are by other prices, and waits for `stop`.
pub async fn run(store: Arc<dyn Pricing>, prices: Arc<PriceTable>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match update(&*store, &prices, &stop).await {
            Ok(()) => return stop.cancelled().await,
            Err(error) => tracing::warn!(%error, "costs cannot be computed anew now"),
        }
        let _stopped = stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}

async fn update(store: &dyn Pricing, prices: &PriceTable, stop: &CancellationToken) -> Result<()> {
    if store.find_price_version().await?.is_some_and(|version| version == prices.version()) {
        return Ok(());
    }
    if let Some(Repriced { exchanges, changed }) = reprice(store, prices, stop).await? {
        tracing::info!(exchanges, changed, "costs are by the prices of today");
    }
    Ok(())
}
