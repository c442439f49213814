//! The roles that consume events.

use crate::{
    roles::{Role, engines::Engines, tasks::Group},
    settings::Settings,
};

/// Starts the consumers among `roles`.
pub async fn start(
    back: &mut Group,
    roles: &[Role],
    engines: &Engines,
    settings: &Settings,
) -> anyhow::Result<()> {
    let _ = (back, roles, engines, settings);
    Ok(())
}
