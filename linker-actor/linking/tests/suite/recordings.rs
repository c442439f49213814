//! Sessions of real clients come out as a person would draw them.

use crate::common::{Recording, anonymous, recordings};

#[test]
fn every_recording_is_linked_as_expected() {
    let mut wrong = Vec::new();
    for path in recordings() {
        let differences = Recording::read(&path, |_| {}).differences();
        wrong.extend(differences);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn without_identity_too() {
    let mut wrong = Vec::new();
    for path in recordings() {
        wrong.extend(Recording::read(&path, anonymous).differences());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
