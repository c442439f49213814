//! Stored credentials: read from a directory, kept fresh, and the last good version of each.

mod directory;
mod file;
mod fingerprint;
mod lock;
mod login;
mod oauth;
mod refresh;
mod save;
mod table;

pub use self::{
    directory::path_of,
    file::{Credential, OAuthPair, Secret},
    fingerprint::{Digest, Fingerprinter, is_among},
    login::{Login, LoginError},
    oauth::{OAuthClient, OAuthError},
    refresh::{Refreshed, Refresher, refresh_domain},
    table::{Credentials, DirectoryProblem, Status},
};
