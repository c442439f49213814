//! How long each class of data is kept.

use std::time::Duration;

/// `None`: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionConfig {
    /// `NEXUS_RETENTION_PAYLOADS`: bodies, headers and what search finds.
    pub payloads: Option<Duration>,
    /// `NEXUS_RETENTION_ROWS`: exchanges with everything about them but usage.
    pub rows: Option<Duration>,
    /// `NEXUS_RETENTION_USAGE`: usage and the sums of it.
    pub usage: Option<Duration>,
}
