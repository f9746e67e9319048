//! How an order is placed: the catalogue's prices, checked arithmetic, one currency.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::{Because, BoundedContext, Context, Decision, Move};
use crate::event::{Event, EventType, OrderCreated};
use crate::id::{OrderId, ProductId, derive};
use crate::money::{Money, MoneyError};
use crate::order::error::Rejection;
use crate::order::message::{Place, PlacedLine, Reply};
use crate::order::model::{CatalogueEntry, Item, Order, PaymentStatus, Running};
use crate::order::store::{Change, OrderContext, OrderSnapshot};
use crate::saga::{Advance, Instance};

pub(super) fn place(
    snapshot: &OrderSnapshot,
    command: &Place,
    context: &Context<'_>,
) -> Result<Decision<OrderContext>, Rejection> {
    match snapshot.orders.get(&command.order_id) {
        // The same command again: its first commit was not known to have succeeded.
        Some(known) if known.user_id == command.user_id => {
            let reply = Some(Reply::Placed(Arc::clone(known)));
            return Ok(Decision::Stay { because: Because::AlreadyKnown, reply });
        }
        Some(_) => return Err(Rejection::OrderExists(command.order_id)),
        None => {}
    }
    let items = price(&snapshot.catalogue, command)?;
    let total = total(&items)?;
    let (order_id, event) = (command.order_id, EventType::OrderCreated.name());
    let Advance { instance, deadlines, history, .. } =
        Instance::begin(order_id.0, event, Running::Pending, vec![], context.policy);
    let order = Arc::new(Order {
        id: order_id,
        user_id: command.user_id,
        items: items.into(),
        total,
        payment_method_id: command.payment_method_id,
        metadata: command.metadata.clone(),
        correlation_id: command.correlation_id,
        request_correlation_id: command.request_correlation_id.clone(),
        payment: PaymentStatus::Pending,
        saga: instance,
        created_at: context.now,
        updated_at: context.now,
    });
    let created = OrderCreated {
        order_id,
        user_id: order.user_id,
        items: order.lines(),
        total_amount: total,
        payment_method_id: order.payment_method_id,
    };
    let mut step = Move::default()
        .correlated(order.correlation_id)
        .emit(order_id.0, order.version(), Event::OrderCreated(created))
        .note(history)
        .reply(Reply::Placed(Arc::clone(&order)));
    step.deadlines = deadlines;
    Ok(step.change(Change::PutOrder(order)).done())
}

/// The lines with the catalogue's prices, those of the same product merged where the first one stands.
fn price(catalogue: &BTreeMap<ProductId, CatalogueEntry>, command: &Place) -> Result<Vec<Item>, Rejection> {
    match command.items.len() {
        0 => return Err(Rejection::NoItems),
        count if count > Order::LINES_MAX => return Err(Rejection::TooManyItems { count }),
        _ => {}
    }
    let mut items: Vec<Item> = Vec::with_capacity(command.items.len());
    for (line, placed) in command.items.iter().enumerate() {
        let product = for_sale(catalogue, line, placed)?;
        if let Some(item) = items.iter_mut().find(|item| item.product_id == placed.product_id) {
            let quantity = item.quantity.checked_add(placed.quantity);
            item.quantity = quantity.ok_or(Rejection::QuantityTooLarge { line, product_id: placed.product_id })?;
            item.line_total = item.unit_price.checked_mul(item.quantity).map_err(|error| arithmetic(&error))?;
        } else {
            let id = item_id(command.order_id, items.len());
            let (sku, name, unit_price) = (product.sku.clone(), product.name.clone(), product.price);
            let line_total = unit_price.checked_mul(placed.quantity).map_err(|error| arithmetic(&error))?;
            let (product_id, quantity) = (placed.product_id, placed.quantity);
            items.push(Item { id, product_id, sku, name, quantity, unit_price, line_total });
        }
    }
    Ok(items)
}

/// The catalogue's entry, if the product can be bought as the buyer saw it.
fn for_sale<'a>(
    catalogue: &'a BTreeMap<ProductId, CatalogueEntry>,
    line: usize,
    placed: &PlacedLine,
) -> Result<&'a CatalogueEntry, Rejection> {
    let product_id = placed.product_id;
    let product = catalogue.get(&product_id).ok_or(Rejection::UnknownProduct { line, product_id })?;
    if !product.is_active {
        return Err(Rejection::ProductUnavailable { line, product_id });
    }
    match placed.unit_price {
        Some(given) if given != product.price => {
            Err(Rejection::PriceChanged { line, product_id, given, price: product.price })
        }
        Some(_) | None => Ok(product),
    }
}

fn total(items: &[Item]) -> Result<Money, Rejection> {
    Money::sum(items.iter().map(|item| item.line_total)).ok_or(Rejection::NoItems)?.map_err(|error| arithmetic(&error))
}

fn arithmetic(error: &MoneyError) -> Rejection {
    match error {
        MoneyError::MixedCurrencies { left, right } => Rejection::MixedCurrencies { first: *left, other: *right },
        // Nothing is parsed here.
        MoneyError::Overflow | MoneyError::Malformed { .. } => Rejection::TotalOverflow,
    }
}

/// The id of the order's item of that ordinal.
fn item_id(order_id: OrderId, ordinal: usize) -> uuid::Uuid {
    derive(OrderContext::SERVICE.name(), order_id.0, "item", order_id.0, ordinal as u32)
}
