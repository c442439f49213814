//! Answers that nobody asks for any more.
//!
//! The server asks for nothing while a client does not read what it has, so no clock of the answer is
//! looked at. One task a worker looks at all of them instead, for as long as there are any.

use std::{
    cell::RefCell,
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
pub struct Unread(Rc<RefCell<Vec<Watched>>>);

struct Watched {
    answer: Weak<Slot>,
    /// Its time was over at the last look.
    overdue: bool,
}

impl Unread {
    pub fn add(&self, answer: &Rc<Slot>) {
        let mut answers = self.0.borrow_mut();
        if answers.is_empty() {
            actix_rt::spawn(self.clone().look_on());
        }
        answers.push(Watched { answer: Rc::downgrade(answer), overdue: false });
    }

    /// Ends with the last answer.
    async fn look_on(self) {
        while !self.0.borrow().is_empty() {
            sleep(LOOK).await;
            self.0.borrow_mut().retain_mut(Watched::goes_on);
        }
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
