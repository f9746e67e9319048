//! Two releases of a saga beside each other on one database: a rolling upgrade, and a rollback.
//!
//! The rows of this world are what a database keeps: the version of the definition and a text. Each process reads them
//! as its release does, by the saga kit's own [`Instance::from_stored`], and writes what its release writes. A process
//! that dies comes back as another release, so that crashes upgrade and roll back; in the end an operator finishes the
//! upgrade and replays what was given up.

mod context;
mod desk;
mod scenario;
mod trips;

pub use context::{Rolling, Row, Told};
pub use desk::Desk;
pub use scenario::{Kind, NAMES, named, planted, rules, scenario};
pub use trips::{Effect, Field, Input, Old, Part, Version};

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use ecom_core::saga::Hosted;

/// The older of two releases.
pub const OLD: u8 = 0;

/// The newer.
pub const NEW: u8 = 1;

/// A bug of one's choice in how a release treats what another one wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// None.
    None,
    /// What it does not know in a row it does not write again.
    DropsFields,
    /// A row that it cannot read counts as none.
    BeginsAnew,
    /// An event that it cannot read counts as handled.
    DropsEvents,
}

/// Two releases of one saga.
pub trait Releases: Copy + Debug + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// The newer one; the older one is [`Old`].
    type New: Hosted<Effect = Effect, EffectAnswer = bool, Input = Input>;
    /// Whether the newer one tells of each new saga by an event, in a version that the older one cannot read.
    const TELLS: bool;
    /// Whether a rollback may be complete: otherwise one process stays with the newer release.
    const ROLLS_BACK: bool;
    /// When the upgrade ends: until then an older copy may claim again and again what it cannot handle.
    const ENDS: Duration;
    /// The bug.
    const BUG: Bug;
}

/// A field more under the same version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OneField<const BUG: u8>;

/// A state more under the next version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NextVersion<const BUG: u8>;

impl<const BUG: u8> Releases for OneField<BUG> {
    type New = Field;
    const TELLS: bool = false;
    const ROLLS_BACK: bool = true;
    const ENDS: Duration = Duration::MAX;
    const BUG: Bug = if BUG == 0 { Bug::None } else { Bug::DropsFields };
}

impl<const BUG: u8> Releases for NextVersion<BUG> {
    type New = Version;
    const TELLS: bool = true;
    const ROLLS_BACK: bool = false;
    const ENDS: Duration = Duration::from_secs(600);
    const BUG: Bug = match BUG {
        0 => Bug::None,
        1 => Bug::BeginsAnew,
        _ => Bug::DropsEvents,
    };
}
