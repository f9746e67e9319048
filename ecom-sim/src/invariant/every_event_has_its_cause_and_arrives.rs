use std::collections::BTreeSet;

use ecom_core::event::{Envelope, EventType, Service};
use ecom_core::id::{NotificationId, OrderId, ProductId, UserId};
use ecom_core::inventory::InventoryContext;
use ecom_core::notification::NotificationContext;
use ecom_core::order::OrderContext;
use ecom_core::payment::{PaymentContext, Record, payment_id};
use ecom_core::user::UserContext;

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "an event is written down before it is published, is published, and is handled by whoever wants it",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

/// How it is broken when an event is published that is not written down: whoever publishes looks, at once.
pub(crate) fn unfounded(envelope: &Envelope) -> (Invariant, Broken) {
    (INVARIANT, Broken::new(subject(envelope), "written down first", "published, and not written down"))
}

fn subject(envelope: &Envelope) -> String {
    format!("{} of {}", envelope.event.event_type().name(), envelope.aggregate_id)
}

fn check(world: &World) -> Result<(), Broken> {
    let (broker, mut seen) = (world.broker(), BTreeSet::new());
    for envelope in broker.published().iter().filter(|it| seen.insert(it.event_id)) {
        let announced = envelope.aggregate_version;
        if let Some(version) = version(world, envelope).filter(|version| *version < announced) {
            let expected = format!("version {announced}, which it tells of");
            return Err(Broken::new(subject(envelope), expected, format!("version {version}")));
        }
        for node in broker.consumers(envelope.event.event_type()) {
            if world.node(node).is_some_and(|it| !it.has_handled(envelope.event_id)) {
                let name = Service::ALL[usize::from(node)].short_name();
                let expected = format!("handled by {name}");
                return Err(Broken::new(subject(envelope), expected, "published, and not handled"));
            }
        }
    }
    let mut raised = world.nodes().flat_map(crate::world::Node::raised);
    match raised.find(|envelope| !seen.contains(&envelope.event_id)) {
        Some(lost) => Err(Broken::new(subject(lost), "published", "written down, and never published")),
        None => Ok(()),
    }
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
            let version = match envelope.event.event_type() {
                EventType::ProductCreated | EventType::ProductUpdated => {
                    rows.products.get(&ProductId(id)).map(|it| it.version)
                }
                EventType::StockLow => rows.stock.get(&ProductId(id)).map(|it| it.version),
                _ => rows.reservations.get(&OrderId(id)).map(|it| it.version),
            };
            Some(version.unwrap_or_default())
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
