//! What a command says: on standard output what came of it, on standard error what is wrong.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Ending;

/// Whether something that was to be written is not.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whoever reads may have gone away: that is no reason to fail. A full disk is one.
pub(super) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        lost(format_args!("standard output: {error}"));
    }
}

/// A line on standard error; where nobody hears it, there is nobody else to tell.
pub(super) fn tell(line: &str) {
    drop(io::stderr().write_all(format!("{line}\n").as_bytes()));
}

/// Remembers that something could not be written; the first of it is told.
pub(super) fn lost(problem: impl Display) {
    if !LOST.swap(true, Ordering::Relaxed) {
        tell(&problem.to_string());
    }
}

/// How a command ended, once all was said: what was found weighs more than what could not be written.
pub(super) fn ended(ending: Ending) -> Ending {
    if ending == Ending::Clean && LOST.load(Ordering::Relaxed) { Ending::Unwritten } else { ending }
}
