//! HMAC-SHA-256 under the installation's salt: how keys are compared and named without being kept.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// The HMAC of a key.
pub type Digest = [u8; 32];

/// Makes digests.
#[derive(Clone)]
pub struct Fingerprinter(Hmac<Sha256>);

impl Fingerprinter {
    /// # Panics
    /// Never: HMAC takes keys of any length.
    pub fn new(salt: &SecretString) -> Self {
        let salt = salt.expose_secret().as_bytes();
        Self(Hmac::new_from_slice(salt).expect("any length is valid"))
    }

    pub fn digest(&self, key: &str) -> Digest {
        let mut mac = self.0.clone();
        mac.update(key.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Whether `digest` is among `known`. Takes the same time wherever it stands.
pub fn is_among(digest: &Digest, known: &[Digest]) -> bool {
    let none = Choice::from(0);
    known.iter().fold(none, |found, one| found | one.ct_eq(digest)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_depend_on_key_and_salt() {
        let one = Fingerprinter::new(&"salt".to_owned().into());
        let other = Fingerprinter::new(&"pepper".to_owned().into());
        assert_eq!(one.digest("key"), one.digest("key"));
        assert_ne!(one.digest("key"), one.digest("kez"));
        assert_ne!(one.digest("key"), other.digest("key"));
        assert!(is_among(&one.digest("b"), &[one.digest("a"), one.digest("b")]));
        assert!(!is_among(&one.digest("c"), &[one.digest("a"), one.digest("b")]));
        assert!(!is_among(&one.digest("c"), &[]));
    }
}
