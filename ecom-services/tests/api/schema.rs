//! Holds JSON against a schema: as much of JSON Schema as the description of the API uses.

use serde_json::Value;

/// Where a value does not fit. What a schema with properties does not name does not fit either: clients pass it over, but
/// here it shows that the description is behind.
pub(crate) fn misfits(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#'));
        return misfits(document, target.expect("the schema is there"), value, place);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let all: Vec<Vec<String>> = choices.iter().map(|choice| misfits(document, choice, value, place)).collect();
        return if all.iter().any(Vec::is_empty) { vec![] } else { all.concat() };
    }
    let mut found = vec![];
    let mut expect = |fits: bool, what: &str| {
        if !fits {
            found.push(format!("{place} is not {what}: {value}"));
        }
    };
    if let Some(kind) = schema["type"].as_str() {
        let fits = match kind {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "null" => value.is_null(),
            other => panic!("{other} is not known here"),
        };
        expect(fits, kind);
    }
    if let Some(words) = schema["enum"].as_array() {
        expect(words.contains(value), "one of the words");
    }
    if let (Some(text), Some(format)) = (value.as_str(), schema["format"].as_str()) {
        let fits = match format {
            "uuid" => uuid::Uuid::try_parse(text).is_ok(),
            "date-time" => ecom_core::time::Timestamp::parse(text).is_some() && text.ends_with('Z'),
            other => panic!("{other} is not known here"),
        };
        expect(fits, format);
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        expect(schema["minLength"].as_u64().is_none_or(|min| length >= min), "long enough");
        expect(schema["maxLength"].as_u64().is_none_or(|max| length <= max), "short enough");
    }
    if let Some(number) = value.as_i64() {
        expect(schema["minimum"].as_i64().is_none_or(|min| number >= min), "large enough");
        expect(schema["maximum"].as_i64().is_none_or(|max| number <= max), "small enough");
    }
    found.extend(inside(document, schema, value, place));
    found
}

/// The misfits of items and properties.
fn inside(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = vec![];
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(misfits(document, &schema["items"], item, &format!("{place}/{index}")));
    }
    let Some(fields) = value.as_object() else { return found };
    let known = schema["properties"].as_object();
    for (name, field) in fields {
        let place = format!("{place}/{name}");
        match (known.and_then(|known| known.get(name)), &schema["additionalProperties"]) {
            (Some(schema), _) => found.extend(misfits(document, schema, field, &place)),
            (None, other @ Value::Object(_)) => found.extend(misfits(document, other, field, &place)),
            (None, _) if known.is_some() => found.push(format!("{place} is not described")),
            (None, _) => {}
        }
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    found.extend(required.filter(|name| !fields.contains_key(*name)).map(|name| format!("{place}/{name} is missing")));
    found
}

#[test]
fn what_does_not_fit_is_found() {
    let document = serde_json::json!({ "components": { "schemas": { "Id": { "type": "string", "format": "uuid" } } } });
    let schema = serde_json::json!({
        "type": "object",
        "properties": {
            "id": { "$ref": "#/components/schemas/Id" },
            "count": { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "null" }] },
        },
        "required": ["id"],
    });
    for (value, count) in [
        (serde_json::json!({ "id": "00000000-0000-4000-8000-000000000000", "count": null }), 0),
        (serde_json::json!({ "id": "1" }), 1),
        (serde_json::json!({ "count": 1 }), 1),
        (serde_json::json!({ "id": "00000000-0000-4000-8000-000000000000", "more": 1 }), 1),
        (serde_json::json!({ "id": "00000000-0000-4000-8000-000000000000", "count": 0 }), 2),
        (serde_json::json!([]), 1),
    ] {
        assert_eq!(misfits(&document, &schema, &value, "").len(), count, "{value}");
    }
}
