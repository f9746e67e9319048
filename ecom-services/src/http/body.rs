//! JSON bodies of requests: either a value that fits its type, or a problem that names the field.

use ecom_core::payment::holds_card_number;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use warp::http::HeaderMap;
use warp::http::header::CONTENT_TYPE;

use super::problem::Problem;
use super::request::Request;

/// Reads the body of a request.
///
/// # Errors
/// 415 when it is not declared as JSON, 400 `malformed_json` when it is none, 422 with the field when it does not fit:
/// `unknown_field`, `missing_field`, `duplicate_field`, `invalid_type` or `invalid_value`.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    if !is_json(&request.headers) {
        return Err(Problem::unsupported_media_type());
    }
    // The whole text is checked first: a document that breaks off is malformed, whatever its first field holds.
    serde_json::from_slice::<IgnoredAny>(&request.body).map_err(|error| malformed(&error))?;
    // serde would read a struct from an array of its fields, too.
    if request.body.trim_ascii_start().first() != Some(&b'{') {
        return Err(misfit("", "invalid_type", "expected an object".to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&request.body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        match error.inner().classify() {
            Category::Data => unfit(&pointer, error.inner()),
            Category::Io | Category::Syntax | Category::Eof => malformed(error.inner()),
        }
    })
}

/// Reads a body that may be left out, with or without a content type: no bytes are the default.
pub fn json_or_default<T: DeserializeOwned + Default>(request: &Request) -> Result<T, Problem> {
    if request.body.is_empty() { Ok(T::default()) } else { json(request) }
}

/// Checks a text that people write: it must not hold what looks like a card number, which would be kept and shown.
///
/// # Errors
/// 422 `card_number_refused`.
pub fn free_text(pointer: &str, text: &str) -> Result<(), Problem> {
    if !holds_card_number(text) {
        return Ok(());
    }
    let detail = "this looks like a card number, and those are not kept here";
    Err(Problem::invalid_field(pointer, "card_number_refused", detail))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next().and_then(|value| value.to_str().ok()), values.next()) else {
        return false;
    };
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case("application/json")
        && matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = format!("the body is not valid JSON (line {}, column {})", error.line(), error.column());
    Problem::bad_request("malformed_json", detail)
}

/// The JSON pointer of a path.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segments = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    });
    segments.collect()
}

/// 422 from an error about the data. serde gives text alone, so its fixed openings tell the kinds apart; the tests
/// hold them.
fn unfit(pointer: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let named = text.split('`').nth(1).unwrap_or_default();
    let (pointer, code, detail) = if text.starts_with("unknown field") {
        (within(pointer, named), "unknown_field", "this field is not known".to_owned())
    } else if text.starts_with("missing field") {
        (within(pointer, named), "missing_field", "this field is required".to_owned())
    } else if text.starts_with("duplicate field") {
        (within(pointer, named), "duplicate_field", "this field is given twice".to_owned())
    } else if let Some((_, expected)) =
        text.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "))
    {
        (pointer.to_owned(), "invalid_type", format!("expected {}", plain(expected)))
    } else {
        // Our own types say what they want in one sentence; anything else is serde's and stays inside.
        let ours = !text.contains('`') && !text.starts_with("invalid ") && text != "data did not match any variant";
        let detail = if ours { text.to_owned() } else { "this value is not allowed here".to_owned() };
        (pointer.to_owned(), "invalid_value", detail)
    };
    misfit(&pointer, code, detail)
}

fn misfit(pointer: &str, code: &'static str, detail: String) -> Problem {
    Problem::invalid("invalid_body", "the body does not have the expected form").field(pointer, code, detail)
}

/// The pointer of a field of the object at `pointer`, unless it ends in that field already.
fn within(pointer: &str, field: &str) -> String {
    let last = format!("/{}", field.replace('~', "~0").replace('/', "~1"));
    if pointer.ends_with(&last) { pointer.to_owned() } else { format!("{pointer}{last}") }
}

