//! Signs of the diagram, as shapes: fonts differ in what they have.

use std::fmt::Write;

/// A cross: lost.
pub(super) fn cross(out: &mut String, x: usize, y: i32) {
    let _ = write!(out, "<path class=\"cross\" d=\"M{},{}l10,10m0,-10l-10,10\"/>", x - 5, y - 5);
}

/// A lightning: a process dies.
pub(super) fn lightning(out: &mut String, x: usize) {
    let _ = write!(out, "<path class=\"lightning\" d=\"M{},-11l-8,12h6l-3,10l10,-13h-6l4,-9z\"/>", x + 2);
}

/// An hour-glass: a timer, or time.
pub(super) fn hourglass(out: &mut String, x: usize) {
    let _ = write!(out, "<path class=\"glass\" d=\"M{},-8h10l-10,16h10z\"/>", x - 5);
}

/// A transaction that is durable, or something that a service does by itself.
pub(super) fn dot(out: &mut String, x: usize, class: &str) {
    let _ = write!(out, "<circle class=\"{class}\" cx=\"{x}\" cy=\"0\" r=\"4.5\"/>");
}

/// An arrow.
pub(super) fn arrow(out: &mut String, from: usize, to: usize, y: i32, class: &str) {
    let to = if to > from { to - 5 } else { to + 5 };
    let tip = if class.contains("lost") { "" } else { " marker-end=\"url(#tip)\"" };
    let _ = write!(out, "<path class=\"arrow{class}\" d=\"M{from},{y}H{to}\"{tip}/>");
}
