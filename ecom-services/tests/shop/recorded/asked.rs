//! Whether the host did at its doors what the machines had asked for, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecom_core::engine::record::lives;
use ecom_core::event::Service;
use serde_json::{Value, json};

use super::trouble::Trouble;

/// How often each thing was asked for: all in all, and without what a machine had asked for when it was stopped.
#[derive(Default)]
struct Asked {
    all: BTreeMap<String, usize>,
    heard: BTreeMap<String, usize>,
}

pub(super) fn is_what_was_done(record: &str, troubles: &BTreeMap<Service, Arc<Trouble>>) {
    for (service, trouble) in troubles {
        let asked = asked(record, *service);
        let mut done = BTreeMap::<String, usize>::new();
        for did in trouble.did() {
            *done.entry(did.to_string()).or_default() += 1;
        }
        // Most lanes do not sweep: they answer the claim that each begins with by themselves.
        let sweeps = |what: &str| what.starts_with(r#"{"sweep""#);
        // By its id alone: a transaction that fails is tried again.
        let is_handled = |what: &str| what.starts_with(r#"{"handle""#);
        for (what, times) in &asked.heard {
            let did = done.get(what).copied().unwrap_or(0);
            let elsewhere = sweeps(what) || is_handled(what);
            assert!(did >= *times || elsewhere, "{service}: asked for {times} times, done {did} times: {what}");
        }
        for (what, times) in &done {
            let asked = asked.all.get(what).copied().unwrap_or(0);
            assert!(asked >= *times, "{service}: done {times} times, asked for {asked} times: {what}");
        }
        let handled: Vec<String> = trouble.handled().iter().map(|id| json!({ "handle": id }).to_string()).collect();
        let not_asked: Vec<_> = handled.iter().filter(|what| !asked.all.contains_key(*what)).collect();
        assert!(not_asked.is_empty(), "{service}: handled though nobody asked: {not_asked:?}");
        let wanted = asked.heard.keys().filter(|what| is_handled(what));
        let not_handled: Vec<_> = wanted.filter(|what| !handled.contains(what)).collect();
        assert!(not_handled.is_empty(), "{service}: asked for and not handled: {not_handled:?}");
    }
}

fn asked(record: &str, service: Service) -> Asked {
    let mut asked = Asked::default();
    for lines in lives(record).unwrap().into_values() {
        let lines: Vec<Value> = lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        if lines[0]["service"] != service.name() {
            continue;
        }
        let machine = lines[0]["machine"].as_str().unwrap();
        for (number, line) in (1..).zip(&lines) {
            for what in things(machine, &line["request"]) {
                let what = what.to_string();
                // What came of the last one nobody has heard: the machine was stopped then.
                if number < lines.len() {
                    *asked.heard.entry(what.clone()).or_default() += 1;
                }
                *asked.all.entry(what).or_default() += 1;
            }
        }
    }
    asked
}

/// A request in the words of the doors: empty when it is none of their affair.
fn things(machine: &str, request: &Value) -> Vec<Value> {
    let each = |name: &str, list: &str| -> Vec<Value> {
        let items = request[name][list].as_array().unwrap();
        items.iter().map(|item| json!({ name: { list: [item] } })).collect()
    };
    let Some(name) = request.as_object().and_then(|request| request.keys().next()) else { return vec![] };
    match (machine, name.as_str()) {
        ("consumer", "count_attempts") => each("count_attempts", "ids"),
        ("consumer", "bury") => each("bury", "letters"),
        ("consumer", "transact") => {
            let deliveries = request["transact"]["deliveries"].as_array().unwrap();
            let ids = deliveries.iter().filter_map(|delivery| delivery["body"]["event"]["body"].get("event_id"));
            ids.map(|id| json!({ "handle": id })).collect()
        }
        ("relay", "claim") => vec![json!({ "sweep": request["claim"] })],
        ("relay", "publish") => {
            let rows = request["publish"]["rows"].as_array().unwrap();
            let ids: Vec<&Value> = rows.iter().map(|row| &row["body"]["event_id"]).collect();
            vec![json!({ "publish": ids })]
        }
        ("consumer", "settle") | ("effector", "claim") | ("clockwork", "find") | ("call", "perform") => {
            vec![request.clone()]
        }
        _ => vec![],
    }
}
