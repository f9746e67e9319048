//! What the order context does about each input.

mod about;
mod place;
mod saga;

use super::error::Rejection;
use super::message::{Input, Notice};
use super::model::CatalogueEntry;
use super::store::{Change, OrderContext, OrderSnapshot};
use crate::decide::{Because, Context, Decision, HistoryEntry, Move};
use crate::event::{EventType, ProductChanged};

/// Every input, one function each.
pub(super) fn decide(
    snapshot: &OrderSnapshot,
    input: &Input,
    context: &Context<'_>,
) -> Result<Decision<OrderContext>, Rejection> {
    match input {
        Input::Place(order) => place::place(snapshot, order, context),
        Input::Saga { order_id, signal } => match snapshot.orders.get(order_id) {
            Some(order) => about::known(order, signal, context),
            None => about::unknown(*order_id, signal),
        },
        Input::ProductChanged(product) => Ok(product_changed(snapshot, product)),
        Input::Notice(notice) => noticed(snapshot, notice),
    }
}

/// The price projection: the newest version of each product wins, in whatever order they come.
fn product_changed(snapshot: &OrderSnapshot, product: &ProductChanged) -> Decision<OrderContext> {
    match snapshot.catalogue.get(&product.product_id) {
        Some(known) if known.version == product.version => Decision::stay(Because::AlreadyKnown),
        Some(known) if known.version > product.version => Decision::stay(Because::Stale),
        Some(_) | None => Move::with(Change::PutCatalogueEntry(CatalogueEntry::from(product))).done(),
    }
}

impl From<&ProductChanged> for CatalogueEntry {
    fn from(product: &ProductChanged) -> Self {
        Self {
            product_id: product.product_id,
            version: product.version,
            sku: product.sku.clone(),
            name: product.name.clone(),
            price: product.price,
            is_active: product.is_active,
        }
    }
}

/// A notice is a line in the order's history; the order itself does not change.
fn noticed(snapshot: &OrderSnapshot, notice: &Notice) -> Result<Decision<OrderContext>, Rejection> {
    let Some(order_id) = notice.order_id else { return Ok(Decision::stay(Because::NotConcerned)) };
    let order = snapshot.orders.get(&order_id).ok_or(Rejection::UnknownOrder(order_id))?;
    let event = if notice.sent { EventType::NotificationSent } else { EventType::NotificationFailed };
    let state = order.status().as_str();
    let entry = HistoryEntry {
        subject: order_id.0,
        event: event.name().into(),
        from: state.into(),
        to: state.into(),
        detail: Some(notice.detail.clone()),
    };
    Ok(Move::default().note(entry).done())
}
