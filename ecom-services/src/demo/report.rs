//! What the demo tells at its end, as a table or as one JSON object.

use std::fmt;

use serde::Serialize;

use super::audit::{Audit, Check};
use super::traffic::Traffic;
use super::wire::{Status, Tally};

/// Percentiles of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub count: usize,
    /// Half of them took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took no longer, in milliseconds.
    pub p99_ms: f64,
}

impl Latency {
    fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        let at = |percent: usize| {
            let rank = (micros.len() * percent).div_ceil(100).max(1);
            micros.get(rank - 1).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
        };
        Self { count: micros.len(), p50_ms: at(50), p99_ms: at(99) }
    }
}

/// The demo's result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Whether every order came to its end and every check holds.
    pub passed: bool,
    /// How many orders were placed.
    pub orders: u32,
    /// By how many clients.
    pub concurrency: u32,
    /// From the first request to the last end, in seconds.
    pub seconds: f64,
    /// Orders brought to their end per second.
    pub orders_per_second: f64,
    /// Orders by how they ended.
    pub ended: Tally<Status>,
    /// Failed orders by code.
    pub failures: Tally<String>,
    /// From a request to the order's acceptance.
    pub acceptance: Latency,
    /// From a request to the order's completion, where the provider gave no trouble.
    pub completion: Latency,
    /// Tries that had to be repeated: lost connections, 429, 503.
    pub retries: u64,
    /// The promises.
    pub checks: Vec<Check>,
}

impl Report {
    pub(super) fn new(orders: u32, concurrency: u32, traffic: Traffic, audit: Audit, retries: u64) -> Self {
        let checks = [traffic.checks(), audit.checks].concat();
        let terminal: u64 =
            audit.ended.iter().filter(|(status, _)| status.is_terminal()).map(|(_, number)| *number).sum();
        let seconds = traffic.took.as_secs_f64();
        Self {
            passed: terminal == u64::from(orders) && checks.iter().all(Check::holds),
            orders,
            concurrency,
            seconds,
            orders_per_second: terminal as f64 / seconds.max(1e-6),
            ended: audit.ended,
            failures: audit.failures,
            acceptance: Latency::of(traffic.acceptance_us),
            completion: Latency::of(traffic.completion_us),
            retries,
            checks,
        }
    }

    /// Whether the command ends with 0.
    pub const fn passed(&self) -> bool {
        self.passed
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, concurrency, seconds, orders_per_second, retries, .. } = self;
        writeln!(out, "{orders} orders, {concurrency} clients, {seconds:.2} s, {orders_per_second:.0} orders/s")?;
        if *retries > 0 {
            writeln!(out, "{retries} tries had to be repeated")?;
        }
        writeln!(out, "\n  {:<26}{:>8}", "ended", "orders")?;
        for (status, number) in &self.ended {
            writeln!(out, "  {:<26}{number:>8}", status.name())?;
            if *status == Status::Failed {
                for (code, number) in &self.failures {
                    writeln!(out, "    {code:<24}{number:>8}")?;
                }
            }
        }
        writeln!(out, "\n  {:<26}{:>8}{:>11}{:>11}", "latency", "orders", "p50 ms", "p99 ms")?;
        for (name, latency) in [("accepted", self.acceptance), ("completed", self.completion)] {
            let Latency { count, p50_ms, p99_ms } = latency;
            writeln!(out, "  {name:<26}{count:>8}{p50_ms:>11.1}{p99_ms:>11.1}")?;
        }
        writeln!(out)?;
        for check in &self.checks {
            write_check(out, check)?;
        }
        Ok(())
    }
}

/// A check as a line, and the first offenders under it.
pub fn write_check(out: &mut impl fmt::Write, check: &Check) -> fmt::Result {
    let mark = if check.holds() { "ok    " } else { "FAILED" };
    writeln!(out, "  {mark}  {}", check.name)?;
    for offender in &check.first {
        writeln!(out, "            {offender}")?;
    }
    let more = check.broken.saturating_sub(check.first.len() as u64);
    if more > 0 {
        writeln!(out, "            and {more} more")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let latency = Latency::of((1..=200).map(|number| number * 1_000).collect());
        assert_eq!(latency, Latency { count: 200, p50_ms: 100.0, p99_ms: 198.0 });
        assert_eq!(Latency::of(vec![7_000]), Latency { count: 1, p50_ms: 7.0, p99_ms: 7.0 });
        assert_eq!(Latency::of(vec![]), Latency { count: 0, p50_ms: 0.0, p99_ms: 0.0 });
    }

    #[test]
    fn a_broken_check_is_shown_with_its_offenders() {
        let mut text = String::new();
        write_check(&mut text, &Check::of("a promise", (0..7).map(|number| format!("offender {number}")))).unwrap();
        assert!(text.starts_with("  FAILED  a promise\n"), "{text}");
        assert!(text.contains("offender 4\n") && text.ends_with("and 2 more\n"), "{text}");
    }
}
