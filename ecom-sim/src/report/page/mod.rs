//! The report as one page: nothing is loaded from elsewhere, and the same run gives the same bytes.

mod beside;
mod chart;
mod diagram;
mod header;
mod layout;
mod sign;
mod states;
mod timeline;

use std::fmt::Write;

use super::Chance;
use super::film::{Film, Scene, Shape};

/// Events that the page has: the last ones.
const EVENTS_MAX: usize = 500;

/// All that the page tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What is broken, as a sentence.
    pub title: String,
    /// Whether the world never came to rest.
    pub is_stuck: bool,
    /// About what, and when.
    pub subject: String,
    /// In which world, with which bug, found by which seed.
    pub world: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub actual: String,
    /// What went otherwise.
    pub deviations: Vec<Otherwise>,
    /// What is known of it beside: a word and a sentence.
    pub moments: Vec<(String, String)>,
    /// The report in text.
    pub text: String,
    /// How to repeat it.
    pub again: String,
    /// A regression test.
    pub test: String,
    /// The run.
    pub film: Film,
    /// The nearest run that passes: what is otherwise in it, and the run.
    pub passing: Option<(String, Film)>,
    /// How often it fails when it goes on at random after a step.
    pub chances: Vec<Chance>,
    /// The step in which that rose most.
    pub turned: Option<u64>,
    /// The step after which it always fails.
    pub no_return: Option<u64>,
    /// The settings: names and values.
    pub options: Vec<(String, String)>,
}

/// Something that went otherwise, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Otherwise {
    /// In which step.
    pub step: u64,
    /// What happened.
    pub words: String,
    /// As it is written in the string that replays it.
    pub code: String,
    /// What becomes of the run without it.
    pub without: String,
}

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let mut out = String::with_capacity(128 * 1024);
        let title = escaped(&self.title);
        let style = include_str!("style.css");
        let _ = write!(
            out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n<style>\n{style}</style></head>\n\
             <body>\n"
        );
        let view = View::of(self);
        header::write(&mut out, self);
        diagram::write(&mut out, self, &view);
        states::write(&mut out, self, &view);
        timeline::write(&mut out, self, &view);
        chart::write(&mut out, self);
        beside::write(&mut out, self);
        self.events(&mut out, &view);
        self.rest(&mut out);
        states::data(&mut out, self, &view);
        let _ = write!(out, "<script>\n{}</script>\n</body></html>\n", include_str!("script.js"));
        out
    }

    /// The text alternative: everything that happened, as a list.
    fn events(&self, out: &mut String, view: &View) {
        let scenes = &self.film.scenes;
        let left = if view.first > 0 { format!("; the first {} are left out", view.first) } else { String::new() };
        let _ = writeln!(
            out,
            "<section><h2 id=\"list\">Every event</h2>\n<details id=\"all\"><summary>{} events in order{left}</summary>\n\
             <p>In bold: on the way to the failure. With <b class=\"fault\">!</b>: a fault.</p><ol start=\"{}\">",
            scenes.len() - view.first,
            view.first + 1
        );
        for (place, scene) in scenes.iter().enumerate().skip(view.first) {
            let told = told(scene, 240);
            let summary = summary(&self.film, place);
            let summary =
                if summary.is_empty() { summary } else { format!(" <i>· {}</i>", escaped(&cut(&summary, 200))) };
            let _ = writeln!(out, "<li id=\"e{place}\"{}>{told}{summary}</li>", class(scene));
        }
        out.push_str("</ol></details></section>\n");
    }

    /// What is looked up and not read.
    fn rest(&self, out: &mut String) {
        out.push_str("<section><h2>Details</h2>\n<details><summary>The report as on the terminal</summary>\n");
        let _ = writeln!(out, "<pre>{}</pre></details>", escaped(&self.text));
        out.push_str("<details><summary>Scenario, settings and ids</summary>\n<table class=\"plain\">");
        for (name, value) in &self.options {
            let _ = writeln!(out, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(value));
        }
        out.push_str("</table></details></section>\n");
    }
}

/// Which part of a run is shown, and where something is marked.
struct View {
    /// The place of the first event that the page has.
    first: usize,
    /// The place of the event that is shown at first.
    now: usize,
    /// The event after which the invariant does not hold any more.
    broken: Option<usize>,
}

impl View {
    fn of(page: &Page) -> Self {
        let film = &page.film;
        let holds = |key: &usize| film.keys.get(*key).is_some_and(|it| it.group == 0 && it.label == "holds");
        let turns = |scene: &Scene| scene.changes.iter().any(|(key, _)| holds(key));
        let broken = film.scenes.iter().rposition(turns).filter(|place| {
            let now = film.scenes[*place].changes.iter().find(|(key, _)| holds(key));
            now.is_some_and(|(_, now)| now.as_deref() == Some(super::sides::BROKEN))
        });
        let on_path = film.scenes.iter().rposition(|scene| scene.is_on_path);
        let last = film.scenes.len().saturating_sub(1);
        let first = film.scenes.len().saturating_sub(EVENTS_MAX);
        let now = broken.filter(|place| film.scenes[*place].is_on_path).or(on_path).unwrap_or(last);
        Self { first, now: now.max(first), broken }
    }
}

/// What an event changed in the rows of the services, in a line.
fn summary(film: &Film, place: usize) -> String {
    let (mut out, mut subject) = (String::new(), "");
    let rows = |key: usize| {
        film.keys.get(key).filter(|it| {
            it.group > 0
                && !["messages", "to do", "network"].contains(&&*it.subject)
                && !it.subject.starts_with("memory")
        })
    };
    let changed: Vec<_> =
        film.scenes[place].changes.iter().filter_map(|(key, now)| Some((rows(*key)?, key, now))).collect();
    if changed.is_empty() {
        return out;
    }
    let before = film.before(place);
    for (key, number, now) in changed {
        if out.is_empty() || key.subject != subject {
            let _ = write!(out, "{}{}: ", if out.is_empty() { "" } else { "; " }, key.subject);
        } else {
            out.push_str(", ");
        }
        subject = &key.subject;
        let now = now.as_deref().unwrap_or("gone");
        let _ = match before.get(number) {
            Some(before) => write!(out, "{} {before} → {now}", key.label),
            None => write!(out, "{} {now}", key.label),
        };
    }
    out
}

fn class(scene: &Scene) -> &'static str {
    match (scene.is_on_path, scene.is_fault) {
        (true, true) => " class=\"path fault\"",
        (true, false) => " class=\"path\"",
        (false, true) => " class=\"fault\"",
        (false, false) => "",
    }
}

fn told(scene: &Scene, letters: usize) -> String {
    let mark = if scene.is_fault { "! " } else { "" };
    format!("<small>{}</small> {mark}{}", stamp(scene), escaped(&cut(&scene.text, letters)))
}

fn stamp(scene: &Scene) -> String {
    format!("step {}, {}", scene.step, seconds(scene.at))
}

fn seconds(millis: u64) -> String {
    format!("+{}.{:03} s", millis / 1_000, millis % 1_000)
}

/// As many letters at most.
fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain("…".chars()).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
