//! Small words for JSON schemas. A property whose name ends in `?` may be absent.

use serde_json::{Map, Value, json};

/// A named schema of the document.
pub fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Any value.
pub fn any() -> Value {
    json!({})
}

/// A string.
pub fn text() -> Value {
    json!({ "type": "string" })
}

/// A string that fits a regular expression.
pub fn pattern(expression: &str) -> Value {
    json!({ "type": "string", "pattern": expression })
}

/// A string of so many characters.
pub fn length(mut schema: Value, min: u64, max: u64) -> Value {
    schema["minLength"] = min.into();
    schema["maxLength"] = max.into();
    schema
}

/// A UUID.
pub fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

/// A point in time (RFC 3339, UTC).
pub fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// A whole number.
pub fn integer() -> Value {
    json!({ "type": "integer" })
}

/// A whole number that is not negative.
pub fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A whole number within bounds.
pub fn between(min: i64, max: i64) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": max })
}

/// True or false.
pub fn boolean() -> Value {
    json!({ "type": "boolean" })
}

/// One of these words.
pub fn one_of(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// That, or null.
pub fn nullable(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// A list.
pub fn array(items: Value) -> Value {
    let mut schema = json!({ "type": "array" });
    schema["items"] = items;
    schema
}

/// An object with any content.
pub fn any_object() -> Value {
    json!({ "type": "object" })
}

/// An object whose properties are named by data.
pub fn map(values: Value) -> Value {
    let mut schema = json!({ "type": "object" });
    schema["additionalProperties"] = values;
    schema
}

/// An object. More properties may be added one day, so a client passes over what it does not know.
pub fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let (mut fields, mut required) = (Map::new(), vec![]);
    for (name, schema) in properties {
        if name.strip_suffix('?').is_none() {
            required.push(name);
        }
        fields.insert(name.trim_end_matches('?').to_owned(), schema);
    }
    json!({ "type": "object", "properties": fields, "required": required })
}

/// An object without any other property: what requests are.
pub fn closed<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let mut schema = object(properties);
    schema["additionalProperties"] = false.into();
    schema
}

/// A page of a list.
pub fn page(items: &str) -> Value {
    object([("items", array(named(items))), ("next_cursor", nullable(&text()))])
}
