//! What a run tells at its end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ecom_services::demo::audit::Check;
use ecom_services::demo::write_check;

use crate::audit::Findings;
use crate::faults::Figures;
use crate::kind::Kind;
use crate::load::Seen;
use crate::outage::Outage;

/// The figures and the promises.
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// From the first order to the last healing.
    pub(crate) lasted: Duration,
    pub(crate) seen: Seen,
    pub(crate) figures: BTreeMap<Kind, Figures>,
    pub(crate) findings: Findings,
    /// Tries that had to be repeated.
    pub(crate) retries: u64,
    /// The broker's long absence, if that was what the run was about.
    pub(crate) outage: Option<Outage>,
}

impl Report {
    /// How many promises were broken, and how often.
    pub(crate) fn violations(&self) -> u64 {
        self.findings.audit.checks.iter().map(|check| check.broken).sum()
    }

    /// Whether a promise of that name was broken.
    pub(crate) fn breaks(&self, name: &str) -> bool {
        self.findings.audit.checks.iter().any(|check| check.name == name && !check.holds())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, seen, findings, .. } = self;
        let faults: u64 = self.figures.values().map(|figures| figures.count).sum();
        let (lasted, kinds) = (self.lasted.as_secs_f64(), self.figures.len());
        writeln!(out, "\nseed {seed}: {lasted:.0} s, {faults} faults of {kinds} kinds")?;
        writeln!(
            out,
            "{} orders offered, {} accepted, {} unanswered for a minute, {} held back, {} tries repeated, {} replays",
            seen.offered,
            seen.accepted.len(),
            seen.unanswered,
            seen.held_back,
            self.retries,
            seen.replays,
        )?;
        if let Some(outage) = &self.outage {
            write!(out, "{outage}")?;
        }
        let injected = &findings.injected;
        writeln!(out, "{} duplicates and {} poison messages injected", injected.duplicates, injected.poison.len())?;
        for (status, number) in &findings.audit.ended {
            writeln!(out, "  {:<32}{number:>8}", status.name())?;
        }
        writeln!(out, "\n  {:<32}{:>7}{:>12}{:>12}{:>8}", "fault", "times", "p50 ms", "slowest ms", "missed")?;
        for (kind, figures) in &self.figures {
            let mut recoveries: Vec<u128> = figures.recoveries.iter().map(Duration::as_millis).collect();
            recoveries.sort_unstable();
            let shown = |number: Option<&u128>| number.map_or_else(|| "-".to_owned(), ToString::to_string);
            let half = shown(recoveries.get(recoveries.len().saturating_sub(1) / 2));
            let most = if figures.never > 0 { "never".to_owned() } else { shown(recoveries.last()) };
            let (count, missed) = (figures.count, figures.missed);
            writeln!(out, "  {:<32}{count:>7}{half:>12}{most:>12}{missed:>8}", kind.to_string())?;
        }
        writeln!(
            out,
            "  (from a healing to the completion of an order placed then; other faults may have come between)\n"
        )?;
        for check in &findings.audit.checks {
            write_check(out, check)?;
        }
        let held = findings.audit.checks.iter().filter(|check| Check::holds(check)).count();
        let all = findings.audit.checks.len();
        writeln!(
            out,
            "\nat rest {:.1} s after the last healing; {held} of {all} promises held",
            findings.settled.as_secs_f64()
        )?;
        writeln!(out, "{} violations", self.violations())
    }
}
