//! The doors: what the core asks of the outside world. Each says what an adapter *must* do; the suites in
//! [`crate::testing`] check it.

mod bus;
mod outside;
mod paging;
mod store;
mod system;

pub use bus::{Body, Bus, BusError, Delivery, Published, Publisher, Settlement, Subscription};
pub use outside::Outside;
pub use paging::{Cursor, MalformedCursor, Page, PageRequest};
pub use store::{Claimed, Store};
pub use system::{Claims, Clock, HasherBusy, Ids, PasswordHasher, PresentedToken, TokenError, TokenMint, TokenSigner};
