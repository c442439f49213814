//! A JSON object whose values are not read yet.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::text::JsonText;

/// The members of an object in their order. Reading one costs a skip over its bytes, no copy.
#[derive(Debug, Clone, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The value under `key`; of duplicates the last, as most readers of JSON have it.
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// The value under `key` when it is a string.
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.parse::<JsonText>(key).map(|text| text.0)
    }

    /// The value under `key` when it can be read as a `T`.
    pub fn parse<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.get(key)?.get()).ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }
}

/// The objects of an array; what is no object in it is passed over.
pub(super) fn list(raw: &RawValue) -> Vec<Object<'_>> {
    match serde_json::from_str(raw.get()) {
        Ok(objects) => objects,
        Err(_a_mixed_array) => serde_json::from_str::<Vec<&RawValue>>(raw.get())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| serde_json::from_str(item.get()).ok())
            .collect(),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some((name, value)) = map.next_entry::<JsonText<'de>, &RawValue>()? {
                    members.push((name.0, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Object)
    }
}
