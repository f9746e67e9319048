//! The page: what is reached, what is not, and why, with nothing loaded from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;

use ecom_core::event::Service;

use super::{Cell, GROUPS, Measured, PROBES, REASONS, Source, Standing, Step, reason};

/// What a page says beside its figures.
const LEGEND: &str = "<p>A row is a kind of message and the state that it meets; a column is a step and how it ended. \
    Green: reached at random, so often. <b class=\"x\">yellow, bold</b>: reached by an exhaustive search alone. \
    <span class=\"u\">grey, with a number</span>: unreachable, for the reason of that number. \
    <span class=\"r\">striped, 0</span>: not reached yet, though it could be: the oracle chooses whether the step ends so, or it takes a coincidence. \
    <b class=\"o\">red, ?</b>: not reached, and nobody says why. Empty: the message does not go through that step.</p>\n";

/// The page as HTML.
pub fn page(measured: &Measured) -> String {
    let mut out = String::with_capacity(512 * 1024);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Coverage of ecom-sim</title>\n\
         <style>{}</style></head>\n<body>\n<h1>Coverage of ecom-sim</h1>\n",
        include_str!("style.css")
    );
    bounds(&mut out, measured);
    probes(&mut out, measured);
    let _ = write!(out, "<h2>Cells</h2>\n{LEGEND}");
    for service in Service::ALL {
        map(&mut out, measured, service);
    }
    reasons(&mut out, measured);
    out.push_str("</body></html>\n");
    out
}

fn bounds(out: &mut String, measured: &Measured) {
    let (union, random) = (measured.union().len(), measured.random.cells.len());
    let _ = write!(
        out,
        "<p>{} random runs reach {:.2} % of the {} cells that the searches reach, and {random} of the {union} that anything \
         reaches. The searches try everything that can happen with at most one fault, in at most {} states each:</p>\n<ul>\n",
        measured.bounds.runs,
        measured.share() * 100.0,
        measured.exhaustive.cells.len(),
        measured.bounds.states
    );
    for (name, states, complete) in &measured.searches {
        let whole = if *complete { "all of them" } else { "not all" };
        let _ = writeln!(out, "<li>{}: {states} states, {whole}</li>", escaped(name));
    }
    out.push_str("</ul>\n");
    for failure in &measured.failures {
        let _ = writeln!(out, "<p class=\"never\">FAIL {}</p>", escaped(failure));
    }
}

fn probes(out: &mut String, measured: &Measured) {
    let hit = PROBES.len() - measured.unhit().count();
    let _ = writeln!(
        out,
        "<h2>Probes</h2>\n<p>{hit} of {} are hit by random runs.</p>\n<table><tbody><tr><th>about</th><th>what</th>\
         <th>hits at random</th></tr>",
        PROBES.len()
    );
    for probe in PROBES {
        let hits = probe.hits(&measured.random);
        let class = if hits == 0 { " class=\"never\"" } else { "" };
        let _ =
            writeln!(out, "<tr{class}><td>{}</td><td>{}</td><td class=\"c\">{hits}</td></tr>", probe.area, probe.name);
    }
    out.push_str("</tbody></table>\n");
}

type Column = (Step, &'static str);

/// The heat maps of a service: one for each kind of source, because each goes through other steps.
fn map(out: &mut String, measured: &Measured, service: Service) {
    for source in [Source::Event, Source::Row, Source::Command, Source::Call, Source::Publication] {
        let mut groups = GROUPS.iter().filter(|group| group.service == service && group.source == source).peekable();
        if groups.peek().is_none() {
            continue;
        }
        let steps = source.columns();
        let columns: Vec<Column> =
            steps.iter().flat_map(|(step, ends)| ends.iter().map(move |end| (*step, *end))).collect();
        let _ = write!(
            out,
            "<h3>{}: {}</h3>\n<div class=\"wide\"><table><thead><tr><th colspan=\"2\"></th>",
            service.short_name(),
            source.words()
        );
        for (step, ends) in steps {
            let _ = write!(out, "<th colspan=\"{}\">{}</th>", ends.len(), step.word());
        }
        out.push_str("</tr>\n<tr><th>message</th><th>state</th>");
        for (_, end) in &columns {
            let _ = write!(out, "<th>{end}</th>");
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for group in groups {
            for message in group.messages {
                for state in group.states {
                    row(out, measured, (service, message, state), &columns);
                }
            }
        }
        out.push_str("</tbody></table></div>\n");
    }
}

fn row(
    out: &mut String,
    measured: &Measured,
    (service, message, state): (Service, &'static str, &'static str),
    columns: &[Column],
) {
    let _ = write!(out, "<tr><th>{}</th><th>{}</th>", escaped(message), escaped(state));
    for (step, outcome) in columns {
        let cell = Cell { service: service as u8, message, state, step: *step, outcome };
        let random = measured.random.cells.get(&cell).copied().unwrap_or_default();
        let searched = measured.exhaustive.cells.get(&cell).copied().unwrap_or_default();
        let (class, text) = match measured.standing(&cell) {
            Standing::Reached => {
                (format!("h{}", 1 + random.checked_ilog10().unwrap_or_default().min(4)), random.to_string())
            }
            Standing::Searched => ("x".to_owned(), searched.to_string()),
            Standing::Unreachable(number) => ("u".to_owned(), format!("({})", number + 1)),
            Standing::Rare => ("r".to_owned(), "0".to_owned()),
            Standing::Open => ("o".to_owned(), "?".to_owned()),
        };
        let _ = write!(out, "<td class=\"c {class}\">{text}</td>");
    }
    out.push_str("</tr>\n");
}

fn reasons(out: &mut String, measured: &Measured) {
    let union = measured.union();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for cell in super::universe().filter(|cell| !union.contains(cell)) {
        if let Some(number) = reason(&cell) {
            *counts.entry(number).or_default() += 1;
        }
    }
    out.push_str(
        "<h2>Unreachable, and why</h2>\n<table><tbody><tr><th>number</th><th>service</th><th>messages</th><th>states</th>\
         <th>ends</th><th>cells</th><th>why</th></tr>\n",
    );
    let words = |list: &[&str]| if list.is_empty() { "all".to_owned() } else { escaped(&list.join(", ")) };
    for (number, reason) in REASONS.iter().enumerate() {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            number + 1,
            reason.service.short_name(),
            words(reason.messages),
            words(reason.states),
            words(reason.ends),
            counts.get(&number).copied().unwrap_or_default(),
            escaped(reason.why)
        );
    }
    out.push_str("</tbody></table>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
