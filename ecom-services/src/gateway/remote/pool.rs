//! The copies of one service, and which of them gets the next call.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::breaker::Breaker;

/// The copies of one service.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) copies: Vec<Arc<Copy>>,
    /// Where the next search begins, so that equals take turns.
    turn: AtomicUsize,
}

/// One copy.
#[derive(Debug)]
pub(super) struct Copy {
    /// Its base URL.
    pub(super) base: String,
    breaker: Mutex<Breaker>,
    under_way: AtomicUsize,
    /// What it said the last time; taken for ready until it was asked.
    ready: AtomicBool,
}

/// A call of one copy, until its verdict.
pub(super) struct Attempt {
    copy: Arc<Copy>,
    index: usize,
}

/// How a call of a copy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With an answer.
    Answered,
    /// Without one.
    Failed,
}

impl Pool {
    pub(super) fn new(urls: impl Iterator<Item = String>) -> Self {
        let copy = |base| Copy {
            base,
            breaker: Mutex::new(Breaker::new()),
            under_way: AtomicUsize::new(0),
            ready: AtomicBool::new(true),
        };
        Self { copies: urls.map(|base| Arc::new(copy(base))).collect(), turn: AtomicUsize::new(0) }
    }

    /// The copy that gets the next call: among those whose breaker lets it pass, a ready one before others, and of those
    /// the one with the fewest calls under way. One that is not ready is better than none: it has an answer of its own.
    pub(super) fn pick(&self, tried: &[usize]) -> Option<Attempt> {
        let (now, start) = (Instant::now(), self.turn.fetch_add(1, Ordering::Relaxed));
        let count = self.copies.len();
        let mut candidates: Vec<usize> = (0..count)
            .map(|offset| start.wrapping_add(offset) % count)
            .filter(|index| !tried.contains(index))
            .collect();
        // Stable: among equals the turn decides.
        candidates.sort_by_key(|index| self.copies.get(*index).map(|copy| copy.rank()));
        candidates.into_iter().find_map(|index| {
            let copy = self.copies.get(index)?;
            let mut breaker = copy.breaker();
            if !breaker.lets_pass(now) {
                return None;
            }
            breaker.begun();
            drop(breaker);
            copy.under_way.fetch_add(1, Ordering::Relaxed);
            Some(Attempt { copy: Arc::clone(copy), index })
        })
    }

    /// Whether a copy is ready.
    pub(super) fn is_ready(&self) -> bool {
        self.copies.iter().any(|copy| copy.is_ready())
    }
}

impl Copy {
    /// Whether it said so the last time.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// What it says now, or that it says nothing. A ready one gets calls again at once.
    pub(super) fn set_ready(&self, ready: bool) {
        if self.ready.swap(ready, Ordering::Relaxed) != ready {
            tracing::info!(url = self.base, ready, "a copy of a service changed");
        }
        if ready {
            self.breaker().answered();
        }
    }

    fn rank(&self) -> (bool, usize) {
        (!self.is_ready(), self.under_way.load(Ordering::Relaxed))
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// Which copy of the pool.
    pub(super) const fn index(&self) -> usize {
        self.index
    }

    /// Its base URL.
    pub(super) fn base(&self) -> &str {
        &self.copy.base
    }

    /// Ends it.
    pub(super) fn end(self, verdict: Verdict) {
        match verdict {
            Verdict::Answered => self.copy.breaker().answered(),
            Verdict::Failed => self.copy.breaker().failed(Instant::now()),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.copy.under_way.fetch_sub(1, Ordering::Relaxed);
        // Does nothing after a verdict.
        self.copy.breaker().given_up(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(count: usize) -> Pool {
        Pool::new((0..count).map(|number| format!("http://{number}")))
    }

    #[test]
    fn equals_take_turns() {
        let pool = pool(3);
        let held: Vec<Attempt> = (0..3).filter_map(|_| pool.pick(&[])).collect();
        let mut indexes: Vec<usize> = held.iter().map(Attempt::index).collect();
        indexes.sort_unstable();
        assert_eq!(indexes, [0, 1, 2]);
        drop(held);
        let turns: Vec<usize> = (0..6).filter_map(|_| pool.pick(&[])).map(|attempt| attempt.index()).collect();
        assert_eq!(turns[..3], turns[3..]);
    }

    #[test]
    fn the_one_with_fewer_calls_is_picked() {
        let pool = pool(2);
        let first = pool.pick(&[]).unwrap();
        for _ in 0..5 {
            assert_ne!(pool.pick(&[]).unwrap().index(), first.index());
        }
    }

    #[test]
    fn a_copy_that_is_not_ready_is_the_last_resort() {
        let pool = pool(2);
        pool.copies[0].set_ready(false);
        for _ in 0..4 {
            assert_eq!(pool.pick(&[]).unwrap().index(), 1);
        }
        assert_eq!(pool.pick(&[1]).unwrap().index(), 0);
        assert!(pool.pick(&[0, 1]).is_none());
        assert!(pool.is_ready());
    }

    #[test]
    fn a_copy_that_fails_is_left_alone_until_it_says_that_it_is_ready() {
        let pool = pool(1);
        for _ in 0..3 {
            pool.pick(&[]).unwrap().end(Verdict::Failed);
        }
        assert!(pool.pick(&[]).is_none());
        pool.copies[0].set_ready(true);
        pool.pick(&[]).unwrap().end(Verdict::Answered);
        assert!(pool.pick(&[]).is_some());
    }
}
