//! The sequence diagram.

use std::fmt::Write;

use super::layout::{self, Kind, Row};
use super::{Page, Scene, Shape, View, class, cut, escaped, seconds, sign, stamp, summary};

/// Where the lanes begin, behind steps and times.
const LEFT: usize = 150;
/// Between two lanes.
const LANE: usize = 92;
/// For the words.
const WORDS: usize = 720;
/// Letters of an event's line, and of the one below it.
const LETTERS: (usize, usize) = (98, 110);

const LEGEND: &str = "<p class=\"legend\"><span><svg width=\"34\" height=\"12\"><path class=\"arrow\" d=\"M0,6H27\" \
marker-end=\"url(#tip)\"/></svg> delivered; the slope is the wait</span> <span><svg width=\"34\" height=\"12\"><path \
class=\"arrow again\" d=\"M0,6H27\" marker-end=\"url(#tip)\"/></svg> once more</span> <span><svg width=\"34\" \
height=\"12\"><path class=\"arrow lost\" d=\"M0,6H34\"/><path class=\"cross\" d=\"M12,1l10,10m0,-10l-10,10\"/></svg> \
lost</span> <span><svg width=\"16\" height=\"24\"><path class=\"lightning\" d=\"M10,1l-8,12h6l-3,10l10,-13h-6l4,-9z\"/></svg> \
a process dies; grey: what was in its memory alone</span> <span><svg width=\"20\" height=\"14\"><rect class=\"cut\" \
width=\"20\" height=\"14\"/></svg> cut off from the broker</span> <span><svg width=\"14\" height=\"18\"><path class=\"glass\" \
d=\"M2,1h10l-10,16h10z\"/></svg> timer, time</span> <span><b>bold</b> on the way to the failure</span> <span \
class=\"fault\"><b>!</b> red: a fault</span></p>\n";

struct Lanes<'a>(Vec<&'a str>);

impl Lanes<'_> {
    fn x(&self, name: &str) -> usize {
        self.0.iter().position(|lane| *lane == name).unwrap_or(0) * LANE + LEFT + LANE / 2
    }

    fn end(&self) -> usize {
        LEFT + self.0.len() * LANE
    }
}

pub(super) fn write(out: &mut String, page: &Page, view: &View) {
    let services = page.film.groups.iter().skip(1).map(String::as_str);
    let lanes = Lanes(std::iter::once("clients").chain(services).chain(["broker", "outside"]).collect());
    let (rows, high) = layout::rows(&page.film, view, |place| note(page, view, place));
    let width = lanes.end() + WORDS;
    out.push_str("<section id=\"what\"><h2>What happened</h2>\n");
    out.push_str(LEGEND);
    out.push_str("<noscript><p>Without scripts nothing can be opened or chosen here; every event is listed below.</p></noscript>\n");
    let _ = write!(
        out,
        "<div id=\"film\" tabindex=\"0\" role=\"group\" aria-label=\"Sequence diagram: arrow keys go from event to event\">\n\
         <svg class=\"heads\" viewBox=\"0 0 {width} 26\" width=\"{width}\" aria-hidden=\"true\">"
    );
    let _ = write!(
        out,
        "<text x=\"40\" y=\"17\" class=\"head end\">step</text><text x=\"112\" y=\"17\" class=\"head end\">time</text>"
    );
    for lane in &lanes.0 {
        let _ = write!(out, "<text x=\"{}\" y=\"17\" class=\"head mid\">{}</text>", lanes.x(lane), escaped(lane));
    }
    let _ = write!(
        out,
        "</svg>\n<svg id=\"rows\" viewBox=\"0 0 {width} {high}\" width=\"{width}\" role=\"group\" \
         aria-label=\"Sequence diagram of the run\" aria-describedby=\"all\">\n\
         <defs><marker id=\"tip\" markerUnits=\"userSpaceOnUse\" markerWidth=\"9\" markerHeight=\"10\" refX=\"8\" refY=\"5\" orient=\"auto\">\
         <path d=\"M0,1L9,5L0,9z\" fill=\"context-stroke\"/></marker>\
         <pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"2.5\" height=\"6\" class=\"hatch\"/></pattern></defs>\n"
    );
    for lane in &lanes.0 {
        let x = lanes.x(lane);
        let _ = write!(out, "<path class=\"lane\" d=\"M{x},0V{high}\"/>");
    }
    out.push('\n');
    bands(out, page, &rows, &lanes);
    links(out, page, &rows, &lanes);
    let (mut time, mut folds) = (None, 0);
    for row in &rows {
        match &row.kind {
            Kind::Fold(count, can_open) => {
                fold(out, row, (folds, *count, *can_open), &lanes);
                folds += 1;
            }
            Kind::Event(note) => {
                let scene = &page.film.scenes[row.place];
                let is_new = time != Some(scene.at) && row.fold.is_none();
                event(out, page, row, note, (is_new, row.place == view.now), &lanes);
                if row.fold.is_none() {
                    time = Some(scene.at);
                }
            }
        }
    }
    out.push_str("</svg></div>\n");
}

