//! Answers that nobody asks for any more.
//!
//! The server asks for nothing while a client does not read what it has, so no clock of the answer is
//! looked at. One task a worker looks at all of them instead, for as long as there are any.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::{Rc, Weak},
    time::Duration,
};

use nexus_contract::TerminalState;
use tokio::time::sleep;

use super::answer::Slot;

/// How often the answers are looked at. One whose time is over has until the next look to end by
/// itself: where the server does ask, the client gets to know.
const LOOK: Duration = Duration::from_secs(1);

/// The answers on their way down in one worker.
#[derive(Clone, Default)]
pub struct Unread(Rc<RefCell<Answers>>);

#[derive(Default)]
struct Answers {
    under_way: BTreeMap<u64, Watched>,
    next_number: u64,
    /// The task runs.
    is_looking: bool,
}

struct Watched {
    answer: Weak<Slot>,
    /// Its time was over at the last look.
    overdue: bool,
}

/// An answer's place among those that are looked at; given up when it is dropped with the answer, or
/// a second's answers would be kept in memory.
pub struct Place {
    unread: Unread,
    number: u64,
}

impl Unread {
    pub fn add(&self, answer: &Rc<Slot>) -> Place {
        let mut answers = self.0.borrow_mut();
        if !std::mem::replace(&mut answers.is_looking, true) {
            actix_rt::spawn(self.clone().look_on());
        }
        let number = answers.next_number;
        answers.next_number += 1;
        let watched = Watched { answer: Rc::downgrade(answer), overdue: false };
        answers.under_way.insert(number, watched);
        Place { unread: self.clone(), number }
    }

    /// Ends when there was no answer at a look.
    async fn look_on(self) {
        loop {
            sleep(LOOK).await;
            let mut answers = self.0.borrow_mut();
            answers.under_way.retain(|_, watched| watched.goes_on());
            if answers.under_way.is_empty() {
                answers.is_looking = false;
                return;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.unread.0.borrow_mut().under_way.remove(&self.number);
    }
}

impl Watched {
    /// Looks at it, and says whether to look again. What was overdue before is let go here, and its
    /// upstream with it.
    fn goes_on(&mut self) -> bool {
        let Some(slot) = self.answer.upgrade() else { return false };
        let Some(mut parts) = slot.take() else { return false };
        let over = parts.watch.deadline().over();
        if let (Some(reason), true) = (over, self.overdue) {
            parts.ledger.end(TerminalState::TimedOut, Some(reason.to_owned()));
            return false;
        }
        self.overdue = over.is_some();
        slot.set(Some(parts));
        true
    }
}
