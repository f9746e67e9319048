//! Planted bugs of an upgrade: how a release treats what another one wrote.

use super::caught::{FIELDS, OVERWRITES, VERSIONS, WHOLE};
use super::{Lane, Planted, Switch};
use crate::upgrade::Bug;

/// All of them.
pub(super) const BUGS: &[Planted] = &[
    plant(
        Bug::DropsFields,
        "fields-dropped",
        "a release writes a row again without the fields that it does not know",
        "upgrade-field-one",
        &[FIELDS],
    ),
    plant(
        Bug::BeginsAnew,
        "newer-row-overwritten",
        "a release begins anew where it cannot read the row of a newer one",
        "upgrade-version-same",
        &[OVERWRITES, VERSIONS],
    ),
    plant(
        Bug::DropsEvents,
        "newer-event-dropped",
        "an event of a newer version, which a release cannot read, counts as handled",
        "upgrade-version-one",
        &[WHOLE],
    ),
];

const fn plant(
    bug: Bug,
    name: &'static str,
    about: &'static str,
    scenario: &'static str,
    expected: &'static [&'static str],
) -> Planted {
    let lane = Lane { scenario, faults: 1, copies: 2, elapse: false };
    Planted { switch: Switch::Releases(bug), name, area: "upgrade", about, lane, expected }
}
