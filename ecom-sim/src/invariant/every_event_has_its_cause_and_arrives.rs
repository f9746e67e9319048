use std::collections::BTreeSet;

use ecom_core::event::{Envelope, Service};
use ecom_core::id::{NotificationId, OrderId, ProductId, UserId};
use ecom_core::inventory::InventoryContext;
use ecom_core::notification::NotificationContext;
use ecom_core::order::OrderContext;
use ecom_core::payment::{PaymentContext, Record, payment_id};
use ecom_core::user::UserContext;

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "an event that is published was durable before, and whoever wants it has handled it",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let (broker, mut seen) = (world.broker(), BTreeSet::new());
    for envelope in broker.published().iter().filter(|it| seen.insert(it.event_id)) {
        let event = envelope.event.event_type();
        let subject = || format!("{} of {}", event.name(), envelope.aggregate_id);
        let announced = envelope.aggregate_version;
        if version(world, envelope).is_some_and(|version| version < announced) {
            let expected = format!("version {announced}, which it tells of");
            let actual = format!("version {}", version(world, envelope).unwrap_or_default());
            return Err(Broken::new(subject(), expected, actual));
        }
        for node in broker.readers(event) {
            if world.node(node).is_some_and(|it| !it.has_handled(envelope.event_id)) {
                let name = Service::ALL[usize::from(node)].short_name();
                return Err(Broken::new(subject(), format!("handled by {name}"), "published, and not handled"));
            }
        }
    }
    Ok(())
}

/// How far what an event is about has come, 0 where it is not there; `None` where its producer is not of the shop.
fn version(world: &World, envelope: &Envelope) -> Option<u64> {
    let id = envelope.aggregate_id;
    match envelope.source {
        Service::Order => {
            let orders = &world.service::<OrderContext>()?.tables().snapshot().orders;
            Some(orders.get(&OrderId(id)).map_or(0, |order| order.version()))
        }
        Service::Inventory => {
            let rows = world.service::<InventoryContext>()?.tables().snapshot();
            let reservation = rows.reservations.get(&OrderId(id)).map(|it| it.version);
            let product = rows.products.get(&ProductId(id)).map(|it| it.version);
            let stock = rows.stock.get(&ProductId(id)).map(|it| it.version);
            Some(reservation.or(product.max(stock)).unwrap_or_default())
        }
        Service::Payment => {
            let records = &world.service::<PaymentContext>()?.tables().snapshot().records;
            Some(records.get(&payment_id(OrderId(id))).map_or(0, |record| match record {
                Record::Payment(payment) => payment.version,
                Record::Barrier(_) => ecom_core::payment::Barrier::VERSION,
            }))
        }
        Service::User => {
            let users = &world.service::<UserContext>()?.tables().snapshot().users;
            Some(users.get(&UserId(id)).map_or(0, |user| user.version))
        }
        Service::Notification => {
            let notices = &world.service::<NotificationContext>()?.tables().snapshot().notices;
            Some(notices.get(&NotificationId(id)).map_or(0, |notice| notice.version))
        }
        Service::Gateway => None,
    }
}
