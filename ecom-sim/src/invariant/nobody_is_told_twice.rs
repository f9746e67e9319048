use std::collections::BTreeSet;

use ecom_core::event::Service;
use ecom_core::notification::NotificationContext;

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "nobody is told the same twice",
    when: When::Always,
    of: &[Service::Notification],
    // A letter is taken when the outside is called, and by no transaction.
    near: Some(|_, _| Ok(())),
    check,
};

/// By the letters that the channels took.
fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<NotificationContext>() else { return Ok(()) };
    let mut told = BTreeSet::new();
    for letter in service.outside().letters() {
        if !told.insert(letter.notice_id) {
            let subject = format!("notice {}", letter.notice_id);
            let actual = format!("\"{}\" was sent again", letter.template.name().replace('_', " "));
            return Err(Broken::new(subject, "one letter", actual));
        }
    }
    Ok(())
}
