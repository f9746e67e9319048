use std::collections::{BTreeMap, BTreeSet};

use ecom_core::event::Service;
use ecom_core::notification::{NotificationContext, Template};

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

/// By the letters that the channels took, and by the notices: those of one occasion are decided on together, one for
/// each channel that the user wants then.
fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<NotificationContext>() else { return Ok(()) };
    let mut told = BTreeSet::new();
    for letter in service.outside().letters() {
        if !told.insert(letter.notice_id) {
            let subject = format!("notice {}", letter.notice_id);
            return Err(Broken::new(subject, "one letter", format!("\"{}\" was sent again", words(letter.template))));
        }
    }
    let mut decided = BTreeMap::new();
    for notice in service.tables().snapshot().notices.values() {
        let occasion = (notice.template.occasion(), notice.subject_id, notice.user_id);
        let first = *decided.entry(occasion).or_insert(notice.created_at);
        if first != notice.created_at {
            let subject = format!("user {}", notice.user_id);
            let actual = format!("\"{}\" was decided on again, for another channel", words(notice.template));
            return Err(Broken::new(subject, "told once of an occasion", actual));
        }
    }
    Ok(())
}

fn words(template: Template) -> String {
    template.name().replace('_', " ")
}
