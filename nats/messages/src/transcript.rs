//! The reading of a branch: every block once, oldest first.
//!
//! Agents resend their whole history with every request. [`read`] takes the exchanges of a branch
//! and gives, for each, only what it added: the blocks of its request that neither its parent's
//! request nor its parent's answer held, and its own answer. What clients change on the way
//! (`cache_control`, reminders, split and joined texts, dropped thinking, synthetic answers) is not
//! mistaken for something new.

mod added;
mod block;
mod body;
mod content;
mod item;
mod pair;
mod read;
mod reminder;
#[cfg(test)]
mod tests;
mod turn;
mod wire;

pub use content::wrote_summary;
pub use item::{Content, Item, ToolOutcome};
pub use read::read;
pub use turn::{Exchange, Failure, Turn, Window};
pub use wire::Wire;
