//! One row of the table: what a route takes and what it answers.

use serde_json::Value;

use super::schema;

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, without a token.
    Anybody,
    /// Whoever is signed in; what belongs to others is not found.
    User,
    /// Administrators.
    Admin,
}

/// Whether an `Idempotency-Key` is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Not looked at.
    Ignored,
    /// It may be sent.
    Optional,
    /// It must be sent.
    Required,
}

/// What an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// No body.
    Nothing,
    /// JSON of that schema.
    Json(&'static str),
    /// Text of that media type.
    Text(&'static str),
}

/// A parameter of the query.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub schema: Value,
}

/// What a method does on a path.
#[derive(Clone, Debug)]
pub struct Operation {
    /// In capitals.
    pub method: &'static str,
    /// With parameters in braces.
    pub path: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The group that it is shown in.
    pub tag: &'static str,
    /// Who may call.
    pub who: Who,
    /// Parameters of the query.
    pub query: Vec<Parameter>,
    /// The schema of the body.
    pub body: Option<&'static str>,
    /// Whether the body may be absent.
    pub body_is_optional: bool,
    /// Whether a key is looked at.
    pub key: Key,
    /// Each answer that is no problem.
    pub answers: Vec<(u16, Content)>,
    /// The codes of its own problems; those that follow from the marks above are added by [`Operation::problems`].
    pub own_problems: Vec<(u16, &'static str)>,
    /// Whether its answers count against the rate limit of a user.
    pub is_limited: bool,
}

/// A GET operation, for everybody until said otherwise.
pub fn get(path: &'static str, summary: &'static str) -> Operation {
    operation("GET", path, summary)
}

/// A POST operation.
pub fn post(path: &'static str, summary: &'static str) -> Operation {
    operation("POST", path, summary)
}

/// A PUT operation.
pub fn put(path: &'static str, summary: &'static str) -> Operation {
    operation("PUT", path, summary)
}

/// A PATCH operation.
pub fn patch(path: &'static str, summary: &'static str) -> Operation {
    operation("PATCH", path, summary)
}

/// A DELETE operation.
pub fn delete(path: &'static str, summary: &'static str) -> Operation {
    operation("DELETE", path, summary)
}

fn operation(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path,
        summary,
        tag: "",
        who: Who::Anybody,
        query: vec![],
        body: None,
        body_is_optional: false,
        key: Key::Ignored,
        answers: vec![],
        own_problems: vec![],
        is_limited: false,
    }
}

impl Operation {
    /// In that group.
    pub fn tag(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    /// For whoever is signed in.
    pub fn user(self) -> Self {
        Self { who: Who::User, ..self }
    }

    /// For administrators.
    pub fn admin(self) -> Self {
        Self { who: Who::Admin, ..self }
    }

    /// With that body.
    pub fn takes(self, schema: &'static str) -> Self {
        Self { body: Some(schema), ..self }
    }

    /// With that body, or none.
    pub fn may_take(self, schema: &'static str) -> Self {
        Self { body_is_optional: true, ..self.takes(schema) }
    }

    /// With a key, if the client likes.
    pub fn keyed(self) -> Self {
        Self { key: Key::Optional, ..self }
    }

    /// With a key.
    pub fn key_required(self) -> Self {
        Self { key: Key::Required, ..self }
    }

    /// With that parameter.
    pub fn query(mut self, name: &'static str, schema: Value) -> Self {
        self.query.push(Parameter { name, schema });
        self.problem(422, "invalid_parameter")
    }

    /// A list in pages of that schema.
    pub fn lists(self, page: &'static str) -> Self {
        self.paged().answers(200, page)
    }

    /// In pages.
    fn paged(self) -> Self {
        let paged = self.query("limit", schema::between(1, 100)).query("cursor", schema::text());
        paged.problem(400, "invalid_parameter").problem(400, "invalid_cursor")
    }

    /// Publishes a page of what the service owns again.
    pub fn republishes(self) -> Self {
        self.admin().paged().answers(202, "Republished")
    }

    /// Answers JSON of that schema.
    pub fn answers(mut self, status: u16, schema: &'static str) -> Self {
        self.answers.push((status, Content::Json(schema)));
        self
    }

    /// Answers this instead, which is no problem document either.
    pub fn or(self, status: u16, schema: &'static str) -> Self {
        self.answers(status, schema)
    }

    /// Answers without a body.
    pub fn empty(mut self, status: u16) -> Self {
        self.answers.push((status, Content::Nothing));
        self
    }

    /// Answers text.
    pub fn text(mut self, status: u16, media_type: &'static str) -> Self {
        self.answers.push((status, Content::Text(media_type)));
        self
    }

    /// May be refused with that code.
    pub fn problem(mut self, status: u16, code: &'static str) -> Self {
        self.own_problems.push((status, code));
        self
    }

    /// May be refused with one of these codes.
    pub fn problems_of(mut self, status: u16, codes: &[&'static str]) -> Self {
        self.own_problems.extend(codes.iter().map(|code| (status, *code)));
        self
    }

    /// Whether it is part of the API, and no look at the process.
    pub fn is_api(&self) -> bool {
        self.path.starts_with("/api/")
    }

    /// The names of the path's parameters, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Every problem that it may answer, by status and code.
    pub fn problems(&self) -> Vec<(u16, &'static str)> {
        let mut all = self.own_problems.clone();
        if self.is_api() {
            all.extend([(400, "malformed_query"), (400, "duplicate_parameter"), (400, "malformed_path")]);
            all.extend([(500, "internal"), (503, "unavailable"), (503, "timeout"), (503, "stopping")]);
        }
        if self.is_limited {
            all.extend([(429, "rate_limited"), (503, "service_unavailable"), (503, "outcome_unknown")]);
        }
        if self.who != Who::Anybody {
            all.extend([(401, "missing_token"), (401, "invalid_token"), (401, "token_expired")]);
            all.push((503, "keys_unavailable"));
        }
        if self.who == Who::Admin {
            all.push((403, "forbidden"));
        }
        if self.path_parameters().next().is_some() {
            all.push((404, "not_found"));
        }
        if self.method != "GET" {
            all.extend([(413, "body_too_large"), (503, "overloaded"), (503, "outcome_unknown")]);
        }
        if self.body.is_some() {
            all.extend([(400, "malformed_json"), (415, "unsupported_media_type"), (422, "invalid_body")]);
        }
        if self.key != Key::Ignored {
            all.extend([(400, "invalid_idempotency_key"), (409, "idempotency_in_flight")]);
            all.push((422, "idempotency_key_reused"));
        }
        if self.key == Key::Required {
            all.push((400, "idempotency_key_required"));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}
