//! Metrics in the Prometheus text format: what HTTP counts itself, and whatever other parts add.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of request durations, in milliseconds.
const BUCKETS_MS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 30_000];

/// Writes its metrics, in the Prometheus text format, at the end of the text.
pub type Source = Box<dyn Fn(&mut String) + Send + Sync>;

/// The metrics of a process.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, &'static str, u16), Series>>,
    sources: Mutex<Vec<Source>>,
}

#[derive(Clone, Copy, Default)]
struct Series {
    buckets: [u64; BUCKETS_MS.len()],
    count: u64,
    micros: u64,
}

impl Metrics {
    /// Adds metrics that are read whenever somebody asks.
    pub fn add(&self, source: Source) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    /// Counts a request by method, route pattern and status: few values each, so the table stays small.
    pub fn observe(&self, method: &'static str, route: &'static str, status: u16, duration: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let series = requests.entry((method, route, status)).or_default();
        let fitting = BUCKETS_MS.iter().position(|bound| duration <= Duration::from_millis(*bound));
        if let Some(bucket) = fitting.and_then(|index| series.buckets.get_mut(index)) {
            *bucket += 1;
        }
        series.count += 1;
        series.micros = series.micros.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        let mut text = String::from(
            "# HELP http_request_duration_seconds How long requests took.\n\
             # TYPE http_request_duration_seconds histogram\n",
        );
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((method, route, status), series) in &requests {
            series.write(&mut text, &format!("method=\"{method}\",route=\"{route}\",status=\"{status}\""));
        }
        for source in self.sources.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            source(&mut text);
        }
        text
    }
}

impl Series {
    fn write(&self, text: &mut String, labels: &str) {
        let mut below = 0;
        // Writing to a string cannot fail.
        for (bound, count) in BUCKETS_MS.iter().zip(self.buckets) {
            below += count;
            let seconds = *bound as f64 / 1_000.0;
            let _ = writeln!(text, "http_request_duration_seconds_bucket{{{labels},le=\"{seconds}\"}} {below}");
        }
        let (count, seconds) = (self.count, self.micros as f64 / 1_000_000.0);
        let _ = writeln!(text, "http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "http_request_duration_seconds_sum{{{labels}}} {seconds}");
        let _ = writeln!(text, "http_request_duration_seconds_count{{{labels}}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        for millis in [1, 3, 60_000] {
            metrics.observe("GET", "/a", 200, Duration::from_millis(millis));
        }
        metrics.add(Box::new(|text| text.push_str("outbox_rows 7\n")));
        let text = metrics.render();
        for line in [
            "http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"200\",le=\"0.001\"} 1",
            "http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"200\",le=\"0.005\"} 2",
            "http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"200\",le=\"30\"} 2",
            "http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"200\",le=\"+Inf\"} 3",
            "http_request_duration_seconds_count{method=\"GET\",route=\"/a\",status=\"200\"} 3",
            "outbox_rows 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
