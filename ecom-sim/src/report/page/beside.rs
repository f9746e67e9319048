//! The run beside the nearest one that passes.

use std::fmt::Write;

use super::{Page, Scene, class, escaped, told};

/// Events on either side that are set against each other.
const ALIGNED_MAX: usize = 160;
/// Rows after the first difference.
const ROWS_MAX: usize = 40;
/// Rows before it.
const ROWS_BEFORE: usize = 3;

/// An event on the left, on the right, or the same on both.
type Pair<'a> = (Option<&'a Scene>, Option<&'a Scene>);

pub(super) fn write(out: &mut String, page: &Page) {
    out.push_str("<section><h2>Beside the nearest run that passes</h2>\n");
    let Some((what, passing)) = &page.passing else {
        out.push_str(
            "<p>None of the runs beside it passes: it fails without anything that goes otherwise.</p></section>\n",
        );
        return;
    };
    let first = page.film.first_difference(passing);
    let _ = writeln!(
        out,
        "<p>{}. The first {first} events are the same; where both do the same later on, they stand beside each other.</p>\n\
         <table class=\"beside\"><tr><th>this run fails</th><th>the other passes</th></tr>",
        escaped(what)
    );
    if first > ROWS_BEFORE {
        let _ = writeln!(
            out,
            "<tr class=\"dim\"><td colspan=\"2\">⋯ {} events are the same</td></tr>",
            first - ROWS_BEFORE
        );
    }
    let (left, right) = (&page.film.scenes, &passing.scenes);
    for scene in &left[first.saturating_sub(ROWS_BEFORE)..first] {
        row(out, (Some(scene), Some(scene)), false);
    }
    let side = |scenes: &'_ [Scene]| first..scenes.len().min(first + ALIGNED_MAX);
    let pairs = aligned(&left[side(left)], &right[side(right)]);
    let (mut number, mut place) = (0, 0);
    while place < pairs.len() && number < ROWS_MAX {
        let same = pairs[place..].iter().take_while(|pair| is_same(pair)).count();
        if same > 2 {
            let _ = writeln!(out, "<tr class=\"dim\"><td colspan=\"2\">⋯ {same} events are the same</td></tr>");
            (place, number) = (place + same, number + 1);
            continue;
        }
        row(out, pairs[place], place == 0);
        (place, number) = (place + 1, number + 1);
    }
    if place < pairs.len() {
        out.push_str("<tr class=\"dim\"><td colspan=\"2\">⋯ and so on</td></tr>\n");
    }
    out.push_str("</table></section>\n");
}

/// Whether both did that.
fn is_same((left, right): &Pair<'_>) -> bool {
    left.zip(*right).is_some_and(|(left, right)| left.text == right.text)
}

fn row(out: &mut String, (left, right): Pair<'_>, is_first: bool) {
    let mark = if is_first { " class=\"first\"" } else { "" };
    let note = if is_first { "<strong>first difference</strong> " } else { "" };
    let cell = |scene: Option<&Scene>| match scene {
        Some(scene) => format!("<td{}>{note}{}</td>", class(scene), told(scene, 160)),
        None => "<td class=\"none\">–</td>".to_owned(),
    };
    let _ = writeln!(out, "<tr{mark}>{}{}</tr>", cell(left), cell(right));
}

/// What is the same stands beside each other, as much of it as can be.
fn aligned<'a>(left: &'a [Scene], right: &'a [Scene]) -> Vec<Pair<'a>> {
    let mut most = vec![vec![0_u16; right.len() + 1]; left.len() + 1];
    for (i, one) in left.iter().enumerate().rev() {
        for (j, other) in right.iter().enumerate().rev() {
            most[i][j] =
                if one.text == other.text { most[i + 1][j + 1] + 1 } else { most[i + 1][j].max(most[i][j + 1]) };
        }
    }
    let (mut pairs, mut i, mut j) = (vec![], 0, 0);
    while i < left.len() || j < right.len() {
        let both = i < left.len() && j < right.len();
        if both && left[i].text == right[j].text {
            pairs.push((Some(&left[i]), Some(&right[j])));
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && most[i + 1][j] >= most[i][j + 1]) {
            pairs.push((Some(&left[i]), None));
            i += 1;
        } else {
            pairs.push((None, Some(&right[j])));
            j += 1;
        }
    }
    pair_up(pairs)
}

/// What is only on the left and what is only on the right, one after the other, share rows.
fn pair_up(pairs: Vec<Pair<'_>>) -> Vec<Pair<'_>> {
    let (mut out, mut lefts, mut rights) = (vec![], vec![], vec![]);
    let flush = |lefts: &mut Vec<_>, rights: &mut Vec<_>, out: &mut Vec<_>| {
        let (mut left, mut right) = (lefts.drain(..), rights.drain(..));
        loop {
            match (left.next(), right.next()) {
                (None, None) => break,
                pair => out.push(pair),
            }
        }
    };
    for pair in pairs {
        match pair {
            (Some(left), None) => lefts.push(left),
            (None, Some(right)) => rights.push(right),
            both => {
                flush(&mut lefts, &mut rights, &mut out);
                out.push(both);
            }
        }
    }
    flush(&mut lefts, &mut rights, &mut out);
    out
}
