//! Each service's routes over its running parts.

use std::sync::Arc;

use ecom_adapters::sandbox::SandboxWebhook;
use ecom_core::decide::BoundedContext;
use ecom_core::inventory::{InventoryContext, InventoryReader};
use ecom_core::notification::{NotificationContext, NotificationReader};
use ecom_core::order::{OrderContext, OrderReader};

use super::assembly::{Payments, Running, Users};
use super::identity::Identity;
use crate::config::Config;
use crate::host::Changes;
use crate::http::door::{Door, Gate};
use crate::http::problem::Problem;
use crate::http::router::Router;
use crate::http::server::Stop;
use crate::http::stream::Streams;
use crate::{inventory, letters, notification, order, payment, user};

pub(super) fn users(users: &Users, identity: &Identity, config: &Config, gate: &Gate) -> Router {
    let signer = Arc::clone(&identity.signer);
    user::routes(user::Deps {
        door: door(&users.service, gate, user::refuse),
        reader: Arc::clone(&users.service.reader),
        hasher: Arc::clone(&identity.hasher),
        mint: identity.mint.clone(),
        jwks: Arc::new(move || signer.jwks()),
        limits: Arc::new(user::Limits::new(&config.rates)),
    })
    .merge(dead_letters(&users.service, gate))
}

pub(super) fn orders(
    orders: &Running<OrderContext, dyn OrderReader>,
    changes: &Changes,
    stop: Stop,
    gate: &Gate,
) -> Router {
    order::routes(order::Deps {
        door: door(orders, gate, order::refuse),
        reader: Arc::clone(&orders.reader),
        changes: changes.clone(),
        stop,
        streams: Streams::default(),
    })
    .merge(dead_letters(orders, gate))
}

pub(super) fn inventory(running: &Running<InventoryContext, dyn InventoryReader>, gate: &Gate) -> Router {
    inventory::routes(inventory::Deps {
        door: door(running, gate, inventory::refuse),
        reader: Arc::clone(&running.reader),
    })
    .merge(dead_letters(running, gate))
}

pub(super) fn payments(payments: &Payments, webhook: &SandboxWebhook, gate: &Gate) -> Router {
    payment::routes(payment::Deps {
        door: door(&payments.service, gate, payment::refuse),
        reader: Arc::clone(&payments.service.reader),
        catalogue: payments.sandbox.clone(),
        webhooks: vec![Arc::new(webhook.clone())],
        sandbox: Some(payments.sandbox.clone()),
    })
    .merge(dead_letters(&payments.service, gate))
}

pub(super) fn notifications(running: &Running<NotificationContext, dyn NotificationReader>, gate: &Gate) -> Router {
    notification::routes(notification::Deps {
        door: door(running, gate, notification::refuse),
        reader: Arc::clone(&running.reader),
    })
    .merge(dead_letters(running, gate))
}

fn dead_letters<C: BoundedContext, R: ?Sized>(running: &Running<C, R>, gate: &Gate) -> Router {
    letters::routes(letters::Deps { gate: gate.clone(), letters: running.dead_letters() })
}

fn door<C: BoundedContext, R: ?Sized>(
    running: &Running<C, R>,
    gate: &Gate,
    refuse: fn(&C::Rejection) -> Problem,
) -> Door<C> {
    Door { handle: running.handle.clone(), gate: gate.clone(), refuse }
}
