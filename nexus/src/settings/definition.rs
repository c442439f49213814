//! What is known of a setting before anyone sets it.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Name of the environment variable.
    pub name: &'static str,
    /// Text of the default; `None` when unset is a state of its own.
    pub default: Option<&'static str>,
    /// What it does, one sentence for the documentation and `--help`.
    pub meaning: &'static str,
    /// Masked wherever it is printed, and not offered as a flag: arguments show in process lists.
    pub secret: bool,
    /// Heading under which the documentation lists it.
    pub group: Group,
}

/// Headings of the configuration page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Serving,
    Storage,
    Upstream,
    Access,
    Capture,
    Retention,
    Logging,
    Integrations,
    Mcp,
    Analysis,
}

impl Group {
    #[cfg(test)]
    pub const ALL: [Self; 10] = [
        Self::Serving,
        Self::Storage,
        Self::Upstream,
        Self::Access,
        Self::Capture,
        Self::Retention,
        Self::Logging,
        Self::Integrations,
        Self::Mcp,
        Self::Analysis,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Serving => "Serving",
            Self::Storage => "Storage and event stream",
            Self::Upstream => "Upstream",
            Self::Access => "Access",
            Self::Capture => "Capture",
            Self::Retention => "Retention",
            Self::Logging => "Logging and tracing",
            Self::Integrations => "Integrations",
            Self::Mcp => "MCP prompts",
            Self::Analysis => "Analysis",
        }
    }
}

impl Definition {
    /// The command-line flag, without dashes: `NEXUS_DATA_DIR` is `--data-dir`.
    pub fn flag(&self) -> String {
        self.name.strip_prefix("NEXUS_").unwrap_or(self.name).to_ascii_lowercase().replace('_', "-")
    }

    /// The key in `nexus.toml`: the variable's name in lower case.
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}
