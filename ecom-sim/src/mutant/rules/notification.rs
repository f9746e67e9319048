use ecom_core::engine::{Message, Writes};
use ecom_core::notification::{NotificationContext, NotificationSnapshot};
use ecom_core::user::UserContext;

use super::{Mutable, Mutant, fresh_keys};

impl Mutable for NotificationContext {
    fn miswrite(mutant: Mutant, message: &Message<Self>, _rows: &NotificationSnapshot, writes: &mut Writes<Self>) {
        if mutant == Mutant::NoticeFreshKey {
            fresh_keys(message, writes, |_| true);
        }
    }
}

impl Mutable for UserContext {}
