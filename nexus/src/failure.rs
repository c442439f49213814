//! How a command fails: one message that says what to do, and the exit code.

use std::{fmt, process::ExitCode};

/// Exit code of a command that was called wrongly or with settings that can't be.
pub const WRONG_USAGE: u8 = 2;

/// The operator's words are wrong: arguments or settings. Everything else is a failure (exit 1).
#[derive(Debug)]
pub struct WrongUsage(Vec<String>);

impl WrongUsage {
    pub fn new(mistake: impl Into<String>) -> Self {
        Self(vec![mistake.into()])
    }

    pub fn all(mistakes: Vec<String>) -> Self {
        Self(mistakes)
    }
}

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n       "))
    }
}

impl std::error::Error for WrongUsage {}

/// Prints the error with its causes and picks the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", sentence(error));
    if error.is::<WrongUsage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
}

/// The causes in one sentence; a cause that its effect already quotes is not repeated.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}
