//! The rules of inventory: administrators' commands in `catalogue`, orders in `reservation`.

mod catalogue;
mod reservation;

use crate::decide::{Context, Decision, Move};
use crate::event::{Event, StockLow};
use crate::inventory::error::Rejection;
use crate::inventory::message::Input;
use crate::inventory::model::{Product, Stock};
use crate::inventory::store::{InventoryContext, InventorySnapshot};

type Decided = Result<Decision<InventoryContext>, Rejection>;

/// One function for each case.
pub(super) fn decide(snapshot: &InventorySnapshot, input: &Input, context: &Context<'_>) -> Decided {
    use reservation::Question;
    match input {
        Input::CreateProduct(command) => catalogue::create(snapshot, command, context),
        Input::ChangeProduct(command) => catalogue::change(snapshot, command, context),
        Input::AdjustStock(command) => catalogue::adjust(snapshot, command, context),
        Input::Resync(products) => Ok(catalogue::resync(snapshot, products)),
        Input::OrderCreated(order) => reservation::decide(snapshot, order.order_id, &Question::Created(order), context),
        Input::OrderCompleted(order) => reservation::decide(snapshot, order.order_id, &Question::Completed, context),
        Input::OrderFailed(order) => reservation::decide(snapshot, order.order_id, &Question::Failed, context),
        Input::OrderCancelled(order) => reservation::decide(snapshot, order.order_id, &Question::Cancelled, context),
        Input::HoldDue { order_id, epoch } => {
            reservation::decide(snapshot, *order_id, &Question::HoldDue(*epoch), context)
        }
    }
}

/// Publishes `stock.low` when a change takes the available pieces below the threshold, and only then: not again for
/// every order below it.
fn tell_low_stock(
    step: Move<InventoryContext>,
    product: &Product,
    before: &Stock,
    after: &Stock,
    context: &Context<'_>,
) -> Move<InventoryContext> {
    let threshold = context.policy.stock_low_threshold;
    if before.available() < u64::from(threshold) || after.available() >= u64::from(threshold) {
        return step;
    }
    // Below a threshold of 32 bits, so it fits.
    let available = u32::try_from(after.available()).unwrap_or(u32::MAX);
    let low = StockLow { product_id: product.id, sku: product.sku.clone(), available, threshold };
    step.emit(product.id.0, after.version, Event::StockLow(low))
}
