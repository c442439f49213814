//! Work that can wait gives way to clients that can't.

use rustix::{
    process::{getpriority_process, setpriority_process},
    thread::gettid,
};

/// In the scheduler's unit, below what the process was started with: about a third of the share of its
/// other threads while both want to run, so a backlog still shrinks under full load.
const NICENESS: i32 = 5;

/// Lowers the priority of the calling thread, and of those that it starts from now on.
pub(crate) fn give_way() {
    // Linux knows a priority for each thread, under the thread's id.
    let thread = Some(gettid());
    let lowered = getpriority_process(thread)
        .and_then(|before| setpriority_process(thread, before + NICENESS));
    if let Err(error) = lowered {
        tracing::debug!(%error, "the thread keeps the priority of those that serve clients");
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn own() -> i32 {
        getpriority_process(Some(gettid())).expect("it is this thread")
    }

    #[test]
    fn a_thread_gives_way_with_those_it_starts_and_no_other_does() {
        const LOWEST: i32 = 19;
        let before = own();
        let (lowered, started) = thread::spawn(|| {
            give_way();
            (own(), thread::spawn(own).join().expect("no panic"))
        })
        .join()
        .expect("no panic");
        let expected = (before + NICENESS).min(LOWEST);
        assert_eq!((lowered, started), (expected, expected));
        assert_eq!(own(), before);
    }
}
