//! What the process says of itself: log lines and spans.

mod line;
pub mod logging;
pub mod metrics;
pub mod otel;
