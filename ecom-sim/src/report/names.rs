//! Short names for ids: `order o-1` is read where an id of 36 letters is passed over.

use std::collections::BTreeMap;

use ecom_core::inventory::InventoryContext;
use ecom_core::notification::NotificationContext;
use ecom_core::order::OrderContext;
use ecom_core::payment::{PaymentContext, Record};
use ecom_core::user::UserContext;
use uuid::Uuid;

use crate::world::World;

/// The letters of an id.
const LETTERS: usize = 36;

/// Names of what is in a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<Uuid, String>);

impl Names {
    /// Names orders, users and so on in the order of their ids; products by their SKU.
    pub fn of(world: &World) -> Self {
        let mut names = Self::default();
        if let Some(service) = world.service::<UserContext>() {
            service.tables().snapshot().users.keys().for_each(|id| names.add(id.0, "u"));
        }
        if let Some(service) = world.service::<OrderContext>() {
            let orders = &service.tables().snapshot().orders;
            for order in orders.values() {
                names.add(order.id.0, "o");
                names.add(order.user_id.0, "u");
                // Known before there is one, so that the number is that of the order.
                names.add(ecom_core::payment::payment_id(order.id).0, "p");
            }
        }
        if let Some(service) = world.service::<InventoryContext>() {
            for product in service.tables().snapshot().products.values() {
                names.0.entry(product.id.0).or_insert_with(|| product.sku.clone());
            }
        }
        if let Some(service) = world.service::<PaymentContext>() {
            let rows = service.tables().snapshot();
            rows.records.iter().for_each(|(id, _): (_, &Record)| names.add(id.0, "p"));
            rows.refunds.keys().for_each(|id| names.add(id.0, "r"));
        }
        if let Some(service) = world.service::<NotificationContext>() {
            service.tables().snapshot().notices.keys().for_each(|id| names.add(id.0, "n"));
        }
        names
    }

    fn add(&mut self, id: Uuid, kind: &str) {
        let number =
            1 + self.0.values().filter(|name| name.strip_prefix(kind).is_some_and(|it| it.starts_with('-'))).count();
        self.0.entry(id).or_insert_with(|| format!("{kind}-{number}"));
    }

    /// Each name with its id, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, Uuid)> {
        self.0.iter().map(|(id, name)| (name.as_str(), *id))
    }

    /// The text with names in place of ids; an id without a name is shown by its end. `OrderId(…)` around it goes.
    pub fn tidy(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(place) = rest.char_indices().map(|(place, _)| place).find(|place| id_at(rest, *place).is_some())
        {
            let (before, from) = rest.split_at(place);
            let (id, mut after) = from.split_at(LETTERS);
            let mut kept = before;
            if let Some(inner) = after.strip_prefix(')')
                && let Some(open) = before.strip_suffix("Id(")
            {
                (kept, after) = (open.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()), inner);
            }
            out.push_str(kept);
            match id_at(from, 0).and_then(|id| self.0.get(&id)) {
                Some(name) => out.push_str(name),
                None => out.extend(["…", &id[LETTERS - 6..]]),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// The first id in a text.
pub(super) fn id_in(text: &str) -> Option<Uuid> {
    text.char_indices().find_map(|(place, _)| id_at(text, place))
}

/// The id that begins at that place.
fn id_at(text: &str, place: usize) -> Option<Uuid> {
    let letters = text.get(place..place + LETTERS)?;
    let dashes = [8, 13, 18, 23].iter().all(|at| letters.as_bytes()[*at] == b'-');
    if dashes { letters.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_becomes_a_name() {
        let id = "01900000-0101-7d00-8000-000001000100";
        let mut names = Names::default();
        names.add(id.parse().unwrap(), "o");
        let text =
            format!("order {id}: [OrderId({id}), Some(MessageId(01900000-0101-8f3f-877e-9c4203622de2))], 2023-11");
        assert_eq!(names.tidy(&text), "order o-1: [o-1, Some(…622de2)], 2023-11");
        assert_eq!(names.tidy("nothing – to do"), "nothing – to do");
    }
}
