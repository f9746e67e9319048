//! The report as one page: nothing is loaded from elsewhere, and the same run gives the same bytes.

use std::fmt::Write;

use super::film::{Film, Scene, Shape};

/// Scenes off the path that are drawn at most; what lies between is folded.
const SCENES_MAX: usize = 80;

/// Events of the list at the end: the last ones.
const EVENTS_MAX: usize = 300;

/// Bytes after which states are left out.
const BYTES_MAX: usize = 200_000;

/// Between two lanes, in pixels.
const LANE: usize = 150;

/// Between two events.
const ROW: usize = 26;

/// All that the page tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What is broken, as a sentence.
    pub title: String,
    /// The report in text.
    pub text: String,
    /// How to repeat it.
    pub again: String,
    /// A regression test.
    pub test: String,
    /// The run.
    pub film: Film,
    /// The nearest run that passes: what was left out, and the run.
    pub passing: Option<(String, Film)>,
}

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let mut out = String::with_capacity(64 * 1024);
        let title = escaped(&self.title);
        let style = include_str!("style.css");
        let _ = write!(
            out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>{style}</style>\
             </head>\n<body>\n<h1><span class=\"fault\">FAIL</span> {title}</h1>\n"
        );
        block(&mut out, "What", "text", &self.text);
        block(&mut out, "Repeat it", "again", &self.again);
        let shown = shown(&self.film);
        self.diagram(&mut out, &shown);
        self.states(&mut out, &shown);
        self.beside(&mut out);
        block(&mut out, "A regression test", "test", &self.test);
        let first = self.film.scenes.len().saturating_sub(EVENTS_MAX);
        let _ = writeln!(out, "<details><summary>All events from number {}</summary><ol>", first + 1);
        for scene in &self.film.scenes[first..] {
            let _ = writeln!(out, "<li{}>{}</li>", class(scene), told(scene));
        }
        let _ = write!(out, "</ol></details>\n<script>{}</script>\n</body></html>\n", include_str!("script.js"));
        out
    }

    fn diagram(&self, out: &mut String, shown: &[usize]) {
        let lanes = self.lanes();
        let (width, height) = (lanes.len() * LANE + 420, (shown.len() + 2) * ROW + 20);
        let _ = write!(
            out,
            "<h2>What happened</h2>\n<p>Solid: delivered. Dashed: once more. ✕: lost. ⚡: a process dies. ⧗: time passes. \
             Bold: the way to the failure. Red and <b>!</b>: a fault. Keys: ← → Home End. Now: <span id=\"at\"></span> \
             <button id=\"back\">←</button><button id=\"next\">→</button></p>\n\
             <svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" \
             aria-label=\"Sequence diagram; the list of all events below says the same\">\n\
             <defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">\
             <path d=\"M0,0L8,4L0,8z\"/></marker></defs>\n"
        );
        for (number, lane) in lanes.iter().enumerate() {
            let x = number * LANE + LANE / 2;
            let _ = writeln!(
                out,
                "<text x=\"{x}\" y=\"14\" text-anchor=\"middle\">{}</text>\
                 <line class=\"lane\" x1=\"{x}\" x2=\"{x}\" y1=\"20\" y2=\"{height}\"/>",
                escaped(lane)
            );
        }
        let mut before = None;
        for (row, place) in shown.iter().enumerate() {
            let scene = &self.film.scenes[*place];
            let y = (row + 2) * ROW;
            let folded = place - before.map_or(0, |before: usize| before + 1);
            if folded > 0 {
                let _ = writeln!(out, "<text x=\"4\" y=\"{}\">⋯ {folded} unrelated events</text>", y - 15);
            }
            before = Some(*place);
            let label = escaped(&format!("{} {}", stamp(scene), scene.text));
            let _ = write!(out, "<g{} data-event data-label=\"{label}\"><title>{label}</title>", class(scene));
            arrow(out, scene, &lanes, y);
            let mark = if scene.is_fault { "! " } else { "" };
            let text: String = scene.text.chars().take(64).collect();
            let x = lanes.len() * LANE;
            let _ = writeln!(out, "<text x=\"{x}\" y=\"{}\">{mark}{}</text></g>", y + 4, escaped(&text));
        }
        out.push_str("</svg>\n");
    }

    fn lanes(&self) -> Vec<&str> {
        let services = self.film.services.iter().map(String::as_str);
        std::iter::once("clients").chain(services).chain(["broker", "outside"]).collect()
    }

    /// What each service holds at each event that is shown; what the event changed is marked.
    fn states(&self, out: &mut String, shown: &[usize]) {
        out.push_str("<h2>What each service holds then</h2>\n");
        let empty = vec![vec![]; self.film.services.len()];
        let held = |upto: usize| self.film.scenes[..=upto].iter().rev().map(|it| &it.held).find(|it| !it.is_empty());
        let mut last = &empty;
        for (number, place) in shown.iter().enumerate() {
            let now = held(*place).unwrap_or(&empty);
            let _ = write!(out, "<table data-frame=\"{number}\" hidden><tr>");
            for service in &self.film.services {
                let _ = write!(out, "<th>{}</th>", escaped(service));
            }
            out.push_str("</tr><tr>");
            for (lines, old) in now.iter().zip(last) {
                out.push_str("<td>");
                if out.len() < BYTES_MAX {
                    cell(out, lines, old);
                }
                out.push_str("</td>");
            }
            out.push_str("</tr></table>\n");
            last = now;
        }
    }

    fn beside(&self, out: &mut String) {
        out.push_str("<h2>Beside the nearest run that passes</h2>\n");
        let Some((without, passing)) = &self.passing else {
            out.push_str("<p>It fails without anything that goes otherwise.</p>\n");
            return;
        };
        let first = self.film.first_difference(passing);
        let _ = write!(
            out,
            "<p>Without <code>{}</code> it passes. The first {first} events are the same.</p>\n\
             <table><tr><th>this run</th><th>the one that passes</th></tr>\n",
            escaped(without)
        );
        for place in first.saturating_sub(2)..first + 24 {
            let sides = [&self.film, passing].map(|film| film.scenes.get(place).map(told).unwrap_or_default());
            let [left, right] = if place == first { sides.map(|it| format!("<mark>{it}</mark>")) } else { sides };
            if !(left.is_empty() && right.is_empty()) {
                let _ = writeln!(out, "<tr><td>{left}</td><td>{right}</td></tr>");
            }
        }
        out.push_str("</table>\n");
    }
}

