//! Which events have a row in the diagram, and where; the page's script lays them out in the same way when a fold is opened.

use super::{Film, Shape, View};

/// Rows that are open at first, on the way to the failure.
const PATH_MAX: usize = 80;
/// Of those, at the beginning of the way when it is long.
const PATH_FIRST: usize = 12;
/// Rows that can be opened.
const FOLDED_MAX: usize = 160;
/// Of an event that changed nothing.
const LOW: usize = 26;
/// Of one with a line about what it changed.
const HIGH: usize = 40;

/// A row of the diagram.
pub(super) struct Row {
    /// The place of its event; the first of a fold's.
    pub(super) place: usize,
    /// Where it begins, while the folds are closed.
    pub(super) y: usize,
    /// How high it is.
    pub(super) high: usize,
    /// The number of the fold in which it is.
    pub(super) fold: Option<usize>,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a row is.
pub(super) enum Kind {
    /// An event, with what it changed.
    Event(String),
    /// So many events, and whether they can be seen.
    Fold(usize, bool),
}

/// The rows, and how high they are together.
pub(super) fn rows(film: &Film, view: &View, noted: impl Fn(usize) -> String) -> (Vec<Row>, usize) {
    let scenes = &film.scenes;
    let shown = shown(film, view);
    let (mut rows, mut y, mut place, mut folds, mut opened) = (vec![], 0, view.first, 0, 0);
    while place < scenes.len() {
        if shown[place] {
            let note = noted(place);
            let high = if note.is_empty() { LOW } else { HIGH };
            rows.push(Row { place, y, high, fold: None, kind: Kind::Event(note) });
            (y, place) = (y + high, place + 1);
            continue;
        }
        let end = (place..scenes.len()).find(|at| shown[*at]).unwrap_or(scenes.len());
        let count = end - place;
        let can_open = opened + count <= FOLDED_MAX;
        rows.push(Row { place, y, high: LOW, fold: None, kind: Kind::Fold(count, can_open) });
        if can_open {
            opened += count;
            for hidden in place..end {
                let note = noted(hidden);
                let high = if note.is_empty() { LOW } else { HIGH };
                rows.push(Row { place: hidden, y, high, fold: Some(folds), kind: Kind::Event(note) });
            }
        }
        (y, place, folds) = (y + LOW, end, folds + 1);
    }
    (rows, y)
}

/// Which events have a row while the folds are closed.
fn shown(film: &Film, view: &View) -> Vec<bool> {
    let scenes = &film.scenes;
    let mut path: Vec<usize> = (view.first..scenes.len()).filter(|place| scenes[*place].is_on_path).collect();
    if path.len() > PATH_MAX {
        path.drain(PATH_FIRST..path.len() - (PATH_MAX - PATH_FIRST));
    }
    let mut shown = vec![false; scenes.len()];
    for place in path {
        shown[place] = true;
        // What came to pass before it, as far back as nothing else is shown.
        let time =
            (view.first..place).rev().take_while(|before| !shown[*before]).find(|it| scenes[*it].shape == Shape::Time);
        if let Some(time) = time {
            shown[time] = true;
        }
    }
    shown
}
