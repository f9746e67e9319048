//! From the table of operations to the document.

use serde_json::{Map, Value, json};
use warp::http::StatusCode;

use super::operation::{Content, Key, Operation, Who};
use super::schema;
use crate::http::problem;

/// Schemas by name.
pub type Schemas = Vec<(&'static str, Value)>;

/// What one process answers.
pub struct Document {
    /// Its title.
    pub title: String,
    /// What there is to know beforehand.
    pub description: &'static str,
    /// Its operations.
    pub operations: Vec<Operation>,
    /// The schemas that they name.
    pub schemas: Schemas,
}

impl Document {
    /// As JSON (OpenAPI 3.1).
    pub fn to_json(&self) -> Value {
        let mut paths = Map::new();
        for operation in &self.operations {
            let item = paths.entry(operation.path).or_insert_with(|| json!({}));
            item[operation.method.to_ascii_lowercase()] = describe(operation);
        }
        let schemas: Map<String, Value> =
            self.schemas.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": self.description,
            },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "parameters": parameters(),
                "headers": headers(),
                "securitySchemes": {
                    "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                },
            },
        })
    }
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters_of(operation),
        "responses": responses(operation),
    });
    if operation.who != Who::Anybody {
        described["security"] = json!([{ "token": [] }]);
        let role = if operation.who == Who::Admin { "admin" } else { "customer" };
        described["x-role"] = role.into();
    }
    if let Some(body) = operation.body {
        described["requestBody"] = json!({
            "required": !operation.body_is_optional,
            "content": { "application/json": { "schema": schema::named(body) } },
        });
    }
    described
}

/// `get_orders_id_timeline` for `GET /api/v1/orders/{id}/timeline`.
fn operation_id(operation: &Operation) -> String {
    let path = operation.path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(operation.method.to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

fn parameters_of(operation: &Operation) -> Vec<Value> {
    let common = |name: &str| json!({ "$ref": format!("#/components/parameters/{name}") });
    let in_path = operation
        .path_parameters()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": schema::named("Id") }));
    let in_query = operation
        .query
        .iter()
        .map(|parameter| json!({ "name": parameter.name, "in": "query", "schema": parameter.schema }));
    let key = match operation.key {
        Key::Ignored => None,
        Key::Optional => Some(common("IdempotencyKey")),
        Key::Required => Some(common("RequiredIdempotencyKey")),
    };
    in_path.chain(in_query).chain(key).chain([common("CorrelationId")]).collect()
}

fn responses(operation: &Operation) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, content) in &operation.answers {
        let mut response = json!({ "description": reason(*status), "headers": headers_of(operation, *status) });
        match content {
            Content::Nothing => {}
            Content::Json(name) => {
                response["content"] = json!({ "application/json": { "schema": schema::named(name) } });
            }
            Content::Text(media_type) => {
                response["content"] = json!({ *media_type: { "schema": schema::text() } });
            }
        }
        responses.insert(status.to_string(), response);
    }
    for (status, code) in operation.problems() {
        let entry = responses.entry(status.to_string()).or_insert_with(
            || json!({ "description": reason(status), "headers": headers_of(operation, status), "x-codes": [] }),
        );
        entry["content"][problem::MEDIA_TYPE] = json!({ "schema": schema::named("Problem") });
        match entry.get_mut("x-codes").and_then(Value::as_array_mut) {
            Some(codes) => codes.push(code.into()),
            None => entry["x-codes"] = json!([code]),
        }
    }
    responses
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Answer")
}

fn headers_of(operation: &Operation, status: u16) -> Value {
    let mut names = vec!["X-Correlation-Id"];
    if matches!(status, 429 | 503) {
        names.push("Retry-After");
    }
    if status == 401 {
        names.push("WWW-Authenticate");
    }
    if operation.is_limited {
        names.extend(["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]);
    }
    if operation.key != Key::Ignored && (200..300).contains(&status) {
        names.push("Idempotent-Replayed");
    }
    let named =
        names.into_iter().map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })));
    Value::Object(named.collect())
}

fn parameters() -> Value {
    let header = |name: &str, required: bool, max: u64, description: &str| {
        json!({
            "name": name,
            "in": "header",
            "required": required,
            "description": description,
            "schema": schema::length(schema::text(), 1, max),
        })
    };
    let key = "Repeating the request with the same key and body gives the first answer and has no second effect.";
    json!({
        "IdempotencyKey": header("Idempotency-Key", false, 255, key),
        "RequiredIdempotencyKey": header("Idempotency-Key", true, 255, key),
        "CorrelationId": header("X-Correlation-Id", false, 128, "Returned and logged; a new one when it is absent."),
    })
}

fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    json!({
        "X-Correlation-Id": header("The request's, or a new one.", schema::text()),
        "Retry-After": header("Seconds to wait.", schema::count()),
        "WWW-Authenticate": header("How to prove who calls.", schema::text()),
        "RateLimit-Limit": header("How many requests may be sent in the window.", schema::count()),
        "RateLimit-Remaining": header("How many are left.", schema::count()),
        "RateLimit-Reset": header("Seconds until all may be sent again.", schema::count()),
        "Idempotent-Replayed": header("`true` on the answer to a repeated request.", schema::one_of(&["true"])),
    })
}