/// What a type is called in JSON.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a string" | "a borrowed string" | "a formatted UUID string" | "a UUID string" => "a string",
        "a boolean" => "a boolean",
        "a sequence" => "an array",
        other if other.starts_with("struct ") || other.starts_with("a map") => "an object",
        _ => "another type",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ecom_core::money::Money;
    use ecom_core::quantity::Quantity;
    use serde::Deserialize;
    use warp::http::{HeaderValue, Method};

    use super::*;
    use crate::http::request::{Arrival, Query};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Order {
        items: Vec<Item>,
        note: Option<String>,
        #[serde(default)]
        gift: bool,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Item {
        id: uuid::Uuid,
        quantity: Quantity,
        price: Option<Money>,
    }

    fn request(content_type: Option<&'static str>, body: &str) -> Request {
        let mut headers = HeaderMap::new();
        headers.extend(content_type.map(|value| (CONTENT_TYPE, HeaderValue::from_static(value))));
        Request {
            method: Method::POST,
            path: "/".to_owned(),
            target: "/".to_owned(),
            parameters: vec![],
            query: Query::default(),
            headers,
            body: body.to_owned().into(),
            arrival: Arc::new(Arrival {
                correlation_id: String::new(),
                trace_id: String::new(),
                traceparent: String::new(),
                remote: [127, 0, 0, 1].into(),
            }),
        }
    }

    #[test]
    fn a_body_must_be_declared_as_json() {
        for (content_type, fits) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=UTF-8"), true),
            (Some("application/json;charset=latin1"), false),
            (Some("application/problem+json"), false),
            (Some("text/plain"), false),
            (Some("application/x-www-form-urlencoded"), false),
            (None, false),
        ] {
            let read = json::<Order>(&request(content_type, r#"{"items":[]}"#));
            assert_eq!(read.is_ok(), fits, "{content_type:?}");
            assert!(read.is_ok() || read.unwrap_err().code == "unsupported_media_type");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        let deep = "[".repeat(500);
        let deep_value = format!("{{\"items\":{}{}}}", "[".repeat(500), "]".repeat(500));
        for body in [
            "",
            " ",
            "{",
            r#"{"items":[]"#,
            r#"{"items":7"#,
            "{'items':[]}",
            r#"{"items":[]} x"#,
            "\u{feff}{}",
            "NaN",
            &deep,
        ] {
            let problem = json::<Order>(&request(Some("application/json"), body)).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.code), (400, "malformed_json"), "{body}");
        }
        assert!(json::<Order>(&request(Some("application/json"), &deep_value)).is_err());
    }

    #[test]
    fn a_misfit_names_its_field_and_nothing_of_ours() {
        let item = |rest: &str| format!(r#"{{"items":[{{"id":"00000000-0000-4000-8000-000000000001",{rest}}}]}}"#);
        for (body, pointer, code, detail) in [
            ("{}".to_owned(), "/items", "missing_field", "this field is required"),
            ("7".to_owned(), "", "invalid_type", "expected an object"),
            ("[[],null,false]".to_owned(), "", "invalid_type", "expected an object"),
            (r#"{"items":null}"#.to_owned(), "/items", "invalid_type", "expected an array"),
            (r#"{"items":[],"x":1}"#.to_owned(), "/x", "unknown_field", "this field is not known"),
            (r#"{"items":[],"a/b":1}"#.to_owned(), "/a~1b", "unknown_field", "this field is not known"),
            (r#"{"items":[],"items":[]}"#.to_owned(), "/items", "duplicate_field", "this field is given twice"),
            (r#"{"items":[],"gift":"yes"}"#.to_owned(), "/gift", "invalid_type", "expected a boolean"),
            (r#"{"items":[],"note":5}"#.to_owned(), "/note", "invalid_type", "expected a string"),
            (r#"{"items":[{"id":"x","quantity":1}]}"#.to_owned(), "/items/0/id", "invalid_value", ""),
            (item(r#""quantity":0"#), "/items/0/quantity", "invalid_value", "a quantity is between 1 and 1,000,000"),
            (item(r#""quantity":-1"#), "/items/0/quantity", "", ""),
            (
                item(r#""quantity":1.5"#),
                "/items/0/quantity",
                "invalid_type",
                "expected a whole number that is not negative",
            ),
            (
                item(r#""quantity":1,"price":{"amount":1.5,"currency":"EUR"}"#),
                "/items/0/price/amount",
                "invalid_type",
                "expected a string",
            ),
            (item(r#""quantity":1,"price":{"amount":"1.5","currency":"EUR"}"#), "/items/0/price", "invalid_value", ""),
            (item(r#""quantity":1,"price":{"amount":"1.50"}"#), "/items/0/price/currency", "missing_field", ""),
            (item(r#""quantity":1,"total":1"#), "/items/0/total", "unknown_field", ""),
        ] {
            let problem = json::<Order>(&request(Some("application/json"), &body)).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.code), (422, "invalid_body"), "{body}");
            let error = &problem.errors[0];
            assert_eq!(error.pointer, pointer, "{body}: {error:?}");
            assert!(code.is_empty() || error.code == code, "{body}: {error:?}");
            assert!(detail.is_empty() || error.detail == detail, "{body}: {error:?}");
            assert!(
                !error.detail.contains("serde") && !error.detail.contains("struct") && !error.detail.contains(" line ")
            );
        }
    }
}
