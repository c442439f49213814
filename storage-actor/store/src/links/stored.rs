//! Facts as they lie in their row: without what other columns hold, hashes as bytes instead of digits,
//! and packed.

use std::fmt::Display;

use nexus_linking::{AnswerFacts, Moment, RequestFacts};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    bodies::packed,
    error::{Result, StoreError},
};

/// Stands before the bytes of a hash. No JSON has it.
const HASH: u8 = 1;
const BYTES: usize = 32;

/// Packs what is not in the columns; [`FactsRow`](super::row::FactsRow) puts it together again.
pub(super) fn pack_request(request: &RequestFacts) -> Result<Vec<u8>> {
    let rest = RequestFacts {
        moment: Moment::FIRST,
        domain: beside_column(Some(&request.domain)).unwrap_or_default(),
        session: beside_column(request.session.as_ref()),
        agent: beside_column(request.agent.as_ref()),
        client: beside_column(Some(&request.client)).unwrap_or_default(),
        thread: beside_column(request.thread.as_ref()),
        ..request.clone()
    };
    pack(&rest)
}

/// The same of the answer to `request`. Its whole text is no summary for one that asked for none.
pub(super) fn pack_answer(answer: &AnswerFacts, request: Option<&RequestFacts>) -> Result<Vec<u8>> {
    let asked = request.is_none_or(|request| request.summarises);
    let rest = AnswerFacts {
        message_id: beside_column(answer.message_id.as_ref()),
        plain_summary: answer.plain_summary.filter(|_| asked),
        ..answer.clone()
    };
    pack(&rest)
}

/// A column holds every text but one with a NUL.
fn beside_column(text: Option<&String>) -> Option<String> {
    text.filter(|text| text.contains('\0')).cloned()
}

fn pack(facts: &impl Serialize) -> Result<Vec<u8>> {
    let json = serde_json::to_string(facts).map_err(|error| unwritable(&error))?;
    packed::pack_facts(&fold(&json)).map_err(|error| unwritable(&error))
}

fn unwritable(why: &dyn Display) -> StoreError {
    StoreError::Rejected(format!("facts cannot be written: {why}"))
}

/// What was packed.
pub(super) fn unpack<T: DeserializeOwned>(facts: &[u8]) -> Result<T> {
    let folded = packed::unpack(facts).map_err(|error| damaged(&error))?;
    let json = unfold(&folded).ok_or_else(|| damaged(&"a hash is cut off"))?;
    serde_json::from_slice(&json).map_err(|error| damaged(&error))
}

fn damaged(why: &dyn Display) -> StoreError {
    StoreError::Corrupt(format!("link_facts cannot be read: {why}"))
}

/// Half the bytes for each hash. Digits say nothing that could be compressed.
fn fold(json: &str) -> Vec<u8> {
    let mut folded = Vec::with_capacity(json.len());
    for (place, text) in json.split('"').enumerate() {
        if place > 0 {
            folded.push(b'"');
        }
        if let Some(hash) = hash(text) {
            folded.push(HASH);
            folded.extend_from_slice(&hash);
        } else {
            folded.extend_from_slice(text.as_bytes());
        }
    }
    folded
}

/// The bytes of a text that is the digits of a hash and nothing else.
fn hash(text: &str) -> Option<[u8; BYTES]> {
    let is_spelled = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    let mut hash = [0; BYTES];
    let is_hash = text.len() == 2 * BYTES
        && text.bytes().all(is_spelled)
        && hex::decode_to_slice(text, &mut hash).is_ok();
    is_hash.then_some(hash)
}

/// What was folded; `None` when it ends within a hash.
fn unfold(mut folded: &[u8]) -> Option<Vec<u8>> {
    let mut json = Vec::with_capacity(2 * folded.len());
    while let Some(at) = memchr::memchr(HASH, folded) {
        let (before, rest) = folded.split_at(at);
        let (hash, behind) = rest[1..].split_first_chunk::<BYTES>()?;
        json.extend_from_slice(before);
        json.extend_from_slice(hex::encode(hash).as_bytes());
        folded = behind;
    }
    json.extend_from_slice(folded);
    Some(json)
}

#[cfg(test)]
mod tests {
    use nexus_linking::{Fact, Hash, forest::forest};
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_turn_takes_little_more_than_its_hashes() {
        let mut facts = forest(&mut StdRng::seed_from_u64(5), 40);
        let (mut bytes, mut hashes, mut count) = (0, 0, 0);
        for fact in &mut facts {
            count += 1;
            let (json, packed) = match fact {
                Fact::Request(_, request) => {
                    // The trie of prefixes has them.
                    request.blocks.clear();
                    (serde_json::to_string(request), pack_request(request))
                }
                Fact::Answer(_, answer) => {
                    (serde_json::to_string(answer), pack_answer(answer, None))
                }
            };
            let json = json.expect("JSON");
            hashes += BYTES * json.split('"').filter(|text| hash(text).is_some()).count();
            bytes += packed.expect("packed").len();
        }
        assert!(count > 40 && bytes < hashes + 80 * count, "{bytes} for {hashes} of {count}");
    }

    #[test]
    fn what_ends_within_a_hash_is_damaged() {
        let folded = fold(&format!("[\"{}\"]", Hash::of("said")));
        assert_eq!(folded.len(), BYTES + 5);
        assert_eq!(unfold(&folded[..BYTES]), None);
    }

    #[test]
    fn a_text_with_a_nul_stands_beside_its_column() {
        let answer = AnswerFacts { message_id: Some("msg\0".to_owned()), ..AnswerFacts::default() };
        let packed = pack_answer(&answer, None).expect("packed");
        assert_eq!(unpack::<AnswerFacts>(&packed).expect("unpacked"), answer);
    }

    proptest! {
        #[test]
        fn what_is_folded_unfolds(texts in proptest::collection::vec("[0-9a-fA-F]{62,66}|.*", 0..5)) {
            let json = serde_json::to_string(&texts).expect("JSON");
            prop_assert_eq!(unfold(&fold(&json)).expect("whole"), json.into_bytes());
        }
    }
}
