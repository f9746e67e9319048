//! The durations and limits that rules need. Plain data: the services read them from their configuration.

use std::time::Duration;

/// How long things may take. Defaults are those of the reference deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How long an order waits for stock before it fails with `inventory_timeout`.
    pub inventory_deadline: Duration,
    /// How long an order waits for its payment before it fails with `payment_timeout`.
    pub payment_deadline: Duration,
    /// How old a hold may get before inventory reports it.
    pub hold_alarm: Duration,
    /// How long an order waits for what it is owed after its end before it repeats its terminal event; doubles each time.
    pub owed_deadline: Duration,
    /// How often the terminal event is repeated before the order is flagged `needs_attention`.
    pub owed_attempts_max: u32,
    /// How long one call of the payment provider may take.
    pub provider_timeout: Duration,
    /// How soon a provider that failed transiently, or did not answer, is asked again; the last delay repeats.
    pub provider_retry: [Duration; 5],
    /// How soon a notice that could not be sent is tried again; then it is given up.
    pub notice_retry: [Duration; 5],
    /// Below how many available pieces `stock.low` is published.
    pub stock_low_threshold: u32,
    /// Whether an order of a user without a payment method is charged to `tok_visa` (the sandbox only).
    pub sandbox_default_method: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            inventory_deadline: Duration::from_secs(600),
            payment_deadline: Duration::from_secs(900),
            hold_alarm: Duration::from_secs(3_600),
            owed_deadline: Duration::from_secs(30),
            owed_attempts_max: 10,
            provider_timeout: Duration::from_secs(5),
            provider_retry: [200, 1_000, 5_000, 15_000, 30_000].map(Duration::from_millis),
            notice_retry: [1, 5, 30, 120, 600].map(Duration::from_secs),
            stock_low_threshold: 5,
            sandbox_default_method: true,
        }
    }
}

impl Policy {
    /// The delay before attempt `attempt + 1` of a ladder, `attempt` counted from 1; the last rung repeats.
    pub fn rung(ladder: &[Duration; 5], attempt: u32) -> Duration {
        ladder[(attempt.max(1) as usize - 1).min(ladder.len() - 1)]
    }
}
