//! Waiting for other processes, which can only be asked.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Between the first two questions.
const PAUSE: Duration = Duration::from_millis(20);
/// Between questions after a while: what is asked has work to do, on the same two cores.
const LONG_PAUSE: Duration = Duration::from_millis(250);

/// Asks until there is an answer.
///
/// # Panics
/// When there is none in time; `what` says what was waited for.
pub async fn until<T, F>(what: &str, within: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + within;
    let mut pause = PAUSE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited {within:?} for {what}");
        sleep(pause).await;
        pause = (pause * 5 / 4).min(LONG_PAUSE);
    }
}
