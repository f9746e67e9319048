//! Bugs that were once our own and were found by the simulator, where they can be planted again. They are too rare for the
//! searches that every bug of the catalogue must fall to: what found each is kept (`tests/all/regressions.rs`).

use super::caught::{BOOKS, HELD, KEEPS, NOTICES, SHOWS};
use super::switch::Mutant as M;
use super::{Planted, plant};

/// All of them.
pub const FORMER: &[Planted] = &[
    plant(
        M::SilenceIsHarmless,
        "silence-is-harmless",
        "payment",
        "a charge that nobody heard of took nothing, it is thought, when the next one is told to come later",
        ("order-cancel", 2, 1, false),
        &[KEEPS],
    ),
    plant(
        M::RefusalToldIsFinal,
        "refusal-told-is-final",
        "payment",
        "an administrator's refund ends with a webhook that tells of its refusal, although its call is still owed",
        ("refund-refused", 1, 1, false),
        &[BOOKS, HELD, SHOWS],
    ),
    plant(
        M::ReadsNotLocked,
        "reads-not-locked",
        "versions",
        "a transaction locks the rows that it writes, and not those by which it decides",
        ("notices", 1, 2, false),
        &[NOTICES],
    ),
];
