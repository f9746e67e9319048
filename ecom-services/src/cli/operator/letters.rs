//! `ecom dlq`: messages that were given up.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use super::table::{plain, table};
use super::{Access, Extent, Failure, Operator, run, text};
use crate::demo::client::escape;

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum LetterVerb {
    /// List dead letters.
    List {
        /// Only those of this queue.
        #[arg(long, value_name = "QUEUE")]
        queue: Option<String>,
        #[command(flatten)]
        extent: Extent,
        #[command(flatten)]
        access: Access,
    },
    /// Show a dead letter with its message.
    Show {
        /// The message.
        id: Uuid,
        #[command(flatten)]
        access: Access,
    },
    /// Handle the message after all.
    Replay(Deed),
    /// Close the letter without handling its message.
    Discard(Deed),
}

/// Something done to a dead letter.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Deed {
    /// The message.
    id: Uuid,
    /// Why; it is kept.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Only in this queue, where several gave the message up.
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    #[command(flatten)]
    access: Access,
}

/// The most letters that are looked through for one.
const SEARCHED: Extent = Extent { limit: 10_000 };

pub(in crate::cli) fn letters(verb: &LetterVerb) -> Result<ExitCode, Failure> {
    match verb {
        LetterVerb::List { queue, extent, access } => {
            let path = format!("/admin/dead-letters{}", only(queue.as_deref()));
            run(access, async |operator| {
                let rows = operator.list(&path, extent).await?;
                operator.print(&Value::from(rows.clone()), || listed(&rows));
                Ok(())
            })
        }
        LetterVerb::Show { id, access } => run(access, async |operator| {
            let rows = operator.list("/admin/dead-letters", &SEARCHED).await?;
            let id = id.to_string();
            let found: Vec<Value> = rows.into_iter().filter(|row| text(row, "/id") == id).collect();
            if found.is_empty() {
                return Err(Failure::failed(format!("there is no open dead letter {id}")));
            }
            operator.print(&Value::from(found.clone()), || found.iter().map(shown).collect::<Vec<_>>().join("\n\n"));
            Ok(())
        }),
        LetterVerb::Replay(deed) => run(&deed.access, async |operator| act(operator, deed, "replay").await),
        LetterVerb::Discard(deed) => run(&deed.access, async |operator| act(operator, deed, "discard").await),
    }
}

async fn act(operator: &Operator, deed: &Deed, action: &str) -> Result<(), Failure> {
    let path = format!("/admin/dead-letters/{}/{action}{}", deed.id, only(deed.queue.as_deref()));
    let closed = operator.post(&path, json!({ "reason": deed.reason })).await?;
    let rows = closed["items"].as_array().cloned().unwrap_or_default();
    operator.print(&Value::from(rows.clone()), || {
        let queues = rows.iter().map(|row| plain(&text(row, "/queue"))).collect::<Vec<_>>().join(", ");
        format!("{action}: {} in {queues}: done", deed.id)
    });
    Ok(())
}

fn only(queue: Option<&str>) -> String {
    queue.map(|queue| format!("?queue={}", escape(queue))).unwrap_or_default()
}

fn listed(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "no dead letters".to_owned();
    }
    let cell = |row: &Value| {
        ["/id", "/queue", "/event_type", "/attempts", "/buried_at", "/reason"].map(|pointer| text(row, pointer))
    };
    let cells: Vec<_> = rows.iter().map(cell).collect();
    table(["MESSAGE", "QUEUE", "EVENT", "ATTEMPTS", "GIVEN UP", "REASON"], &cells)
}

fn shown(row: &Value) -> String {
    let fields = [
        ("message", "/id"),
        ("queue", "/queue"),
        ("event", "/event_type"),
        ("attempts", "/attempts"),
        ("given up", "/buried_at"),
        ("because", "/reason"),
        ("body", "/body"),
    ];
    fields.map(|(name, pointer)| format!("{name:10}{}", plain(&text(row, pointer)))).join("\n")
}
