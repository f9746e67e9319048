//! What the broken invariant compares, over the run.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Film, Page, View, class, cut, escaped};
use crate::report::sides::BROKEN;

/// Rows of the table.
const ROWS_MAX: usize = 24;
/// Of those, at the beginning.
const ROWS_FIRST: usize = 4;
/// Where the lines begin, how long they are, and how high each is.
const LEFT: usize = 210;
const LONG: usize = 760;
const HIGH: usize = 40;

pub(super) fn write(out: &mut String, page: &Page, view: &View) {
    let film = &page.film;
    let keys: Vec<usize> = (0..film.keys.len()).filter(|key| film.keys[*key].group == 0).collect();
    let steps = steps(film, &keys, view);
    let told: Vec<usize> = keys.iter().copied().filter(|key| is_told(film, *key, &steps)).collect();
    if told.is_empty() || steps.is_empty() {
        return;
    }
    out.push_str("<section><h2>What the invariant compares</h2>\n");
    lines(out, film, &told, view);
    table(out, film, &told, &steps);
    out.push_str("</section>\n");
}

/// The events that changed any of it.
fn steps(film: &Film, keys: &[usize], view: &View) -> Vec<usize> {
    let changes = |place: &usize| film.scenes[*place].changes.iter().any(|(key, _)| keys.contains(key));
    let mut steps: Vec<usize> = (view.first..film.scenes.len()).filter(changes).collect();
    if steps.len() > ROWS_MAX {
        steps.drain(ROWS_FIRST..steps.len() - (ROWS_MAX - ROWS_FIRST));
    }
    steps
}

/// Whether it is worth a column: it changes, or what changes is compared with it.
fn is_told(film: &Film, key: usize, steps: &[usize]) -> bool {
    let values: BTreeSet<&str> = steps
        .iter()
        .flat_map(|place| &film.scenes[*place].changes)
        .filter(|(known, _)| *known == key)
        .filter_map(|(_, now)| now.as_deref())
        .chain(film.start.iter().filter(|(known, _)| *known == key).map(|(_, now)| now.as_str()))
        .collect();
    match film.keys[key].label.as_str() {
        "expected" | "actual" => values.len() > 1,
        "total of the order" => true,
        _ => values.len() > 1 || values.iter().any(|it| number(it).is_some_and(|it| it != 0)),
    }
}

/// A count or an amount, in the smallest unit.
fn number(value: &str) -> Option<i64> {
    let first = value.split(' ').next()?;
    let digits: String = first.chars().filter(|it| *it != '.' && *it != ',').collect();
    digits.parse().ok()
}

