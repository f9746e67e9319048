//! `ecom why`: what became of an order, in words.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::saga::owed;
use super::table::{plain, table};
use super::{Access, Failure, money, run, text};

/// Which order.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct WhyArguments {
    /// The order.
    order_id: Uuid,
    #[command(flatten)]
    access: Access,
}

pub(in crate::cli) fn why(arguments: &WhyArguments) -> Result<ExitCode, Failure> {
    let id = arguments.order_id;
    run(&arguments.access, async |operator| {
        let saga = operator.get(&format!("/admin/sagas/{id}")).await?;
        let summary = operator.get(&format!("/orders/{id}/summary")).await?;
        let timeline = operator.get(&format!("/orders/{id}/timeline")).await?;
        let all = json!({ "saga": saga, "summary": summary, "timeline": timeline["items"] });
        operator.print(&all, || told(&all));
        Ok(())
    })
}

fn told(all: &Value) -> String {
    let (saga, summary) = (&all["saga"], &all["summary"]);
    let mut said = String::new();
    let mut say = |topic: &str, sentence: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(said, "{topic:14}{}", plain(&sentence));
    };
    say("order", order(saga, &summary["order"]["data"]));
    say("waits for", waits(saga));
    say("owed", Some(owed(saga)).filter(|owed| !owed.is_empty()).unwrap_or_else(|| "nothing".to_owned()));
    say("payment", part(&summary["payment"], "nothing was to be paid yet", payment));
    say("reservation", part(&summary["reservation"], "nothing was held", reservation));
    say("notices", part(&summary["notifications"], "none", notices));
    format!("{said}\n{}", history(&all["timeline"]))
}

fn order(saga: &Value, order: &Value) -> String {
    let mut sentence = format!("{} is {}", text(saga, "/order_id"), text(saga, "/state"));
    if !order["failure"].is_null() {
        sentence = format!("{sentence}: {} ({})", text(order, "/failure/detail"), text(order, "/failure/code"));
    }
    let total = money(order, "/total_amount");
    if !total.is_empty() {
        sentence = format!("{sentence}; {total}, placed {}", text(order, "/created_at"));
    }
    sentence
}

/// What has to happen next, and who does it.
fn waits(saga: &Value) -> String {
    let is_open = saga["owed"].as_array().into_iter().flatten().any(|owed| owed["standing"] == "open");
    let mut said = vec![match (text(saga, "/state").as_str(), is_open) {
        ("pending", _) => "inventory, to hold the stock".to_owned(),
        ("processing", _) => "payment, to charge the card".to_owned(),
        (_, true) => "answers to its end, which it repeats until all have come".to_owned(),
        (_, false) => "nothing".to_owned(),
    }];
    let timer = text(saga, "/waits_for");
    if !timer.is_empty() {
        said.push(format!("until the timer \"{timer}\""));
    }
    let repeats = saga["repeats"].as_u64().unwrap_or(0);
    if repeats > 0 {
        said.push(format!("asked again {repeats} times"));
    }
    if saga["needs_attention"] == true {
        said.push(format!("it needs attention: {}", text(saga, "/attention")));
    }
    said.join("; ")
}

/// A part of the summary, or why there is none.
fn part(part: &Value, nothing: &str, told: impl FnOnce(&Value) -> String) -> String {
    match (text(part, "/status").as_str(), &part["data"]) {
        ("ok", Value::Null) => nothing.to_owned(),
        ("ok", data) => told(data),
        _ => "not known: that service does not answer".to_owned(),
    }
}

fn payment(data: &Value) -> String {
    let [amount, captured, refunded] = ["/amount", "/captured", "/refunded"].map(|pointer| money(data, pointer));
    let stands = format!("{} of {amount}", text(data, "/status"));
    let moved = format!("captured {captured}, refunded {refunded}");
    let steps = data["transactions"].as_array().into_iter().flatten();
    let steps = steps.map(|step| ["/type", "/status", "/at"].map(|pointer| text(step, pointer)).join(" "));
    [stands, moved].into_iter().chain(steps).collect::<Vec<_>>().join("; ")
}

fn reservation(data: &Value) -> String {
    let pieces: i64 = data["lines"].as_array().into_iter().flatten().filter_map(|line| line["quantity"].as_i64()).sum();
    format!("{} ({pieces} pieces, since {})", text(data, "/state"), text(data, "/created_at"))
}

fn notices(data: &Value) -> String {
    let each = data.as_array().into_iter().flatten();
    let told: Vec<String> = each
        .map(|notice| {
            format!("{} by {}: {}", text(notice, "/template"), text(notice, "/channel"), text(notice, "/status"))
        })
        .collect();
    if told.is_empty() { "none".to_owned() } else { told.join("; ").replace('_', " ") }
}

fn history(timeline: &Value) -> String {
    let rows: Vec<[String; 4]> = timeline
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| {
            let change = match (text(line, "/from"), text(line, "/to")) {
                (from, to) if from == to || from.is_empty() => to,
                (from, to) => format!("{from} -> {to}"),
            };
            [text(line, "/at"), text(line, "/event"), change, text(line, "/detail")]
        })
        .collect();
    table(["AT", "EVENT", "STATE", "DETAIL"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_hangs_is_told_with_what_it_waits_for() {
        let all = json!({
            "saga": {
                "order_id": "1", "state": "failed", "waits_for": "settle", "repeats": 3, "needs_attention": true,
                "attention": "no answer", "owed": [{ "debt": "payment_undo", "standing": "open", "round": 1 }],
            },
            "summary": {
                "order": { "status": "ok", "data": { "failure": { "code": "out_of_stock", "detail": "too few" } } },
                "payment": { "status": "unavailable", "data": null },
                "reservation": { "status": "ok", "data": null },
                "notifications": { "status": "ok", "data": [] },
            },
            "timeline": [{ "at": "now", "event": "order\u{7}", "from": "pending", "to": "failed", "detail": null }],
        });
        let said = told(&all);
        for part in [
            "1 is failed: too few (out_of_stock)",
            "repeats until all have come; until the timer \"settle\"; asked again 3 times; it needs attention: no answer",
            "payment undo open",
            "not known: that service does not answer",
            "nothing was held",
            "pending -> failed",
        ] {
            assert!(said.contains(part), "{part} is missing: {said}");
        }
        assert!(!said.contains('\u{7}'));
    }
}
