//! The report on the terminal: at most 25 lines, in the words of the domain.

use std::fmt::{self, Write};

use ecom_core::time::Timestamp;

use super::{Otherwise, Report, Without, analysis};
use crate::choose::{Deviation, Op, Pick};
use crate::world::{Action, Line, World};

/// Lines of a report.
const LINES_MAX: usize = 25;
/// Those of them that come behind what happened last: how it is repeated, and where it is kept.
const END_LINES: usize = 3;
/// Deviations that are shown, each in two lines: of more, as many of the first as of the last.
const DEVIATIONS_MAX: usize = 4;
/// The last things that happened, as many as are shown; fewer where that would be too many lines.
const LAST_MAX: usize = 4;
/// Letters of a line.
const WIDTH: usize = 150;

impl Report {
    /// What a deviation did, in words.
    pub fn words(&self, deviation: &Deviation, step: u64) -> String {
        let of_step = || self.lines.iter().filter(|line| line.step == step);
        let fault = || {
            let of_kind = of_step()
                .find(|line| line.is_fault && word(deviation.site.op).is_some_and(|it| line.text.contains(it)));
            of_kind.or_else(|| of_step().find(|line| line.is_fault)).map(|line| line.text.clone())
        };
        let text = match deviation.pick {
            Pick::Fate(_) | Pick::Action(Action::Crash { .. } | Action::Trouble { .. } | Action::Arrive { .. }) => {
                fault()
            }
            Pick::Message(_) => {
                of_step().find(|line| line.text.contains(", before older ones")).map(|line| line.text.clone())
            }
            Pick::Action(Action::Elapse(_)) => {
                of_step().next().map(|line| format!("{} before others go on", line.text))
            }
            Pick::Action(action @ (Action::Run { .. } | Action::Client(_))) => {
                let begun = self.lines.iter().find(|line| line.step >= step && line.action == action);
                begun.map(|line| format!("before its turn: {}", line.text))
            }
        };
        text.map_or_else(|| deviation.to_string(), |text| self.names.tidy(&text))
    }

    /// What happened in a step, or last before it.
    pub(super) fn what(&self, step: u64) -> String {
        let place = self.lines.partition_point(|line| line.step <= step);
        let first =
            self.lines[..place].last().map_or(0, |last| self.lines.partition_point(|line| line.step < last.step));
        self.lines[..place].get(first).map_or_else(|| "the beginning".to_owned(), |line| self.names.tidy(&line.text))
    }

    /// In words; how long things took is left out where the same bytes are wanted.
    pub(super) fn told(&self, timed: bool) -> String {
        let mut out = String::new();
        // Writing into a string does not fail.
        let _ = self.tell(&mut out, timed);
        out
    }

    fn tell(&self, out: &mut String, timed: bool) -> fmt::Result {
        self.head(out)?;
        let same = if self.same { "two runs are the same" } else { "TWO RUNS DIFFER" };
        let ((before, commands), after) = (self.before, self.recipe.deviations.len());
        let left = self.scenario.commands();
        let commands = if left < commands { format!(", {commands} -> {left} commands") } else { String::new() };
        let took = if timed { format!(", {:.1} ms", self.took.as_secs_f64() * 1_000.0) } else { String::new() };
        writeln!(out, "Shrunk {before} -> {after} deviations{commands} ({} replays{took}); {same}", self.replays)?;
        self.deviations(out)?;
        writeln!(out, "Expected  {}", self.short(&self.failure.broken.expected))?;
        writeln!(out, "Actual    {}", self.short(&self.failure.broken.actual))?;
        for (word, told) in self.moments() {
            writeln!(out, "{word:<9} {told}")?;
        }
        let until = self.lines.iter().filter(|line| line.step <= self.failure.step && !is_dull(line));
        let room = (LINES_MAX - END_LINES).saturating_sub(out.lines().count());
        let last: Vec<_> = until.rev().take(LAST_MAX.min(room)).collect();
        for (number, line) in last.iter().rev().enumerate() {
            let head = if number == 0 { "Last" } else { "" };
            writeln!(out, "{head:<9} step {:<5} {}", line.step, self.short(&line.text))?;
        }
        write!(out, "replay    {}", self.again)
    }

    fn head(&self, out: &mut String) -> fmt::Result {
        let verdict = if self.failure.stuck { "STUCK" } else { "FAIL " };
        writeln!(out, "{verdict} {}", self.failure.invariant.name)?;
        writeln!(out, "      {}", self.subject())?;
        writeln!(out, "      {}", self.world())
    }

    /// About what it is, and when.
    pub(super) fn subject(&self) -> String {
        let subject = &self.failure.broken.subject;
        let known = self.names.all().find(|(_, id)| subject.contains(&id.to_string()));
        let id = known.map(|(_, id)| format!(" ({id})")).unwrap_or_default();
        let at = time(self.failure.at);
        format!("{}{id}, {at} after the beginning, step {}", self.names.tidy(subject), self.failure.step)
    }

