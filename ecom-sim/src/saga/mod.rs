//! The simulator for a saga of your own: the engine, the store, faults, crashes and time around it, in your own
//! `cargo test`.
//!
//! Say what its calls reach (a [`Desk`]), how it is used (a strategy of [`Story`]s: who sends it what, and what other
//! services tell by the broker), and what must hold; [`assert_saga!`] does the rest. Without a word of yours it holds the
//! saga to this: whatever goes wrong, it comes to rest, every instance has ended and settled and needs no operator, nothing
//! is left to do, what others tell is handled, a key is never used for two things, nothing is done twice, and the state
//! begins and changes only as [`ecom_core::saga::Saga::TRANSITIONS`] declares.
//!
//! ```text
//! assert_saga!(Trip, Hotel, stories(),
//!     at_rest "a trip that is off keeps nothing" => |sagas, hotel| hotel.booked.is_empty() || is_booked(sagas));
//! ```
//!
//! proptest draws the stories and, for each, what goes otherwise; a failure is shrunk to the fewest deviations and the
//! shortest story, and its regression file keeps both. The report has a test to paste, which repeats it without a search.

mod case;
mod check;
mod drawn;
mod story;
mod teller;
mod test;
#[cfg(test)]
mod tests;

pub use case::Case;
pub use check::Holds;
#[cfg(test)]
pub(crate) use check::defaults;
pub use drawn::{Drawn, NotDrawn};
pub use story::Story;
pub use test::{Found, SagaTest};

pub use crate::port::Desk;

/// Holds a saga to its promises, in your own `cargo test`: its type, the type of its [`Desk`], a proptest strategy of
/// [`Story`]s, and then what else must hold, `always` or `at_rest`, each a sentence and a closure that gets the
/// instances and the desk and returns a `bool` or a `Result<(), String>`. With `; again` and the two strings of a report
/// behind them it is a regression test: that one story, and that one way in which it goes.
#[macro_export]
macro_rules! assert_saga {
    ($saga:ty, $desk:ty, $stories:expr $(, $when:ident $name:literal => $check:expr)* $(,)?) => {
        $crate::saga::SagaTest::<$saga, $desk>::new()$(.$when($name, $check))*
            .written(stringify!($saga, $desk, $stories $(, $when $name => $check)*))
            .assert($stories, file!())
    };
    (
        $saga:ty, $desk:ty, $stories:expr $(, $when:ident $name:literal => $check:expr)* $(,)?;
        again $drawn:literal, $recipe:literal $(,)?
    ) => {
        $crate::saga::SagaTest::<$saga, $desk>::new()$(.$when($name, $check))*
            .assert_again($stories, $drawn, $recipe)
    };
}
