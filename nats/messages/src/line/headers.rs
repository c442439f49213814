//! Headers as a JSON object: a name that occurs once has a string, a repeated one a list.

use nexus_contract::Headers;
use serde::{Deserialize, Serialize};

/// Name to value or values, in order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeaderFields(serde_json::Map<String, serde_json::Value>);

impl HeaderFields {
    /// Recorded, which masks secrets once more.
    pub fn to_headers(&self) -> Headers {
        self.0
            .iter()
            .flat_map(|(name, value)| values(value).map(move |value| (name.clone(), value)))
            .collect()
    }

    /// One value under `name` (lower case), in place of those it had.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.into());
    }
}

fn values(value: &serde_json::Value) -> impl Iterator<Item = String> {
    let list = match value {
        serde_json::Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().map(|value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

impl From<&Headers> for HeaderFields {
    fn from(headers: &Headers) -> Self {
        let mut fields = serde_json::Map::new();
        for (name, value) in headers.iter() {
            match fields.get_mut(name) {
                None => {
                    fields.insert(name.to_owned(), value.into());
                }
                Some(serde_json::Value::Array(list)) => list.push(value.into()),
                Some(one) => *one = vec![one.take(), value.into()].into(),
            }
        }
        Self(fields)
    }
}
