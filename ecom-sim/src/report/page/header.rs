//! What the terminal says, and what is copied from it.

use std::fmt::Write;

use super::{Page, escaped};

pub(super) fn write(out: &mut String, page: &Page) {
    let verdict = if page.is_stuck { "STUCK" } else { "FAIL" };
    let text = |text: &str| escaped(text);
    let _ = writeln!(
        out,
        "<header><h1><span class=\"verdict\">{verdict}</span> {}</h1>\n<p class=\"meta\">{}<br>{}</p>\n\
         <div class=\"sides\"><div><h2>Expected</h2><p>{}</p></div>\
         <div class=\"bad\"><h2>Actual</h2><p>{}</p></div></div>",
        text(&page.title),
        text(&page.subject),
        text(&page.world),
        text(&page.expected),
        text(&page.actual)
    );
    out.push_str("<h2>What went otherwise</h2>\n");
    if page.deviations.is_empty() {
        out.push_str("<p>Nothing: it fails by itself, without a fault.</p>\n");
    } else {
        out.push_str("<ol class=\"otherwise\">\n");
        for it in &page.deviations {
            let _ = writeln!(
                out,
                "<li><b>{}</b> <small>step {}</small><br><code>{}</code> <span class=\"meta\">{}</span></li>",
                text(&it.words),
                it.step,
                text(&it.code),
                text(&it.without)
            );
        }
        out.push_str("</ol>\n");
    }
    out.push_str("<dl class=\"moments\">\n");
    for (name, told) in &page.moments {
        let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", text(name), text(told));
    }
    out.push_str("</dl>\n");
    copied(out, "Replay", "again", &page.again);
    copied(out, "Regression test", "test", &page.test);
    out.push_str("</header>\n");
}

fn copied(out: &mut String, head: &str, id: &str, text: &str) {
    let text = escaped(text.trim_end());
    let _ = writeln!(
        out,
        "<div class=\"copied\"><h2>{head} <button type=\"button\" data-copy=\"{id}\">Copy</button></h2>\
         <pre id=\"{id}\">{text}</pre></div>"
    );
}
