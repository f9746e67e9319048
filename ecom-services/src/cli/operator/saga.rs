//! `ecom saga`: the sagas of orders.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use super::table::{plain, table};
use super::{Access, Extent, Failure, Operator, run, text};

/// What to do with sagas.
#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum SagaVerb {
    /// List sagas.
    List {
        /// needs_attention, unsettled, or a state of an order.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only of orders that were placed longer ago, such as 10m.
        #[arg(long, value_name = "DURATION")]
        older_than: Option<String>,
        #[command(flatten)]
        extent: Extent,
        #[command(flatten)]
        access: Access,
    },
    /// Show the saga of an order.
    Show {
        /// The order.
        order_id: Uuid,
        #[command(flatten)]
        access: Access,
    },
    /// Ask again for what an order is owed.
    Retry(Deed),
    /// Write off what an order is owed: somebody has seen to it.
    Resolve(Deed),
}

/// Something done to a saga.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Deed {
    /// The order.
    order_id: Uuid,
    /// Why; it is kept.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    access: Access,
}

pub(in crate::cli) fn saga(verb: &SagaVerb) -> Result<ExitCode, Failure> {
    match verb {
        SagaVerb::List { state, older_than, extent, access } => {
            let path = path(state.as_deref(), older_than.as_deref());
            run(access, async |operator| {
                let rows = operator.list(&path, extent).await?;
                operator.print(&Value::from(rows.clone()), || listed(&rows));
                Ok(())
            })
        }
        SagaVerb::Show { order_id, access } => run(access, async |operator| {
            let saga = operator.get(&format!("/admin/sagas/{order_id}")).await?;
            operator.print(&saga, || shown(&saga));
            Ok(())
        }),
        SagaVerb::Retry(deed) => run(&deed.access, async |operator| act(operator, deed, "retry").await),
        SagaVerb::Resolve(deed) => run(&deed.access, async |operator| act(operator, deed, "resolve").await),
    }
}

async fn act(operator: &Operator, deed: &Deed, action: &str) -> Result<(), Failure> {
    let path = format!("/admin/sagas/{}/{action}", deed.order_id);
    let saga = operator.post(&path, json!({ "reason": deed.reason })).await?;
    operator.print(&saga, || shown(&saga));
    Ok(())
}

fn path(state: Option<&str>, older_than: Option<&str>) -> String {
    use crate::demo::client::escape;
    let given = [("state", state), ("older_than", older_than)];
    let query = given.iter().filter_map(|(name, value)| Some(format!("{name}={}", escape((*value)?))));
    format!("/admin/sagas?{}", query.collect::<Vec<_>>().join("&"))
}

fn listed(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "no sagas".to_owned();
    }
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            [text(row, "/order_id"), text(row, "/state"), owed(row), text(row, "/attention"), text(row, "/updated_at")]
        })
        .collect();
    table(["ORDER", "STATE", "OWED", "NEEDS ATTENTION", "CHANGED"], &cells)
}

fn shown(saga: &Value) -> String {
    let rows = [
        ("order", text(saga, "/order_id")),
        ("state", text(saga, "/state")),
        ("waits for", Some(text(saga, "/waits_for")).filter(|kind| !kind.is_empty()).unwrap_or("nothing".to_owned())),
        ("owed", Some(owed(saga)).filter(|owed| !owed.is_empty()).unwrap_or("nothing".to_owned())),
        ("asked again", text(saga, "/repeats")),
        ("needs attention", Some(text(saga, "/attention")).filter(|why| !why.is_empty()).unwrap_or("no".to_owned())),
        ("placed", text(saga, "/created_at")),
        ("changed", text(saga, "/updated_at")),
    ];
    rows.map(|(name, value)| format!("{name:16}{}", plain(&value))).join("\n")
}

/// What an order is owed, and how that stands.
pub(super) fn owed(saga: &Value) -> String {
    let each = saga["owed"].as_array().into_iter().flatten();
    let words = each.map(|owed| format!("{} {}", text(owed, "/debt"), text(owed, "/standing")));
    words.collect::<Vec<_>>().join(", ").replace('_', " ")
}
