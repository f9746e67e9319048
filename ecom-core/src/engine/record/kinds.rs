//! The kinds of requests and completions, and which completion answers which request.

use super::Kind;
use crate::engine::{Fault, Verdict, clockwork as clock, consumer as consume, effector as effect, relay as publish};
use crate::port::{Body, Published, Settlement};

macro_rules! kinds {
    ($($type:ty { $($variant:pat => $word:literal),+ $(,)? })+) => {$(
        impl Kind for $type {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn word(&self) -> &'static str {
                match self { $($variant => $word),+ }
            }
        }
    )+};
}

kinds! {
    consume::Request {
        Self::Subscribe => "subscribe",
        Self::Receive { .. } => "receive",
        Self::Transact { .. } => "transact",
        Self::CountAttempts { .. } => "count attempts",
        Self::Bury { .. } => "bury",
        Self::Settle { .. } => "settle",
        Self::Pause { .. } => "pause",
    }
    consume::Completion {
        Self::Subscribed => "subscribed",
        Self::Received(_) => "received",
        Self::Closed => "closed",
        Self::Transacted(_) => "transacted",
        Self::RolledBack(Fault::Unavailable(_)) => "rolled back: unavailable",
        Self::RolledBack(Fault::Conflict) => "rolled back: conflict",
        Self::RolledBack(Fault::Broken(_)) => "rolled back: broken",
        Self::Unknown => "unknown",
        Self::Counted(_) => "counted",
        Self::Buried(_) => "buried",
        Self::Settled => "settled",
        Self::Rested => "rested",
    }
    publish::Request {
        Self::Claim { .. } => "claim",
        Self::Wait { .. } => "wait",
        Self::Publish { .. } => "publish",
        Self::Delete { .. } => "delete",
        Self::Pause { .. } => "pause",
    }
    publish::Completion {
        Self::Claimed(_) => "claimed",
        Self::Rows(_) => "rows",
        Self::Woken => "woken",
        Self::Published(_) => "published",
        Self::Deleted => "deleted",
        Self::Failed(_) => "failed",
        Self::Rested => "rested",
    }
    effect::Request {
        Self::Claim { .. } => "claim",
        Self::Begin { .. } => "begin",
        Self::Room => "room",
        Self::Wait { .. } => "wait",
        Self::Pause { .. } => "pause",
    }
    effect::Completion {
        Self::Claimed(_) => "claimed",
        Self::Begun { .. } => "begun",
        Self::Woken { .. } => "woken",
        Self::Sooner(_) => "sooner",
        Self::Failed(_) => "failed",
        Self::Rested => "rested",
    }
    effect::CallRequest {
        Self::Turn => "turn",
        Self::Perform(_) => "perform",
        Self::Transact(_) => "transact",
        Self::Pause { .. } => "pause",
        Self::End(effect::Ending::Committed) => "end: committed",
        Self::End(effect::Ending::Left) => "end: left",
    }
    effect::CallCompletion {
        Self::Turn { .. } => "turn",
        Self::Answered => "answered",
        Self::Lost => "lost",
        Self::Committed => "committed",
        Self::RolledBack(Fault::Unavailable(_)) => "rolled back: unavailable",
        Self::RolledBack(Fault::Conflict) => "rolled back: conflict",
        Self::RolledBack(Fault::Broken(_)) => "rolled back: broken",
        Self::Unknown => "unknown",
        Self::Rested => "rested",
    }
    clock::Request {
        Self::Find { .. } => "find",
        Self::Transact { .. } => "transact",
        Self::Wait { .. } => "wait",
        Self::Pause { .. } => "pause",
    }
    clock::Completion {
        Self::Found(_) => "found",
        Self::Transacted(_) => "transacted",
        Self::Failed(Fault::Unavailable(_)) => "failed: unavailable",
        Self::Failed(Fault::Conflict) => "failed: conflict",
        Self::Failed(Fault::Broken(_)) => "failed: broken",
        Self::Unknown => "unknown",
        Self::Woken => "woken",
        Self::Sooner(_) => "sooner",
        Self::Rested => "rested",
    }
    Verdict {
        Self::Done => "done",
        Self::Duplicate => "duplicate",
        Self::Stayed => "stayed",
        Self::Refused { .. } => "refused",
        Self::NotConcerned => "not concerned",
    }
    Published {
        Self::Confirmed => "confirmed",
        Self::Unroutable => "unroutable",
        Self::Unknown(_) => "unknown",
    }
    Settlement {
        Self::Done => "done",
        Self::Retry(_) => "retry",
    }
    Body {
        Self::Event(_) => "event",
        Self::Unreadable { .. } => "unreadable",
    }
}