/// The places of the scenes that are drawn: the way to the failure, its last part when it is long.
fn shown(film: &Film) -> Vec<usize> {
    let on_path = |place: &usize| film.scenes[*place].is_on_path;
    let path: Vec<usize> = (0..film.scenes.len()).filter(on_path).collect();
    path[path.len().saturating_sub(SCENES_MAX)..].to_vec()
}

/// The lines of a state that were not there before, marked.
fn cell(out: &mut String, lines: &[String], old: &[String]) {
    const LINES_MAX: usize = 10;
    let changed: Vec<&String> = lines.iter().filter(|line| !old.contains(line)).collect();
    if changed.is_empty() {
        let _ = write!(out, "as before ({} lines)", lines.len());
        return;
    }
    for line in changed.iter().take(LINES_MAX) {
        let text: String = line.trim().chars().take(120).collect();
        let _ = write!(out, "<mark>{}</mark><br>", escaped(&text));
    }
    if changed.len() > LINES_MAX {
        let _ = write!(out, "and {} lines more", changed.len() - LINES_MAX);
    }
}

fn arrow(out: &mut String, scene: &Scene, lanes: &[&str], y: usize) {
    let place = |name: &str| lanes.iter().position(|lane| *lane == name).unwrap_or(0) * LANE + LANE / 2;
    let own = scene.service.as_deref().map_or(LANE / 2, place);
    let (client, broker, outside) = (place("clients"), place("broker"), place("outside"));
    let own_or_next = if scene.service.is_some() { own } else { LANE + LANE / 2 };
    let target = if scene.text.contains(" calls the outside") { outside } else { broker };
    let (from, to, again) = match scene.shape {
        Shape::Send => (client, own_or_next, ""),
        Shape::Hear => (own_or_next, client, ""),
        Shape::Publish => (own, broker, ""),
        Shape::Lost => (own, target, ""),
        Shape::Deliver => (broker, own, ""),
        Shape::Again => (broker, own, " again"),
        Shape::Call => (own, outside, ""),
        Shape::Crash => return sign(out, own, y, "⚡"),
        Shape::Time => return sign(out, client, y, "⧗"),
        Shape::Note => return sign(out, own, y, "●"),
    };
    let _ = write!(
        out,
        "<line class=\"arrow{again}\" x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" marker-end=\"url(#tip)\"/>"
    );
    if scene.shape == Shape::Lost {
        sign(out, usize::midpoint(from, to), y, "✕");
    }
}

fn sign(out: &mut String, x: usize, y: usize, sign: &str) {
    let _ = write!(out, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{sign}</text>", y + 4);
}

fn block(out: &mut String, head: &str, id: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(out, "<h2>{head} <button data-copy=\"{id}\">copy</button></h2>\n<pre id=\"{id}\">{text}</pre>");
}

fn class(scene: &Scene) -> &'static str {
    match (scene.is_on_path, scene.is_fault) {
        (true, true) => " class=\"path fault\"",
        (true, false) => " class=\"path\"",
        (false, true) => " class=\"fault\"",
        (false, false) => "",
    }
}

fn told(scene: &Scene) -> String {
    let mark = if scene.is_fault { "! " } else { "" };
    let text: String = scene.text.chars().take(240).collect();
    format!("{} {mark}{}", stamp(scene), escaped(&text))
}

fn stamp(scene: &Scene) -> String {
    format!("step {} +{}.{:03} s", scene.step, scene.at / 1_000, scene.at % 1_000)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