    /// In which world, and how it was found.
    pub(super) fn world(&self) -> String {
        let bug = self.bug.map(|bug| format!(", with the planted bug {bug}")).unwrap_or_default();
        let seed = self.seed.map(|(seed, of)| format!(", seed {seed} of {of}")).unwrap_or_default();
        format!("world {}{bug}{seed}, hash {:016x}", self.recipe.scenario, self.digest as u64)
    }

    /// What went otherwise, in words.
    pub(super) fn otherwise(&self) -> Vec<Otherwise> {
        let one = |(number, (deviation, step)): (usize, &(Deviation, u64))| Otherwise {
            step: *step,
            words: self.words(deviation, *step),
            code: deviation.to_string(),
            without: match self.without.get(number) {
                Some(Without::Passes) => "without it nothing is broken".to_owned(),
                Some(Without::Breaks(name)) => format!("without it something else is broken: {name}"),
                Some(Without::Fails) | None => "without it the same is broken".to_owned(),
            },
        };
        self.taken.iter().enumerate().map(one).collect()
    }

    fn deviations(&self, out: &mut String) -> fmt::Result {
        if self.taken.is_empty() {
            return writeln!(out, "  nothing goes otherwise: it fails by itself");
        }
        let folded = if self.taken.len() > DEVIATIONS_MAX {
            DEVIATIONS_MAX / 2..self.taken.len() - DEVIATIONS_MAX / 2
        } else {
            0..0
        };
        for (place, it) in self.otherwise().into_iter().enumerate() {
            if place == folded.start && !folded.is_empty() {
                writeln!(out, "  and {} more; the page has them", folded.len())?;
            }
            if folded.contains(&place) {
                continue;
            }
            writeln!(out, "  {}  step {:<5} {}", place + 1, it.step, self.short(&it.words))?;
            writeln!(out, "                {}: {}", it.code, it.without)?;
        }
        Ok(())
    }

    /// When it went wrong: a word and a sentence.
    pub(super) fn moments(&self) -> Vec<(String, String)> {
        let mut moments = vec![];
        let mut moment = |word: &str, told: String| moments.push((word.to_owned(), told));
        if let Some((good, broken)) = self.last_good {
            moment("Good", format!("until step {good}; broken by step {broken}: {}", self.short(&self.what(broken))));
        }
        let share = |chance: analysis::Chance| format!("{} of {}", chance.failed, chance.runs);
        if let Some((before, after)) = analysis::turned(&self.chances) {
            let (what, step) = (self.short(&self.what(after.step)), after.step);
            moment("Turned", format!("by step {step}: {what}"));
            let (after, before) = (share(after), share(before));
            moment("", format!("{after} random continuations after it fail, before it {before}"));
        }
        match analysis::no_return(&self.chances) {
            Some((_, first)) => {
                moment("No return", format!("after step {}: {}", first.step, self.short(&self.what(first.step))));
            }
            None => moment("No return", "before the end".to_owned()),
        }
        let nearby = &self.nearby;
        let always: Vec<_> = nearby.always.iter().map(|place| (place + 1).to_string()).collect();
        let all = if nearby.failed == 0 || always.is_empty() {
            String::new()
        } else {
            format!(", all with {}", always.join(" and "))
        };
        moment("Nearby", format!("{} of {} variations of this run fail{all}", nearby.failed, nearby.runs));
        moments
    }

    pub(super) fn short(&self, text: &str) -> String {
        let text = self.names.tidy(text);
        if text.chars().count() <= WIDTH { text } else { text.chars().take(WIDTH).chain("…".chars()).collect() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.told(true))?;
        if let Some(dir) = &self.saved {
            let dir = dir.display();
            write!(out, "\nreport    {dir}/report.html\ntest      {dir}/regress.rs (paste into tests/)")?;
        }
        Ok(())
    }
}

/// After the beginning.
pub(super) fn time(at: Timestamp) -> String {
    let passed = at.since(World::dawn());
    let seconds = passed.as_secs();
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, passed.subsec_millis())
}

/// What a line says in which such a choice went otherwise.
const fn word(op: Op) -> Option<&'static str> {
    match op {
        Op::Call => Some(" calls "),
        Op::Webhook => Some(" by webhook "),
        Op::Publish => Some(" publishes "),
        Op::Duplicate => Some(" twice"),
        Op::Settle => Some("settlement"),
        Op::Schedule | Op::Deliver | Op::Commit | Op::Claim | Op::Write => None,
    }
}

/// What tells nothing to whoever reads the last lines.
fn is_dull(line: &Line) -> bool {
    line.text.ends_with(" reads and decides")
}
