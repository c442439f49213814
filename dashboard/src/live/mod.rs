//! What happens right now, fanned out to browsers as server-sent events.

mod endpoint;
mod hub;
mod instances;
mod running;
mod slots;

pub use endpoint::events;
pub use hub::{Hub, Joined, pump};
pub use instances::{Instance, journals};
pub use running::{Run, Running};
pub use slots::{Limits, Slot};