/// What stands below an event's line.
fn note(page: &Page, view: &View, place: usize) -> String {
    let scene = &page.film.scenes[place];
    let is_last = page.film.scenes.get(place + 1).is_none_or(|next| next.step != scene.step);
    let mut notes = vec![];
    if view.broken == Some(place) {
        notes.push("✖ broken from here on".to_owned());
    }
    if is_last && page.no_return == Some(scene.step) {
        notes.push("◆ no return after this".to_owned());
    }
    if is_last && page.turned == Some(scene.step) && page.no_return != page.turned {
        notes.push("◆ turned here".to_owned());
    }
    let changed = summary(&page.film, place);
    notes.extend((!changed.is_empty()).then_some(changed));
    notes.join(" · ")
}

/// The row of an event: its own, or the fold's in which it is.
fn row_of(rows: &[Row], place: usize) -> Option<&Row> {
    let at = rows.partition_point(|row| row.place <= place);
    rows[..at].last()
}

fn middle(row: &Row) -> usize {
    row.y + 13
}

/// Where somebody is cut off, and what a process knew alone when it died.
fn bands(out: &mut String, page: &Page, rows: &[Row], lanes: &Lanes<'_>) {
    let scenes = &page.film.scenes;
    for row in rows.iter().filter(|row| matches!(row.kind, Kind::Event(_))) {
        let scene = &scenes[row.place];
        let Some(service) = &scene.service else { continue };
        let (kind, from, to) = match scene.shape {
            Shape::Cut(millis) => {
                let until = scenes.iter().position(|later| later.at >= scene.at + millis).unwrap_or(scenes.len() - 1);
                ("cut", row.place, until)
            }
            Shape::Crash => {
                let own = |it: &Scene| it.service.as_ref() == Some(service);
                let durable = |it: &Scene| own(it) && matches!(it.shape, Shape::Commit | Shape::Crash);
                let kept = scenes[..row.place].iter().rposition(durable).unwrap_or(0);
                ("memory", kept.max(rows[0].place), row.place)
            }
            _ => continue,
        };
        let (Some(first), Some(last)) = (row_of(rows, from), row_of(rows, to)) else { continue };
        let (top, bottom) = (middle(first), middle(last).max(middle(first) + 13));
        let _ = writeln!(
            out,
            "<rect class=\"{kind}\" data-a=\"{from}\" data-b=\"{to}\" x=\"{}\" y=\"{top}\" width=\"22\" height=\"{}\"/>",
            lanes.x(service) - 11,
            bottom - top
        );
    }
}

/// What waits before it arrives: from where it was sent to where it came.
fn links(out: &mut String, page: &Page, rows: &[Row], lanes: &Lanes<'_>) {
    for row in rows.iter().filter(|row| matches!(row.kind, Kind::Event(_))) {
        let scene = &page.film.scenes[row.place];
        let (Some(sent), Some(service)) = (scene.sent, &scene.service) else { continue };
        let (from, to, again) = match scene.shape {
            Shape::Deliver => (lanes.x("broker"), lanes.x(service), ""),
            Shape::Again => (lanes.x("broker"), lanes.x(service), " again"),
            Shape::Arrive => (lanes.x(service), lanes.x("outside"), " late"),
            _ => continue,
        };
        let Some(first) = row_of(rows, sent).filter(|first| first.place <= row.place) else { continue };
        let both = page.film.scenes.get(sent).is_some_and(|it| it.is_on_path) && scene.is_on_path;
        let path = if both { " path" } else { "" };
        let fault = if scene.is_fault || scene.deviation.is_some() { " fault" } else { "" };
        let hidden = if row.fold.is_some() { " style=\"display:none\"" } else { "" };
        let to = if to > from { to - 5 } else { to + 5 };
        let _ = writeln!(
            out,
            "<path class=\"arrow link{again}{path}{fault}\" data-a=\"{sent}\" data-b=\"{}\" data-x=\"{from} {to}\" \
             d=\"M{from},{}L{to},{}\" marker-end=\"url(#tip)\"{hidden}/>",
            row.place,
            middle(first),
            middle(row)
        );
    }
}

