//! The simulator for a saga of your own: the engine, the store, faults, crashes and time around it, in your own
//! `cargo test`.
//!
//! Say what its calls reach (a [`Desk`]), how it is used (a strategy of [`Story`]s), and what must hold; [`assert_saga!`]
//! does the rest. Without a word of yours it holds the saga to this: whatever goes wrong, it comes to rest, every
//! instance has ended and settled and needs no operator, nothing is left to do, a key is never used for two things,
//! nothing is done twice, and the state changes only as [`ecom_core::saga::Saga::TRANSITIONS`] declares.
//!
//! ```text
//! assert_saga!(Trip, Hotel, stories(),
//!     at_rest "a trip that is off keeps nothing" => |sagas, hotel| hotel.booked.is_empty() || is_booked(sagas));
//! ```
//!
//! proptest draws the stories and, for each, what goes otherwise; a failure is shrunk to the fewest deviations and the
//! shortest story, and its regression file keeps both. [`SagaTest::replay`] repeats it from its string.

mod case;
mod check;
mod story;
mod test;

pub use case::Case;
pub use check::Holds;
pub use story::Story;
pub use test::{Found, SagaTest};

pub use crate::port::Desk;

/// Holds a saga to its promises, in your own `cargo test`: its type, the type of its [`Desk`], a proptest strategy of
/// [`Story`]s, and then what else must hold, `always` or `at_rest`, each a sentence and a closure that gets the
/// instances and the desk and returns a `bool` or a `Result<(), String>`.
#[macro_export]
macro_rules! assert_saga {
    ($saga:ty, $desk:ty, $stories:expr $(, $when:ident $name:literal => $check:expr)* $(,)?) => {
        $crate::saga::SagaTest::<$saga, $desk>::new()$(.$when($name, $check))*.assert($stories, file!())
    };
}
