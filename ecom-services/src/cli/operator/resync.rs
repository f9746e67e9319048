//! `ecom resync`: a service publishes the current versions of what it owns again. Whoever has a version already stays as
//! he is, so it is safe at any time.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Access, Failure, PAGE, run};

/// What to publish again.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct ResyncArguments {
    /// Of what.
    what: Subject,
    #[command(flatten)]
    access: Access,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Subject {
    /// Products, to the order service.
    Products,
    /// Users, to the notification service.
    Users,
}

pub(in crate::cli) fn resync(arguments: &ResyncArguments) -> Result<ExitCode, Failure> {
    let word = match arguments.what {
        Subject::Products => "products",
        Subject::Users => "users",
    };
    run(&arguments.access, async |operator| {
        let (mut count, mut cursor) = (0, String::new());
        loop {
            let path = format!("/admin/resync/{word}?limit={PAGE}{cursor}");
            let page = operator.post(&path, Value::Null).await?;
            count += page["count"].as_u64().unwrap_or(0);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        operator.print(&json!({ "count": count }), || format!("{count} {word} published again"));
        Ok(())
    })
}