pub(super) fn consumer(request: &consume::Request, completion: &consume::Completion) -> bool {
    use consume::{Completion, Request};
    match request {
        Request::Subscribe => matches!(completion, Completion::Subscribed | Completion::Closed),
        Request::Receive { max } => match completion {
            Completion::Received(deliveries) => (1..=*max).contains(&deliveries.len()),
            other => matches!(other, Completion::Closed),
        },
        Request::Transact { deliveries } => match completion {
            Completion::Transacted(verdicts) => verdicts.len() == deliveries.len(),
            other => matches!(other, Completion::RolledBack(_) | Completion::Unknown),
        },
        Request::CountAttempts { ids } => {
            matches!(completion, Completion::Counted(counts) if counts.len() == ids.len())
        }
        Request::Bury { letters } => {
            matches!(completion, Completion::Buried(results) if results.len() == letters.len())
        }
        Request::Settle { .. } => matches!(completion, Completion::Settled | Completion::Closed),
        Request::Pause { .. } => matches!(completion, Completion::Rested),
    }
}

pub(super) fn relay(request: &publish::Request, completion: &publish::Completion) -> bool {
    use publish::{Completion, Request};
    match request {
        Request::Claim { limit } => match completion {
            Completion::Claimed(claimed) => claimed.items.len() <= *limit,
            other => matches!(other, Completion::Failed(_)),
        },
        Request::Wait { .. } => match completion {
            Completion::Rows(rows) => !rows.is_empty(),
            other => matches!(other, Completion::Woken),
        },
        Request::Publish { rows } => {
            matches!(completion, Completion::Published(results) if results.len() == rows.len())
        }
        Request::Delete { .. } => matches!(completion, Completion::Deleted | Completion::Failed(_)),
        Request::Pause { .. } => matches!(completion, Completion::Rested),
    }
}

pub(super) fn effector(request: &effect::Request, completion: &effect::Completion) -> bool {
    use effect::{Completion, Request};
    match request {
        Request::Claim { limit } => match completion {
            Completion::Claimed(claimed) => claimed.items.len() <= *limit,
            other => matches!(other, Completion::Failed(_)),
        },
        Request::Begin { .. } => matches!(completion, Completion::Begun { .. }),
        Request::Room => matches!(completion, Completion::Woken { .. }),
        Request::Wait { .. } => matches!(completion, Completion::Woken { .. } | Completion::Sooner(_)),
        Request::Pause { .. } => matches!(completion, Completion::Rested),
    }
}

pub(super) const fn call(request: &effect::CallRequest, completion: &effect::CallCompletion) -> bool {
    use effect::{CallCompletion as Completion, CallRequest as Request};
    match request {
        Request::Turn => matches!(completion, Completion::Turn { .. }),
        Request::Perform(_) => matches!(completion, Completion::Answered | Completion::Lost),
        Request::Transact(_) => {
            matches!(completion, Completion::Committed | Completion::RolledBack(_) | Completion::Unknown)
        }
        Request::Pause { .. } => matches!(completion, Completion::Rested),
        Request::End(_) => false,
    }
}

pub(super) fn clockwork(request: &clock::Request, completion: &clock::Completion) -> bool {
    use clock::{Completion, Request};
    match request {
        Request::Find { limit } => match completion {
            Completion::Found(found) => found.items.len() <= *limit,
            other => matches!(other, Completion::Failed(_)),
        },
        Request::Transact { timers } => match completion {
            Completion::Transacted(verdicts) => verdicts.len() == timers.len(),
            other => matches!(other, Completion::Failed(_) | Completion::Unknown),
        },
        Request::Wait { .. } => matches!(completion, Completion::Woken | Completion::Sooner(_)),
        Request::Pause { .. } => matches!(completion, Completion::Rested),
    }
}
