//! What a frame may use of a journal at its bound.

use crate::recording::{Payload, Pending};

/// Beyond the bound one segment is kept for ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing of it.
    Part,
    /// Half of it: the mark of an exchange of which nothing else is there.
    Mark,
    /// All of it: what stands of the exchange can't be freed without its end.
    End,
}

impl Claim {
    pub fn of(pending: &Pending) -> Self {
        match pending.payload {
            Payload::Finish(_) if pending.ticket.is_in_journal() => Self::End,
            Payload::Finish(_) => Self::Mark,
            _ => Self::Part,
        }
    }

    pub fn is_end(self) -> bool {
        self != Self::Part
    }
}
