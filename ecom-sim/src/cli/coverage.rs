//! `ecom-sim coverage`.

use std::collections::BTreeSet;
use std::fmt::Write;

use ecom_core::event::Service;
use serde_json::json;

use super::file::Goal;
use super::{CoverageArgs, Ending, print};
use crate::coverage::{Bounds, Cell, Measured, PROBES, SHARE_MIN, Standing, measure, page, universe};

/// One more line. Writing into a string does not fail.
macro_rules! push {
    ($out:ident, $($said:tt)*) => { let _ = writeln!($out, $($said)*); };
}

/// Cells of a list that are printed at most.
const PRINTED_MAX: usize = 40;

pub(super) fn coverage(args: &CoverageArgs) -> Ending {
    let html = match args.html.as_deref().map(Goal::of).transpose() {
        Ok(html) => html,
        Err(ending) => return ending,
    };
    let measured = measure(Bounds { runs: args.runs, states: args.states });
    print(&if args.json { format!("{}\n", as_json(&measured)) } else { told(&measured) });
    if let Some(html) = html {
        html.write(&page(&measured));
    }
    ending(&measured)
}

fn ending(measured: &Measured) -> Ending {
    if !measured.failures.is_empty() {
        Ending::Violation
    } else if measured.is_enough() {
        Ending::Clean
    } else {
        Ending::Shortfall
    }
}

/// What was measured, for people.
fn told(measured: &Measured) -> String {
    let mut out = String::new();
    let union = measured.union();
    let Bounds { runs, states } = measured.bounds;
    let complete = measured.searches.iter().filter(|(_, _, complete)| *complete).count();
    push!(
        out,
        "{runs} random runs in {:.1} s; {} searches of at most {states} states, {complete} of them complete, in {:.1} s",
        measured.seconds.0,
        measured.searches.len(),
        measured.seconds.1
    );
    push!(
        out,
        "{:<14}{:>8}{:>8}{:>12}{:>8}{:>8}{:>12}",
        "service",
        "random",
        "all",
        "unreachable",
        "rare",
        "open",
        "universe"
    );
    let all: BTreeSet<Cell> = universe().collect();
    for service in Service::ALL {
        let of = |cell: &&Cell| cell.service == service as u8;
        let (random, reached) = (measured.random.cells.keys().filter(of).count(), union.iter().filter(of).count());
        let count = |is: fn(Standing) -> bool| all.iter().filter(of).filter(|it| is(measured.standing(it))).count();
        let known = count(|standing| matches!(standing, Standing::Unreachable(_)));
        let (rare, open) = (count(|it| it == Standing::Rare), count(|it| it == Standing::Open));
        let total = all.iter().filter(of).count();
        if total > 0 {
            push!(out, "{:<14}{random:>8}{reached:>8}{known:>12}{rare:>8}{open:>8}{total:>12}", service.short_name());
        }
    }
    let (share, hit) = (measured.share() * 100.0, PROBES.len() - measured.unhit().count());
    let (searched, random) = (measured.exhaustive.cells.len(), measured.random.cells.len());
    push!(
        out,
        "random runs reach {share:.2} % of the {searched} cells that searches reach (at least {:.0} % wanted), and {random} of \
         {} in all",
        SHARE_MIN * 100.0,
        union.len()
    );
    push!(out, "{hit} of {} probes are hit", PROBES.len());
    for probe in measured.unhit() {
        push!(out, "  never: {} ({})", probe.name, probe.area);
    }
    list(&mut out, "only the searches reach", &measured.missed());
    list(&mut out, "reached, although it should be unreachable or is in no alphabet", &measured.wrong());
    list(&mut out, "not reached, and nobody says why", &measured.open());
    for failure in &measured.failures {
        push!(out, "FAIL {failure}");
    }
    out
}

fn list(out: &mut String, title: &str, cells: &[Cell]) {
    if cells.is_empty() {
        return;
    }
    push!(out, "{title}: {}", cells.len());
    for cell in cells.iter().take(PRINTED_MAX) {
        push!(out, "  {cell}");
    }
    if cells.len() > PRINTED_MAX {
        push!(out, "  … and {} more; --json and --html have all", cells.len() - PRINTED_MAX);
    }
}

fn as_json(measured: &Measured) -> serde_json::Value {
    let union = measured.union();
    let cells: Vec<_> = union
        .iter()
        .map(|cell| {
            let count = |cells: &std::collections::BTreeMap<Cell, u64>| cells.get(cell).copied().unwrap_or_default();
            json!({
                "cell": cell.to_string(),
                "random": count(&measured.random.cells),
                "exhaustive": count(&measured.exhaustive.cells),
            })
        })
        .collect();
    let left = universe().filter(|cell| !union.contains(cell));
    let unreached: Vec<_> = left
        .map(|cell| json!({ "cell": cell.to_string(), "standing": format!("{:?}", measured.standing(&cell)) }))
        .collect();
    let probes: Vec<_> = PROBES
        .iter()
        .map(|probe| json!({ "area": probe.area, "name": probe.name, "hits": probe.hits(&measured.random) }))
        .collect();
    json!({
        "runs": measured.bounds.runs,
        "states": measured.bounds.states,
        "seconds": [measured.seconds.0, measured.seconds.1],
        "searches": measured.searches,
        "share": measured.share(),
        "cells": cells,
        "unreached": unreached,
        "probes": probes,
        "failures": measured.failures,
    })
}
