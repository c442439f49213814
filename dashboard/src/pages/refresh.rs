//! What is kept for pages is made anew beside them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// At most one refresh at a time.
#[derive(Debug, Default)]
pub struct Refresh(Arc<AtomicBool>);

impl Refresh {
    /// Begins what `work` gives, unless one is under way.
    pub fn begin<F>(&self, work: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.0.swap(true, Ordering::AcqRel) {
            return;
        }
        let running = Running(Arc::clone(&self.0));
        let work = work();
        tokio::spawn(async move {
            work.await;
            drop(running);
        });
    }
}

/// Also the end of one that panicked.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
