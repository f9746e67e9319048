//! The services as values: who publishes what, who consumes what, through which queue. Read this to know the system.

use crate::event::{EventType, Service};

/// The topic exchange.
pub const EXCHANGE: &str = "ecommerce-events";

/// A service's part in the flow of events.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// Who.
    pub service: Service,
    /// The queue that it consumes.
    pub queue: &'static str,
    /// What the queue is bound to.
    pub consumes: &'static [EventType],
    /// What the service publishes.
    pub publishes: &'static [EventType],
}

/// All roles. The gateway has none: it speaks HTTP alone.
pub const FLEET: &[Role] = &[
    Role {
        service: Service::User,
        queue: "user.events",
        consumes: &[],
        publishes: &[
            EventType::UserRegistered,
            EventType::UserUpdated,
            EventType::UserDeactivated,
            EventType::PasswordResetRequested,
        ],
    },
    Role {
        service: Service::Order,
        queue: "order.events",
        consumes: &[
            EventType::InventoryReserved,
            EventType::InventoryReservationFailed,
            EventType::InventoryReleased,
            EventType::InventoryCommitted,
            EventType::InventoryHoldOverdue,
            EventType::PaymentProcessed,
            EventType::PaymentFailed,
            EventType::PaymentVoided,
            EventType::PaymentRefunded,
            EventType::ProductCreated,
            EventType::ProductUpdated,
            EventType::NotificationSent,
            EventType::NotificationFailed,
        ],
        publishes: &[
            EventType::OrderCreated,
            EventType::OrderCompleted,
            EventType::OrderFailed,
            EventType::OrderCancelled,
        ],
    },
    Role {
        service: Service::Inventory,
        queue: "inventory.events",
        consumes: &[
            EventType::OrderCreated,
            EventType::OrderCompleted,
            EventType::OrderFailed,
            EventType::OrderCancelled,
        ],
        publishes: &[
            EventType::InventoryReserved,
            EventType::InventoryReservationFailed,
            EventType::InventoryReleased,
            EventType::InventoryCommitted,
            EventType::InventoryHoldOverdue,
            EventType::ProductCreated,
            EventType::ProductUpdated,
            EventType::StockLow,
        ],
    },
    Role {
        service: Service::Payment,
        queue: "payment.events",
        consumes: &[EventType::InventoryReserved, EventType::OrderFailed, EventType::OrderCancelled],
        publishes: &[
            EventType::PaymentProcessed,
            EventType::PaymentFailed,
            EventType::PaymentVoided,
            EventType::PaymentRefunded,
        ],
    },
    Role {
        service: Service::Notification,
        queue: "notification.events",
        consumes: &[
            EventType::OrderCompleted,
            EventType::OrderFailed,
            EventType::OrderCancelled,
            EventType::PaymentRefunded,
            EventType::StockLow,
            EventType::UserRegistered,
            EventType::UserUpdated,
            EventType::UserDeactivated,
            EventType::PasswordResetRequested,
        ],
        publishes: &[EventType::NotificationSent, EventType::NotificationFailed],
    },
];

/// The role of a service.
pub fn role(service: Service) -> Option<&'static Role> {
    FLEET.iter().find(|role| role.service == service)
}

/// The queues that an event goes to.
pub fn queues_of(event: EventType) -> impl Iterator<Item = &'static str> {
    FLEET.iter().filter(move |role| role.consumes.contains(&event)).map(|role| role.queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_one_producer_and_at_least_one_consumer() {
        for event in EventType::ALL {
            let producers = FLEET.iter().filter(|role| role.publishes.contains(event)).count();
            assert_eq!(producers, 1, "{}", event.name());
            assert!(queues_of(*event).count() >= 1, "{} is never consumed", event.name());
        }
    }
}
