use ecom_core::engine::{Message, Writes};
use ecom_core::notification::{Input, NotificationContext, NotificationSnapshot};
use ecom_core::user::UserContext;

use super::{Mutable, Mutant, fresh_keys};

impl Mutable for NotificationContext {
    fn miswrite(mutant: Mutant, message: &Message<Self>, _rows: &NotificationSnapshot, writes: &mut Writes<Self>) {
        match (mutant, &message.input) {
            (Mutant::NoticeFreshKey, _) => fresh_keys(message, writes, |_| true),
            (Mutant::RenameUnheard, Input::UserUpdated(_)) => {
                let (inbox, outcomes) = (std::mem::take(&mut writes.inbox), std::mem::take(&mut writes.outcomes));
                *writes = Writes { inbox, outcomes, ..Writes::default() };
            }
            (Mutant::RefundUnheard, Input::PaymentRefunded(_)) => {
                *writes = Writes { outcomes: std::mem::take(&mut writes.outcomes), ..Writes::default() };
            }
            _ => {}
        }
    }
}

impl Mutable for UserContext {}
