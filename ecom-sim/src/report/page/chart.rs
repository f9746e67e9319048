//! How likely the failure was after each step.

use std::fmt::Write;

use super::Page;
use crate::report::Chance;

/// Where the chart begins, how wide and how high it is.
const LEFT: usize = 60;
const TOP: usize = 44;
const WIDE: usize = 1_000;
const HIGH: usize = 180;

pub(super) fn write(out: &mut String, page: &Page) {
    let chances = &page.chances;
    let (Some(first), Some(last)) = (chances.first(), chances.last()) else { return };
    out.push_str("<section><h2>From when on it was lost</h2>\n");
    let _ = writeln!(
        out,
        "<p>After each step the run goes on {} times at random, with faults as they come: how many of those fail.</p>",
        chances.iter().map(|it| it.runs).max().unwrap_or(0)
    );
    let span = (last.step - first.step).max(1);
    let x = |step: u64| LEFT + ((step.clamp(first.step, last.step) - first.step) as usize * WIDE) / span as usize;
    let y = |chance: &Chance| TOP + HIGH - (chance.failed as usize * HIGH) / (chance.runs.max(1) as usize);
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\" aria-label=\"Share of random continuations \
         that fail, by step; the table below says the same\">",
        LEFT + WIDE + 60,
        TOP + HIGH + 44,
        LEFT + WIDE + 60
    );
    for share in [0, 50, 100] {
        let y = TOP + HIGH - share * HIGH / 100;
        let _ = write!(
            out,
            "<path class=\"base\" d=\"M{LEFT},{y}H{}\"/><text x=\"{}\" y=\"{}\" class=\"end\">{share} %</text>",
            LEFT + WIDE,
            LEFT - 8,
            y + 4
        );
    }
    let marks = (span / 10).max(1);
    for step in (first.step..=last.step).step_by(marks as usize) {
        let _ = write!(out, "<text x=\"{}\" y=\"{}\" class=\"mid dim\">{step}</text>", x(step), TOP + HIGH + 18);
    }
    let _ = write!(out, "<text x=\"{}\" y=\"{}\" class=\"mid\">after step</text>", LEFT + WIDE / 2, TOP + HIGH + 38);
    for (step, word, row) in [(page.turned, "turned", 0), (page.no_return, "no return", 1)] {
        let Some(step) = step else { continue };
        // At the right end the words stand on the left.
        let (x, y) = (x(step), 14 + row * 16);
        let (class, by) = if x > LEFT + WIDE * 3 / 4 { ("end", x - 6) } else { ("", x + 6) };
        let _ = write!(
            out,
            "<path class=\"tick\" d=\"M{x},{}V{}\"/><text x=\"{by}\" y=\"{y}\" class=\"{class}\">◆ {word}, step {step}</text>",
            y - 8,
            TOP + HIGH
        );
    }
    let points: Vec<String> = chances.iter().map(|it| format!("{},{}", x(it.step), y(it))).collect();
    let _ = write!(out, "<polyline class=\"value\" points=\"{}\"/>", points.join(" "));
    for chance in chances {
        let _ = write!(
            out,
            "<circle class=\"point\" cx=\"{}\" cy=\"{}\" r=\"3\"><title>after step {}: {} of {} fail</title></circle>",
            x(chance.step),
            y(chance),
            chance.step,
            chance.failed,
            chance.runs
        );
    }
    for (number, it) in (1..).zip(&page.deviations) {
        let x = x(it.step);
        let _ = write!(
            out,
            "<circle class=\"badge\" cx=\"{x}\" cy=\"{y}\" r=\"8\"/><text class=\"badge mid\" x=\"{x}\" y=\"{}\">{number}</text>",
            TOP + HIGH + 4,
            y = TOP + HIGH
        );
    }
    out.push_str("</svg>\n");
    table(out, chances);
    out.push_str("</section>\n");
}

fn table(out: &mut String, chances: &[Chance]) {
    out.push_str(
        "<details><summary>As a table</summary><table class=\"plain\"><tr><th>after step</th><th>fail</th></tr>",
    );
    for chance in chances {
        let _ = write!(out, "<tr><td>{}</td><td>{} of {}</td></tr>", chance.step, chance.failed, chance.runs);
    }
    out.push_str("</table></details>");
}
