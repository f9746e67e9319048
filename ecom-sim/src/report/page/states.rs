//! What every service holds at an event, and what the page's script needs to show it at any other.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::{Film, Page, View, escaped, stamp};

/// Bytes of what the script needs; of a longer run it has the end.
const DATA_MAX: usize = 110_000;

pub(super) fn write(out: &mut String, page: &Page, view: &View) {
    let film = &page.film;
    let last = film.scenes.len().saturating_sub(1);
    let label = film.scenes.get(view.now).map(|scene| format!("{}: {}", stamp(scene), scene.text)).unwrap_or_default();
    let _ = write!(
        out,
        "<div class=\"scrub\"><button type=\"button\" data-go=\"first\" aria-label=\"first event\">First</button>\
         <button type=\"button\" data-go=\"back\" aria-label=\"event before\">Back</button>\
         <input id=\"scrub\" type=\"range\" min=\"{}\" max=\"{last}\" value=\"{}\" aria-label=\"event\">\
         <button type=\"button\" data-go=\"next\" aria-label=\"next event\">Next</button>\
         <button type=\"button\" data-go=\"last\" aria-label=\"last event\">Last</button>\
         <span class=\"keys\"><kbd>←</kbd> <kbd>→</kbd> rows, with <kbd>Shift</kbd> every event; <kbd>Home</kbd> <kbd>End</kbd></span></div>\n\
         <h3 id=\"at\" aria-live=\"polite\">{}</h3>\n<div id=\"cards\">\n",
        view.first,
        view.now,
        escaped(&label)
    );
    cards(out, film, view.now);
    out.push_str("</div></section>\n");
}

/// A card for each service. The script makes the same ones.
fn cards(out: &mut String, film: &Film, place: usize) {
    let before = film.before(place);
    let changes: BTreeMap<usize, Option<&str>> = film
        .scenes
        .get(place)
        .map(|scene| scene.changes.iter().map(|(key, now)| (*key, now.as_deref())).collect())
        .unwrap_or_default();
    for (group, name) in film.groups.iter().enumerate() {
        let mut keys: Vec<usize> = (0..film.keys.len())
            .filter(|key| film.keys[*key].group == group && (before.contains_key(key) || changes.contains_key(key)))
            .collect();
        if keys.is_empty() {
            continue;
        }
        keys.sort_by_key(|key| first_of(film, *key));
        let _ = write!(out, "<article><h4>{}</h4><table>", escaped(name));
        let mut subject = None;
        for key in keys {
            let it = &film.keys[key];
            if subject != Some(&it.subject) && !it.subject.is_empty() {
                let _ = write!(out, "<tr><th colspan=\"2\">{}</th></tr>", escaped(&it.subject));
            }
            subject = Some(&it.subject);
            let old = before.get(&key).map(String::as_str);
            match changes.get(&key) {
                None => {
                    let _ = write!(
                        out,
                        "<tr><td>{}</td><td>{}</td></tr>",
                        escaped(&it.label),
                        escaped(old.unwrap_or_default())
                    );
                }
                Some(now) => {
                    let old = old.map(|old| format!("<s>{}</s> → ", escaped(old))).unwrap_or_default();
                    let now = now.map_or_else(|| "gone".to_owned(), escaped);
                    let _ =
                        write!(out, "<tr class=\"new\"><td>{}</td><td>{old}<b>{now}</b></td></tr>", escaped(&it.label));
                }
            }
        }
        out.push_str("</table></article>\n");
    }
}

/// The first key of the same subject: subjects stay together in the order in which they were first seen.
fn first_of(film: &Film, key: usize) -> (usize, usize) {
    let own = &film.keys[key];
    let first = film.keys.iter().position(|it| (it.group, &it.subject) == (own.group, &own.subject));
    (first.unwrap_or(key), key)
}

/// Words that come again and again, by their place in a list.
#[derive(Default)]
struct Words<'a> {
    list: Vec<&'a str>,
    known: BTreeMap<&'a str, usize>,
}

impl<'a> Words<'a> {
    fn place(&mut self, text: &'a str) -> usize {
        let next = self.list.len();
        *self.known.entry(text).or_insert_with(|| {
            self.list.push(text);
            next
        })
    }
}

/// The same for the script, as changes from event to event.
pub(super) fn data(out: &mut String, page: &Page, view: &View) {
    let film = &page.film;
    let mut words = Words::default();
    let mut size = 0;
    // From the end, as much as there is room for.
    let mut first = film.scenes.len();
    for (place, scene) in film.scenes.iter().enumerate().skip(view.first).rev() {
        size += 4 + scene.changes.iter().map(|(_, now)| 8 + now.as_ref().map_or(0, String::len)).sum::<usize>();
        if size > DATA_MAX {
            break;
        }
        first = place;
    }
    let start = film.before(first);
    let begin: Vec<usize> = start.iter().flat_map(|(key, value)| [*key, words.place(value)]).collect();
    let mut scenes: Vec<Value> = vec![];
    for scene in &film.scenes[first..] {
        let mut changes: Vec<Value> = vec![];
        for (key, now) in &scene.changes {
            changes.extend([json!(key), now.as_ref().map_or(json!(-1), |now| json!(words.place(now)))]);
        }
        scenes.push(Value::Array(changes));
    }
    let used: Vec<Value> = film
        .keys
        .iter()
        .enumerate()
        .map(|(key, it)| json!([it.group, it.subject, it.label, first_of(film, key).0]))
        .collect();
    let told = json!({
        "first": first, "now": view.now, "groups": film.groups, "keys": used, "start": begin, "scenes": scenes,
        "words": words.list,
    });
    let told = told.to_string().replace('<', "\\u003c");
    let _ = writeln!(out, "<script type=\"application/json\" id=\"data\">{told}</script>");
}
