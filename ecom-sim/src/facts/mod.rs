//! What a service holds, in the words of the shop: what a report shows beside each event.

mod shop;

use std::fmt::{Debug, Write};

use ecom_core::event::Envelope;

pub(crate) use shop::{inventory, notification, order, payment, user};

/// Letters of a value.
const VALUE_MAX: usize = 160;
/// Entries of a list that are named.
const NAMED_MAX: usize = 6;

/// One thing that is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Of what: an order, a product, the outbox.
    pub subject: String,
    /// What of it.
    pub label: String,
    /// How it is.
    pub value: String,
}

impl Fact {
    /// From words.
    pub fn new(subject: impl Into<String>, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { subject: subject.into(), label: label.into(), value: value.into() }
    }
}

/// What is in a list; the same several times over is counted.
pub fn list(names: impl Iterator<Item = String>) -> String {
    let (mut out, mut counted): (String, Vec<(String, usize)>) = (String::new(), vec![]);
    for name in names {
        match counted.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => counted.push((name, 1)),
        }
    }
    for (place, (name, count)) in counted.iter().take(NAMED_MAX).enumerate() {
        // Writing into a string does not fail.
        let _ = write!(out, "{}{name}", if place == 0 { "" } else { ", " });
        if *count > 1 {
            let _ = write!(out, " ×{count}");
        }
    }
    let more: usize = counted.iter().skip(NAMED_MAX).map(|(_, count)| count).sum();
    if more > 0 {
        let _ = write!(out, " and {more} more");
    }
    if out.is_empty() { "–".to_owned() } else { out }
}

/// The events of envelopes.
pub fn events<'a>(envelopes: impl Iterator<Item = &'a Envelope>) -> String {
    list(envelopes.map(|it| it.event.event_type().name().to_owned()))
}

/// What nobody has words for: each leaf of a value, with the way to it.
pub fn flat(subject: &str, value: &impl Debug) -> Vec<Fact> {
    let (mut facts, mut way): (Vec<Fact>, Vec<String>) = (vec![], vec![]);
    for line in format!("{value:#?}").lines() {
        let depth = (line.len() - line.trim_start().len()) / 4;
        let line = line.trim().trim_end_matches(',');
        if matches!(line, "}" | ")" | "]" | "})" | "{" | "(" | "[") {
            continue;
        }
        way.truncate(depth);
        let (name, told) = line.split_once(": ").unwrap_or(("", line));
        if told.ends_with(['{', '(', '[']) && !told.ends_with("{}") {
            way.resize(depth, String::new());
            way.push(name.to_owned());
            continue;
        }
        let names: Vec<_> = way.iter().map(String::as_str).chain([name]).filter(|it| !it.is_empty()).collect();
        let (label, last) = (names.join(" · "), facts.last_mut());
        match last.filter(|last| last.label == label) {
            Some(last) => last.value = shortened(&format!("{}, {told}", last.value)),
            None => facts.push(Fact::new(subject, label, shortened(told))),
        }
    }
    facts
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= VALUE_MAX {
        text.to_owned()
    } else {
        text.chars().take(VALUE_MAX).chain("…".chars()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_nobody_has_words_for_is_told_leaf_by_leaf() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "it is only told")]
        struct Room {
            free: bool,
            guests: Vec<u8>,
        }
        let rooms = BTreeMap::from([(7, Room { free: true, guests: vec![1, 2] })]);
        let told: Vec<_> = flat("rooms", &rooms).into_iter().map(|it| format!("{}={}", it.label, it.value)).collect();
        assert_eq!(told, ["7 · free=true", "7 · guests=1, 2"]);
    }

    #[test]
    fn what_comes_several_times_is_counted() {
        assert_eq!(list(["a", "a", "b"].map(str::to_owned).into_iter()), "a ×2, b");
        assert_eq!(list(std::iter::empty()), "–");
    }
}