/// A line for each value that is a number.
fn lines(out: &mut String, film: &Film, told: &[usize], view: &View) {
    let count = film.scenes.len() - view.first;
    let at = |place: usize| LEFT + (place - view.first) * LONG / count.max(1);
    let drawn: Vec<(usize, Vec<(usize, Option<String>)>)> = told
        .iter()
        .map(|key| (*key, course(film, *key, view)))
        .filter(|(key, course)| {
            film.keys[*key].label == "holds"
                || course.iter().all(|(_, it)| it.as_deref().is_none_or(|it| number(it).is_some()))
        })
        .collect();
    if drawn.is_empty() {
        return;
    }
    let largest = |is_money: bool| {
        let values = drawn.iter().flat_map(|(_, course)| course).filter_map(|(_, it)| it.as_deref());
        values.filter(|it| it.contains(' ') == is_money).filter_map(number).max().unwrap_or(0).max(1)
    };
    let (most, width, high) = ([largest(false), largest(true)], LEFT + LONG + 150, drawn.len() * HIGH + 24);
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {width} {high}\" width=\"{width}\" role=\"img\" \
         aria-label=\"The values over the events; the table below says the same\">"
    );
    for (place, scene) in film.scenes.iter().enumerate().skip(view.first) {
        if let Some(number) = scene.deviation {
            let x = at(place);
            let _ = write!(
                out,
                "<path class=\"tick\" d=\"M{x},16V{high}\"/><text x=\"{x}\" y=\"11\" class=\"mid fault\">{number}</text>"
            );
        }
    }
    for (row, (key, course)) in drawn.iter().enumerate() {
        let base = row * HIGH + 24 + HIGH - 10;
        let label = if film.keys[*key].label == "holds" { "the invariant" } else { &film.keys[*key].label };
        let _ = write!(out, "<text x=\"{}\" y=\"{}\" class=\"end\">{}</text>", LEFT - 10, base - 6, escaped(label));
        if film.keys[*key].label == "holds" {
            band(out, course, base, count + view.first, at);
            continue;
        }
        let _ = write!(out, "<path class=\"base\" d=\"M{LEFT},{base}H{}\"/>", LEFT + LONG);
        let (mut d, mut last) = (String::new(), None);
        for (place, value) in course {
            let Some(value) = value else { continue };
            let share = number(value).unwrap_or(0).max(0) * (HIGH as i64 - 16) / most[usize::from(value.contains(' '))];
            let y = base.saturating_sub(share as usize);
            let _ = if d.is_empty() { write!(d, "M{},{y}", at(*place)) } else { write!(d, "H{}V{y}", at(*place)) };
            last = Some((y, value));
        }
        if let Some((y, value)) = last {
            let x = LEFT + LONG;
            let _ = write!(
                out,
                "<path class=\"value\" d=\"{d}H{x}\"/><text x=\"{}\" y=\"{}\">{}</text>",
                x + 8,
                y.max(base - 16) + 4,
                escaped(value)
            );
        }
    }
    out.push_str("</svg>\n");
}

/// Where the invariant holds, and where it does not.
fn band(out: &mut String, course: &[(usize, Option<String>)], base: usize, end: usize, at: impl Fn(usize) -> usize) {
    for (number, (place, value)) in course.iter().enumerate() {
        let is_bad = value.as_deref() == Some(BROKEN);
        let until = course.get(number + 1).map_or(end, |(next, _)| *next);
        let (from, to) = (at(*place), at(until).max(at(*place) + 2));
        let class = if is_bad { "bad" } else { "good" };
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{from}\" y=\"{}\" width=\"{}\" height=\"14\"/>",
            base - 16,
            to - from
        );
        if number + 1 == course.len() {
            let word = if is_bad { "broken" } else { "holds" };
            let _ = write!(out, "<text x=\"{}\" y=\"{}\">{word}</text>", LEFT + LONG + 8, base - 5);
        }
    }
}

/// From which events on it has which value.
fn course(film: &Film, key: usize, view: &View) -> Vec<(usize, Option<String>)> {
    let mut course = vec![(view.first, film.before(view.first).remove(&key))];
    for (place, scene) in film.scenes.iter().enumerate().skip(view.first) {
        let changed = scene.changes.iter().filter(|(known, _)| *known == key);
        course.extend(changed.map(|(_, now)| (place, now.clone())));
    }
    course
}

fn table(out: &mut String, film: &Film, told: &[usize], steps: &[usize]) {
    out.push_str("<table class=\"sheet\"><tr><th>step</th><th>event</th>");
    for key in told {
        let _ = write!(out, "<th>{}</th>", escaped(&film.keys[*key].label));
    }
    out.push_str("</tr>\n");
    for place in steps {
        let scene = &film.scenes[*place];
        let (before, mark) = (film.before(*place), if scene.is_fault { "! " } else { "" });
        let _ = write!(
            out,
            "<tr{}><td>{}</td><td>{mark}{}</td>",
            class(scene),
            scene.step,
            escaped(&cut(&scene.text, 100))
        );
        for key in told {
            let now = scene.changes.iter().find(|(known, _)| known == key);
            let value = now.map_or_else(|| before.get(key).cloned(), |(_, now)| now.clone()).unwrap_or_default();
            let class = if now.is_some() { " class=\"new\"" } else { "" };
            let _ = write!(out, "<td{class}>{}</td>", escaped(&value));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}
