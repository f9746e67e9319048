//! `ecom admin`: administrators, for whoever has the databases.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Subcommand;
use ecom_core::email::Email;

use super::up::UpArguments;
use super::{Failure, runtime};
use crate::compose::{DataDir, create_administrator};
use crate::config::{Config, Problems};
use crate::telemetry;

/// What to do with administrators.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum AdminVerb {
    /// Add an administrator. The password is that of ADMIN_PASSWORD, or else a random one that is printed once.
    Create {
        /// His address; without it that of ADMIN_EMAIL.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        #[command(flatten)]
        shop: UpArguments,
    },
}

pub(super) fn run(verb: &AdminVerb) -> Result<ExitCode, Failure> {
    let AdminVerb::Create { email, shop } = verb;
    let mut variables: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    if let Some(email) = email {
        variables.insert("ADMIN_EMAIL".to_owned(), email.clone());
    }
    let is_given = |name: &str| variables.get(name).is_some_and(|value| !value.trim().is_empty());
    if !is_given("ADMIN_EMAIL") {
        return Err(Failure::usage("whom? give --email or ADMIN_EMAIL"));
    }
    let text = variables.get("ADMIN_EMAIL").cloned().unwrap_or_default();
    let email = Email::parse(&text).map_err(|error| Failure::usage(format!("{text:?}: {error}")))?;
    if !is_given("ADMIN_PASSWORD") && !is_given("ADMIN_PASSWORD_FILE") {
        // An address alone is no credential; the password is made below.
        variables.remove("ADMIN_EMAIL");
    }
    let config = read(shop, &variables).map_err(Failure::usage)?;
    telemetry::init(&config.telemetry).map_err(Failure::usage)?;
    let data = DataDir::open(shop.data()).map_err(Failure::failed)?;
    let made = runtime()?.block_on(create_administrator(&data, &config, email.clone())).map_err(Failure::failed)?;
    match made {
        Some(password) => println!("{} is an administrator with password {}", email.as_str(), password.reveal()),
        None => println!("{} is an administrator", email.as_str()),
    }
    Ok(ExitCode::SUCCESS)
}

fn read(shop: &UpArguments, variables: &BTreeMap<String, String>) -> Result<Config, Problems> {
    Config::read(&shop.process(), variables, &|path| std::fs::read_to_string(path))
}
