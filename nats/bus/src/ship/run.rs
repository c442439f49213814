//! The shipper's loop.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use nexus_contract::Event;
use nexus_journal::{JournalError, Reader, Ready};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{ShipperConfig, breaker::Breaker};
use crate::stream::{EventStream, StreamError};

/// How long a stop waits for a journal to be closed that is shipped as far as it is written.
const CLOSING: Duration = Duration::from_secs(1);

/// Charged to every event beside its body.
const ENVELOPE: usize = 2_048;

/// Events on their way, with what they were made of.
struct Batch {
    events: Vec<Event>,
    ready: Vec<Ready>,
    bytes: usize,
}

type Publication = BoxFuture<'static, (Batch, Result<(), StreamError>)>;

struct Shipper {
    reader: Reader,
    stream: Arc<dyn EventStream>,
    config: ShipperConfig,
    breaker: Breaker,
    under_way: FuturesUnordered<Publication>,
    /// Failed before; tried first.
    again: VecDeque<Batch>,
    in_flight: usize,
    caught_up: bool,
}

/// Ships until the shutdown, or until there will never be more. Gives the reader back.
pub(super) async fn run(
    reader: Reader,
    stream: Arc<dyn EventStream>,
    config: ShipperConfig,
    shutdown: CancellationToken,
) -> Result<Reader, JournalError> {
    let mut growth = reader.growth();
    let mut shipper = Shipper {
        reader,
        stream,
        config,
        breaker: Breaker::new(config.retry),
        under_way: FuturesUnordered::new(),
        again: VecDeque::new(),
        in_flight: 0,
        caught_up: false,
    };
    let mut stopped: Option<Instant> = None;
    let mut grows = true;
    loop {
        shipper.fill()?;
        let deadline = stopped.map(|at| at + config.drain_timeout);
        let closed_by = stopped.map(|at| at + CLOSING);
        let is_idle = shipper.is_idle();
        if is_idle && (!grows || closed_by.is_some_and(|at| at <= Instant::now())) {
            break;
        }
        let retry_at = shipper.breaker.retry_at();
        tokio::select! {
            Some((batch, result)) = shipper.under_way.next() => shipper.published(batch, result)?,
            more = growth.more(), if shipper.caught_up && grows => {
                grows = more;
                shipper.caught_up = false;
            }
            () = sleep_until(retry_at), if retry_at.is_some() && shipper.under_way.is_empty() => {}
            () = shutdown.cancelled(), if stopped.is_none() => stopped = Some(Instant::now()),
            () = sleep_until(closed_by), if is_idle && closed_by.is_some() => {}
            () = sleep_until(deadline), if deadline.is_some() => break,
        }
    }
    Ok(shipper.reader)
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}

impl Shipper {
    /// Begins as many publications as the breaker and the budget allow.
    fn fill(&mut self) -> Result<(), JournalError> {
        while self.under_way.len()
            < self.breaker.allows(Instant::now(), self.config.max_publications)
        {
            let batch = match self.again.pop_front() {
                Some(batch) => batch,
                None => match self.collect()? {
                    Some(batch) => batch,
                    None => break,
                },
            };
            self.begin(batch);
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("nexus_shipper_in_flight_bytes").set(self.in_flight as f64);
        Ok(())
    }

    /// Puts the next events together. `None` when there are none, or no room for them.
    fn collect(&mut self) -> Result<Option<Batch>, JournalError> {
        let mut batch = Batch { events: Vec::new(), ready: Vec::new(), bytes: 0 };
        // One publication takes a share, so that several can be under way.
        let share = self.config.max_in_flight_bytes / self.config.max_publications.max(1);
        while batch.bytes < share
            && batch.events.len() < self.config.max_batch
            && self.in_flight < self.config.max_in_flight_bytes
        {
            let Some(ready) = self.reader.next_ready()? else {
                self.caught_up = true;
                break;
            };
            if let Some(event) = self.reader.assemble(&ready)?.event {
                let body = event.body.as_ref().map_or(0, |body| body.compressed().len());
                batch.bytes += ENVELOPE + body;
                self.in_flight += ENVELOPE + body;
                batch.events.push(event);
                batch.ready.push(ready);
            }
        }
        Ok((!batch.events.is_empty()).then_some(batch))
    }

    fn begin(&mut self, batch: Batch) {
        let stream = self.stream.clone();
        self.under_way.push(
            async move {
                let result = stream.publish(&batch.events).await;
                (batch, result)
            }
            .boxed(),
        );
    }

    fn published(
        &mut self,
        batch: Batch,
        result: Result<(), StreamError>,
    ) -> Result<(), JournalError> {
        match result {
            Ok(()) => {
                self.breaker.succeeded();
                self.in_flight -= batch.bytes;
                metrics::counter!("nexus_shipper_events_total")
                    .increment(batch.events.len() as u64);
                batch.ready.iter().try_for_each(|ready| self.reader.acknowledge(ready))
            }
            Err(error) => {
                metrics::counter!("nexus_shipper_failures_total").increment(1);
                tracing::warn!(%error, events = batch.events.len(), "the journal can't be shipped");
                self.breaker.failed(Instant::now());
                self.retry(batch, &error);
                Ok(())
            }
        }
    }

    /// A batch that was refused is tried event by event, behind the others: one that the stream
    /// will never take must not hold up the rest. It stays in the journal.
    fn retry(&mut self, batch: Batch, error: &StreamError) {
        if error.is_transient() {
            return self.again.push_front(batch);
        }
        let singles = batch.events.into_iter().zip(batch.ready).map(|(event, ready)| {
            let body = event.body.as_ref().map_or(0, |body| body.compressed().len());
            Batch { events: vec![event], ready: vec![ready], bytes: ENVELOPE + body }
        });
        self.again.extend(singles);
    }

    fn is_idle(&self) -> bool {
        self.caught_up && self.under_way.is_empty() && self.again.is_empty()
    }
}