fn fold(out: &mut String, row: &Row, (number, count, can_open): (usize, usize, bool), lanes: &Lanes<'_>) {
    let (word, y) = (if count == 1 { "event" } else { "events" }, middle(row));
    let open = if can_open {
        format!(" data-fold=\"{number}\" role=\"button\" aria-expanded=\"false\" tabindex=\"0\"")
    } else {
        String::new()
    };
    let sign = if can_open { "▸" } else { "⋯" };
    let last = row.place + count - 1;
    let _ = writeln!(
        out,
        "<g class=\"row fold\" data-n=\"{}\" data-to=\"{last}\" data-h=\"{}\"{open} transform=\"translate(0 {y})\">\
         <rect class=\"bg\" y=\"-13\" width=\"{}\" height=\"{}\"/>\
         <text x=\"{}\" y=\"4\"><tspan class=\"sign\">{sign}</tspan> {count} unrelated {word}</text></g>",
        row.place,
        row.high,
        lanes.end() + WORDS,
        row.high,
        lanes.end() + 8
    );
}

fn event(out: &mut String, page: &Page, row: &Row, note: &str, (is_new, is_now): (bool, bool), lanes: &Lanes<'_>) {
    let scene = &page.film.scenes[row.place];
    let mark = if scene.is_fault { "! " } else { "" };
    let hidden = match row.fold {
        Some(number) => format!(" data-in=\"{number}\" style=\"display:none\""),
        None => String::new(),
    };
    let now = if is_now { " now" } else { "" };
    let class = class(scene).trim_start_matches(" class=\"").trim_end_matches('"');
    let _ = write!(
        out,
        "<g class=\"row {class}{now}\" data-n=\"{}\" data-h=\"{}\"{hidden} transform=\"translate(0 {})\">\
         <title>{}: {}</title><rect class=\"bg\" y=\"-13\" width=\"{}\" height=\"{}\"/><text x=\"40\" y=\"4\" class=\"end dim\">{}</text>",
        row.place,
        row.high,
        middle(row),
        stamp(scene),
        escaped(&cut(&scene.text, 300)),
        lanes.end() + WORDS,
        row.high,
        scene.step
    );
    if is_new {
        let _ = write!(out, "<text x=\"112\" y=\"4\" class=\"end dim\">{}</text>", seconds(scene.at));
    }
    if let Some(number) = scene.deviation {
        let _ = write!(
            out,
            "<circle class=\"badge\" cx=\"132\" cy=\"0\" r=\"9\"/><text class=\"badge mid\" x=\"132\" y=\"4\">{number}</text>"
        );
    }
    art(out, scene, lanes);
    let x = lanes.end() + 8;
    let _ =
        write!(out, "<text x=\"{x}\" y=\"4\" class=\"words\">{mark}{}</text>", escaped(&cut(&scene.text, LETTERS.0)));
    if !note.is_empty() {
        let _ = write!(out, "<text x=\"{}\" y=\"18\" class=\"note\">{}</text>", x + 8, escaped(&cut(note, LETTERS.1)));
    }
    out.push_str("</g>\n");
}

/// What is drawn on the lanes.
fn art(out: &mut String, scene: &Scene, lanes: &Lanes<'_>) {
    let own = scene.service.as_deref().map_or_else(|| lanes.x("clients"), |service| lanes.x(service));
    let (client, broker, outside) = (lanes.x("clients"), lanes.x("broker"), lanes.x("outside"));
    let target = if scene.text.contains(" publishes ") { broker } else { outside };
    match scene.shape {
        Shape::Send => sign::arrow(out, client, own, 0, ""),
        Shape::Hear => sign::arrow(out, own, client, 0, " answer"),
        Shape::Publish => sign::arrow(out, own, broker, 0, ""),
        Shape::Call => {
            sign::arrow(out, own, outside, -3, "");
            sign::arrow(out, outside, own, 5, " answer");
        }
        Shape::Lost => {
            sign::arrow(out, own, usize::midpoint(own, target), 0, " lost");
            sign::cross(out, usize::midpoint(own, target), 0);
        }
        Shape::Unheard => {
            sign::arrow(out, own, target, -3, "");
            sign::arrow(out, target, usize::midpoint(own, target), 5, " answer lost");
            sign::cross(out, usize::midpoint(own, target), 5);
            if scene.text.contains("dies") {
                sign::lightning(out, own);
            }
        }
        Shape::Deliver | Shape::Again if scene.sent.is_none() => {
            let again = if scene.shape == Shape::Again { " again" } else { "" };
            sign::arrow(out, broker, own, 0, again);
        }
        Shape::Deliver | Shape::Again | Shape::Arrive => {}
        Shape::Told => sign::arrow(out, outside, own, 0, ""),
        Shape::Crash => sign::lightning(out, own),
        Shape::Time => {
            let _ = write!(out, "<path class=\"passes\" d=\"M{LEFT},0H{}\"/>", lanes.end());
            sign::hourglass(out, client);
        }
        Shape::Timer => sign::hourglass(out, own),
        Shape::Commit => sign::dot(out, own, "commit"),
        Shape::Cut(_) | Shape::Note | Shape::Late => sign::dot(out, own, "note"),
    }
    if scene.shape == Shape::Lost && scene.text.contains("dies") {
        sign::lightning(out, own);
    }
}
