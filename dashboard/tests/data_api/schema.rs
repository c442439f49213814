//! As much of JSON Schema as the description uses; an unknown keyword fails.

use serde_json::Value;

/// What is wrong with `value` under `schema`, with its place.
pub fn errors(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        let target = root.pointer(pointer).unwrap_or_else(|| panic!("{name} is not described"));
        return errors(root, target, value, place);
    }
    let mut wrong = Vec::new();
    for (keyword, said) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "type" if !is_type(said, value) => wrong.push(format!("{place}: {value} is no {said}")),
            "enum" if !said.as_array().is_some_and(|known| known.contains(value)) => {
                wrong.push(format!("{place}: {value} is none of {said}"));
            }
            "format" if !has_format(said, value) => {
                wrong.push(format!("{place}: {value} is no {said}"));
            }
            "anyOf" => {
                let mut kinds = said.as_array().into_iter().flatten();
                if !kinds.any(|one| errors(root, one, value, place).is_empty()) {
                    wrong.push(format!("{place}: {value} is none of {said}"));
                }
            }
            "items" => wrong.extend(items(root, said, value, place)),
            "properties" => wrong.extend(properties(root, schema, value, place)),
            "required" => wrong.extend(missing(said, value, place)),
            "description" | "additionalProperties" | "type" | "enum" | "format" => {}
            unknown => panic!("{place}: this test does not know the keyword {unknown}"),
        }
    }
    if let (Value::Object(fields), Value::Object(more)) = (value, &schema["additionalProperties"])
        && schema["properties"].is_null()
    {
        let more = Value::Object(more.clone());
        wrong.extend(
            fields
                .iter()
                .flat_map(|(name, value)| errors(root, &more, value, &format!("{place}.{name}"))),
        );
    }
    wrong
}

fn items(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let items = value.as_array().into_iter().flatten().enumerate();
    items
        .flat_map(|(index, item)| errors(root, schema, item, &format!("{place}[{index}]")))
        .collect()
}

fn properties(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    fields
        .flat_map(|(name, value)| {
            let place = format!("{place}.{name}");
            match schema["properties"].get(name) {
                Some(schema) => errors(root, schema, value, &place),
                None if schema["additionalProperties"] == false => {
                    vec![format!("{place} is not described")]
                }
                None => Vec::new(),
            }
        })
        .collect()
}

fn missing(required: &Value, value: &Value, place: &str) -> Vec<String> {
    let Some(fields) = value.as_object() else { return Vec::new() };
    let names = required.as_array().into_iter().flatten().filter_map(Value::as_str);
    names
        .filter(|name| !fields.contains_key(*name))
        .map(|name| format!("{place}.{name} is missing"))
        .collect()
}

fn is_type(said: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        unknown => panic!("unknown type {unknown}"),
    };
    match said {
        Value::String(name) => is(name),
        names => names.as_array().into_iter().flatten().filter_map(Value::as_str).any(is),
    }
}

fn has_format(said: &Value, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return true };
    match said.as_str() {
        Some("uuid") => text.parse::<nexus_contract::ExchangeId>().is_ok(),
        Some("date-time") => text.parse::<jiff::Timestamp>().is_ok(),
        _other => true,
    }
}
