//! Fresh ids and secrets.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecom_core::port::{Clock, Ids};
use uuid::Uuid;

/// The kernel gives no random bytes: nothing secret can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(getrandom::Error);

/// Random bits of an id of version 7, beside the time, version and variant.
const RANDOM_BITS: u32 = 74;

/// UUIDs of version 7 (RFC 9562) that rise strictly within this process, also within a millisecond and when the clock
/// steps back, so that new rows go to the end of an index; and secrets.
pub struct SystemIds {
    clock: Arc<dyn Clock>,
    last: Mutex<Last>,
}

/// The newest id, as the parts of it that rise.
#[derive(Clone, Copy, Debug)]
struct Last {
    millis: u64,
    tail: u128,
}

impl Last {
    /// The next id: at `millis` with `fresh` as its tail, or just above the last one.
    fn next(&mut self, millis: u64, fresh: u128) {
        let fresh = fresh >> (128 - RANDOM_BITS);
        if millis > self.millis {
            // The highest bit stays free, so that a burst within this millisecond has room to rise.
            *self = Self { millis, tail: fresh >> 1 };
            return;
        }
        // A random step keeps the next id unguessable from this one.
        self.tail += 1 + (fresh & 0xffff_ffff);
        if self.tail >> RANDOM_BITS != 0 {
            *self = Self { millis: self.millis + 1, tail: fresh >> 1 };
        }
    }

    /// 48 bits time, version 7, 12 bits tail, variant, 62 bits tail.
    const fn id(self) -> Uuid {
        let time = (self.millis as u128 & 0xffff_ffff_ffff) << 80;
        let high = ((self.tail >> 62) & 0xfff) << 64;
        let low = self.tail & ((1 << 62) - 1);
        Uuid::from_u128(time | 7 << 76 | high | 2 << 62 | low)
    }
}

impl SystemIds {
    /// An error when the kernel gives no random bytes.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, NoRandomness> {
        getrandom::fill(&mut [0; 1]).map_err(NoRandomness)?;
        Ok(Self { clock, last: Mutex::new(Last { millis: 0, tail: 0 }) })
    }
}

impl Ids for SystemIds {
    fn fresh(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_micros() / 1_000).unwrap_or(0);
        let tail = u128::from_be_bytes(random());
        // What a thread that died left here is a whole id all the same.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.next(millis, tail);
        last.id()
    }

    fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(random::<32>())
    }
}

/// Random bytes from the kernel.
///
/// Once it has given any it cannot run out of them. Should it fail nevertheless, going on with anything else would make
/// guessable secrets, so the request dies: the only deliberate panic.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes,
        Err(error) => panic!("{}", NoRandomness(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use ecom_core::time::Timestamp;

    use super::*;

    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn ids_are_of_version_7_carry_the_time_and_rise_also_when_the_clock_steps_back() {
        let clock = Arc::new(Hand(AtomicI64::new(1_700_000_000_123_456)));
        let ids = SystemIds::new(clock.clone()).unwrap();
        let mut last = ids.fresh();
        assert_eq!(last.get_version_num(), 7);
        assert_eq!(last.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(last.as_u128() >> 80, 1_700_000_000_123);
        for step in 0..10_000 {
            clock.0.fetch_add(if step % 7 == 0 { -50_000 } else { 300 }, Ordering::SeqCst);
            let id = ids.fresh();
            assert!(id > last, "{id} is not above {last}");
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
            last = id;
        }
    }

    #[test]
    fn a_full_millisecond_borrows_from_the_next() {
        let mut last = Last { millis: 5, tail: (1 << RANDOM_BITS) - 1 };
        let before = last.id();
        last.next(5, u128::MAX);
        assert_eq!(last.millis, 6);
        assert!(last.id() > before);
    }

    #[test]
    fn secrets_are_long_and_differ() {
        let ids = SystemIds::new(Arc::new(crate::system::SystemClock)).unwrap();
        let (one, two) = (ids.secret(), ids.secret());
        assert_ne!(one, two);
        assert_eq!(URL_SAFE_NO_PAD.decode(one).unwrap().len(), 32);
    }
}
