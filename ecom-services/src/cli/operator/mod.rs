//! The operators' commands: they speak HTTP to a shop that runs, as an administrator.

mod letters;
mod resync;
mod saga;
mod table;
mod why;

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Failure, credentials, runtime};
use crate::demo::client::{Call, Shop, refusal};
use crate::demo::session::Credentials;

pub(super) use letters::{LetterVerb, letters};
pub(super) use resync::{ResyncArguments, resync};
pub(super) use saga::{SagaVerb, saga};
pub(super) use why::{WhyArguments, why};

/// The most rows of one page.
const PAGE: usize = 100;

/// Where the shop is. ADMIN_EMAIL and ADMIN_PASSWORD, or ECOM_TOKEN, say who asks.
#[derive(Args, Clone, Debug)]
pub(super) struct Access {
    /// The base URL of the gateway.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// How much of a list.
#[derive(Args, Clone, Debug)]
pub(super) struct Extent {
    /// How many rows at most, the newest first.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// An administrator who is signed in.
pub(super) struct Operator {
    shop: Shop,
    token: String,
    json: bool,
}

/// Signs in and does what is asked.
pub(super) fn run(
    access: &Access,
    work: impl AsyncFnOnce(&Operator) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let credentials = credentials()?;
    runtime()?.block_on(async {
        let operator = Operator::sign_in(access, credentials).await?;
        work(&operator).await.map(|()| ExitCode::SUCCESS)
    })
}

impl Operator {
    async fn sign_in(access: &Access, credentials: Credentials) -> Result<Self, Failure> {
        let shop = Shop::new(&access.url).map_err(Failure::failed)?;
        let operator = Self { shop, token: String::new(), json: access.json };
        let token = match credentials {
            Credentials::Token(token) => token,
            Credentials::Password { email, password } => {
                let login = Call::post("/api/v1/users/login", json!({ "email": email, "password": password }));
                let signed_in = operator.ask(&login).await?;
                text(&signed_in, "/access_token")
            }
        };
        Ok(Self { token, ..operator })
    }

    /// Reads below `/api/v1`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(&Call::get(format!("/api/v1{path}")).token(&self.token)).await
    }

    /// Does something below `/api/v1`.
    pub(super) async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.ask(&Call::post(format!("/api/v1{path}"), body).token(&self.token)).await
    }

    /// The first rows of a list.
    pub(super) async fn list(&self, path: &str, extent: &Extent) -> Result<Vec<Value>, Failure> {
        let wanted = extent.limit as usize;
        let mark = if path.contains('?') { '&' } else { '?' };
        let (mut rows, mut cursor) = (vec![], String::new());
        loop {
            let limit = PAGE.min(wanted - rows.len());
            let page = self.get(&format!("{path}{mark}limit={limit}{cursor}")).await?;
            rows.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) if rows.len() < wanted => cursor = format!("&cursor={next}"),
                _ => return Ok(rows),
            }
        }
    }

    /// Prints the value as JSON, if that is wanted, or else the text.
    pub(super) fn print(&self, value: &Value, text: impl FnOnce() -> String) {
        if self.json { println!("{value}") } else { println!("{}", text().trim_end()) }
    }

    /// Once: an operator sees at once what is wrong, and may try again himself.
    async fn ask(&self, call: &Call) -> Result<Value, Failure> {
        let answer = self.shop.attempt(call).await.map_err(Failure::line)?;
        if !answer.is_success() {
            return Err(Failure::line(refusal(call, &answer)));
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        answer.json().map_err(Failure::line)
    }
}

/// A text of the answer; empty when there is none.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// A sum of money of the answer, for people.
pub(super) fn money(value: &Value, pointer: &str) -> String {
    let part = |name: &str| text(value, &format!("{pointer}/{name}"));
    format!("{} {}", part("amount"), part("currency")).trim().to_owned()
}
