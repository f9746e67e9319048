//! Rate limits: so many requests in so long for each key, spread evenly, with a burst of the whole count.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ecom_core::time::Timestamp;
use warp::http::header::{HeaderName, HeaderValue};

use super::problem::Problem;
use crate::config::Rate;

/// Keys that one limiter remembers; past that the ones that are nearest to their full count are forgotten.
const KEYS_MAX: usize = 100_000;

/// Counts requests by key (generic cell rate algorithm: one time for each key, and no window to step around).
pub struct Limiter {
    rate: Rate,
    /// When each key has its full count again.
    full_at: Mutex<BTreeMap<String, Timestamp>>,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The whole count.
    pub limit: u32,
    /// What is left of it.
    pub remaining: u32,
    /// When it is whole again.
    pub reset: Duration,
}

impl Limiter {
    /// A limiter of that rate.
    pub fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::default() }
    }

    /// Takes one from a key's count.
    ///
    /// # Errors
    /// 429 with `Retry-After` when nothing is left; then nothing is taken.
    pub fn take(&self, key: &str, now: Timestamp) -> Result<Standing, Problem> {
        let mut keys = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.next(&keys, key, now)?;
        let reset = taken.since(now);
        if keys.len() >= KEYS_MAX && !keys.contains_key(key) {
            forget(&mut keys, now);
        }
        keys.insert(key.to_owned(), taken);
        Ok(Standing { limit: self.rate.count, remaining: self.left(reset), reset })
    }

    /// Gives back one that was taken: what it was taken for did not count after all.
    pub fn give_back(&self, key: &str) {
        let mut keys = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full_at) = keys.get_mut(key) {
            *full_at = full_at.before(self.interval());
        }
    }

    /// When a key would have its full count again if one were taken now.
    fn next(&self, keys: &BTreeMap<String, Timestamp>, key: &str, now: Timestamp) -> Result<Timestamp, Problem> {
        let full_at = keys.get(key).copied().filter(|full_at| *full_at > now).unwrap_or(now);
        let taken = full_at.after(self.interval());
        let excess = taken.since(now).saturating_sub(self.rate.per);
        if excess.is_zero() {
            return Ok(taken);
        }
        let standing = Standing { limit: self.rate.count, remaining: 0, reset: full_at.since(now) };
        let problem = Problem::rate_limited(excess);
        Err(standing.headers().into_iter().fold(problem, |problem, (name, value)| problem.header(name, value)))
    }

    /// How long one of the count takes to come back.
    fn interval(&self) -> Duration {
        self.rate.per / self.rate.count.max(1)
    }

    fn left(&self, reset: Duration) -> u32 {
        let free = self.rate.per.saturating_sub(reset).as_micros();
        u32::try_from(free / self.interval().as_micros().max(1)).unwrap_or(u32::MAX)
    }
}

/// Forgets the keys that have their full count; if that is not enough, the half that is nearest to it.
fn forget(keys: &mut BTreeMap<String, Timestamp>, now: Timestamp) {
    keys.retain(|_, full_at| *full_at > now);
    if keys.len() >= KEYS_MAX {
        let mut times: Vec<Timestamp> = keys.values().copied().collect();
        let (_, median, _) = times.select_nth_unstable(KEYS_MAX / 2);
        let median = *median;
        keys.retain(|_, full_at| *full_at > median);
    }
}

impl Standing {
    /// The `RateLimit-*` headers.
    pub fn headers(self) -> [(HeaderName, HeaderValue); 3] {
        let seconds = self.reset.as_secs() + u64::from(self.reset.subsec_nanos() > 0);
        [
            (HeaderName::from_static("ratelimit-limit"), HeaderValue::from(self.limit)),
            (HeaderName::from_static("ratelimit-remaining"), HeaderValue::from(self.remaining)),
            (HeaderName::from_static("ratelimit-reset"), HeaderValue::from(seconds)),
        ]
    }
}

/// The key of an address. Of IPv6 the network counts: one subscriber has a whole one.
pub fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}", u128::from(address) >> 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limiter(count: u32) -> Limiter {
        Limiter::new(Rate { count, per: SECOND })
    }

    #[test]
    fn the_count_is_spent_and_comes_back_evenly() {
        let (limiter, start) = (limiter(4), Timestamp::EPOCH);
        for remaining in [3, 2, 1, 0] {
            assert_eq!(limiter.take("a", start).unwrap().remaining, remaining);
        }
        let problem = limiter.take("a", start).unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.code), (429, "rate_limited"));
        assert_eq!(problem.headers[0].1, "1");
        assert!(limiter.take("b", start).is_ok(), "keys do not touch each other");
        let later = start.after(SECOND / 4);
        assert!(limiter.take("a", later).is_ok());
        assert!(limiter.take("a", later).is_err());
        assert_eq!(limiter.take("a", later.after(SECOND * 9)).unwrap().remaining, 3, "no more than the whole count");
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (limiter, now) = (limiter(2), Timestamp::EPOCH);
        assert_eq!(limiter.take("a", now).unwrap().remaining, 1);
        limiter.give_back("a");
        assert_eq!([1, 0].map(|_| limiter.take("a", now).unwrap().remaining), [1, 0]);
        assert_eq!(limiter.take("a", now).unwrap_err().code, "rate_limited");
        limiter.give_back("a");
        assert_eq!(limiter.take("a", now).unwrap().remaining, 0);
        limiter.give_back("b");
        assert_eq!(limiter.take("b", now).unwrap().remaining, 1, "no more than the whole count");
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = limiter(1);
        for n in 0..=KEYS_MAX as i64 {
            assert!(limiter.take(&n.to_string(), Timestamp::from_micros(n)).is_ok());
        }
        assert!(limiter.full_at.lock().unwrap().len() <= KEYS_MAX);
        assert!(
            limiter.take(&KEYS_MAX.to_string(), Timestamp::from_micros(KEYS_MAX as i64)).is_err(),
            "the newest stay"
        );
    }

    #[test]
    fn an_ipv6_network_is_one_key() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    }
}
