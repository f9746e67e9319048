//! What administrators do: add and change products, adjust stock, publish again.

use super::{Decided, tell_low_stock};
use crate::decide::{Because, Context, Decision, HistoryEntry, Move};
use crate::event::{Event, Service};
use crate::id::{ProductId, derive};
use crate::inventory::error::Rejection;
use crate::inventory::message::{AdjustStock, ChangeProduct, CreateProduct, ProductPatch, Reply};
use crate::inventory::model::{Movement, MovementKind, Product, Stock, StockError};
use crate::inventory::store::{Change, InventoryContext, InventorySnapshot};
use crate::money::Money;

/// Adds a product with its stock.
pub(super) fn create(snapshot: &InventorySnapshot, command: &CreateProduct, context: &Context<'_>) -> Decided {
    check_sku(&command.sku)?;
    check_name(&command.name)?;
    check_description(&command.description)?;
    check_price(command.price)?;
    if let Some(owner) = snapshot.skus.get(&command.sku) {
        return Err(Rejection::SkuTaken { sku: command.sku.clone(), owner: *owner });
    }
    if snapshot.products.contains_key(&command.id) {
        return Err(Rejection::ProductExists(command.id));
    }
    let stock = Stock::new(command.id, command.initial_stock).map_err(|_| Rejection::StockLimitExceeded)?;
    let product = Product {
        id: command.id,
        sku: command.sku.clone(),
        name: command.name.clone(),
        description: command.description.clone(),
        price: command.price,
        is_active: true,
        version: 1,
        created_at: context.now,
        updated_at: context.now,
    };
    let mut step = Move::with(Change::PutProduct(product.clone()))
        .change(Change::PutStock(stock))
        .emit(product.id.0, product.version, Event::ProductCreated(product.changed()))
        .reply(Reply::Created { product, available: stock.available() });
    if let Some(delta) = i64::try_from(stock.on_hand).ok().filter(|delta| *delta > 0) {
        step = step.change(Change::AddMovement(Movement {
            id: derive(Service::Inventory.name(), context.cause.0, "movement", command.id.0, 0),
            product_id: command.id,
            kind: MovementKind::Initial,
            delta,
            reason: "initial stock".to_owned(),
            actor: Some(command.actor),
            at: context.now,
        }));
    }
    Ok(step.done())
}

/// Changes a product; a patch that changes nothing is answered and told to nobody.
pub(super) fn change(snapshot: &InventorySnapshot, command: &ChangeProduct, context: &Context<'_>) -> Decided {
    let (before, stock) = find(snapshot, command.id)?;
    let ProductPatch { name, description, price, is_active } = &command.patch;
    name.as_deref().map_or(Ok(()), check_name)?;
    description.as_deref().map_or(Ok(()), check_description)?;
    price.map_or(Ok(()), check_price)?;
    let mut product = Product {
        name: name.clone().unwrap_or_else(|| before.name.clone()),
        description: description.clone().unwrap_or_else(|| before.description.clone()),
        price: price.unwrap_or(before.price),
        is_active: is_active.unwrap_or(before.is_active),
        ..before.clone()
    };
    let available = stock.available();
    if product == *before {
        return Ok(Decision::Stay {
            because: Because::AlreadyKnown,
            reply: Some(Reply::Changed { product, available }),
        });
    }
    product.version += 1;
    product.updated_at = context.now;
    let entry = HistoryEntry {
        subject: product.id.0,
        event: "product changed".into(),
        from: format!("version {}, {}, {}", before.version, before.price, sale(before)).into(),
        to: format!("version {}, {}, {}", product.version, product.price, sale(&product)).into(),
        detail: Some(format!("by {}", command.actor)),
    };
    Ok(Move::with(Change::PutProduct(product.clone()))
        .emit(product.id.0, product.version, Event::ProductUpdated(product.changed()))
        .note(entry)
        .reply(Reply::Changed { product, available })
        .done())
}

/// Puts pieces in, or takes pieces out that are not held.
pub(super) fn adjust(snapshot: &InventorySnapshot, command: &AdjustStock, context: &Context<'_>) -> Decided {
    let (product, before) = find(snapshot, command.product_id)?;
    if command.delta == 0 {
        return Err(Rejection::DeltaZero);
    }
    if !is_label(&command.reason) {
        return Err(Rejection::ReasonInvalid);
    }
    let after = before.adjust(command.delta).map_err(|error| match error {
        StockError::Short { asked, there } => {
            Rejection::InsufficientStock { product_id: product.id, asked, available: there }
        }
        StockError::Limit => Rejection::StockLimitExceeded,
    })?;
    let movement = Movement {
        id: derive(Service::Inventory.name(), context.cause.0, "movement", product.id.0, 0),
        product_id: product.id,
        kind: MovementKind::Adjustment,
        delta: command.delta,
        reason: command.reason.clone(),
        actor: Some(command.actor),
        at: context.now,
    };
    let step = Move::with(Change::PutStock(after)).change(Change::AddMovement(movement)).reply(Reply::Adjusted(after));
    Ok(tell_low_stock(step, product, before, &after, context).done())
}

/// Publishes the current versions again; who has them already sees the version and stays.
pub(super) fn resync(snapshot: &InventorySnapshot, products: &[ProductId]) -> Decision<InventoryContext> {
    let known: Vec<&Product> = products.iter().filter_map(|id| snapshot.products.get(id)).collect();
    let reply = Reply::Resynced { count: known.len() };
    if known.is_empty() {
        return Decision::Stay { because: Because::NotConcerned, reply: Some(reply) };
    }
    let step = known.into_iter().fold(Move::default(), |step, product| {
        step.emit(product.id.0, product.version, Event::ProductUpdated(product.changed()))
    });
    step.reply(reply).done()
}

fn find(snapshot: &InventorySnapshot, id: ProductId) -> Result<(&Product, &Stock), Rejection> {
    snapshot.products.get(&id).zip(snapshot.stock.get(&id)).ok_or(Rejection::ProductNotFound(id))
}

const fn sale(product: &Product) -> &'static str {
    if product.is_active { "for sale" } else { "not for sale" }
}

fn check_sku(sku: &str) -> Result<(), Rejection> {
    let printable = sku.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let well_formed = printable && sku.trim() == sku && (1..=Product::SKU_MAX).contains(&sku.len());
    if well_formed { Ok(()) } else { Err(Rejection::SkuInvalid) }
}

fn check_name(name: &str) -> Result<(), Rejection> {
    if is_label(name) { Ok(()) } else { Err(Rejection::NameInvalid) }
}

/// A description may have lines, but nothing else that does not print: a NUL could not even be stored everywhere.
fn check_description(text: &str) -> Result<(), Rejection> {
    let prints = text.chars().all(|letter| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t'));
    let fits = text.chars().count() <= Product::DESCRIPTION_MAX;
    if prints && fits { Ok(()) } else { Err(Rejection::DescriptionInvalid) }
}

fn check_price(price: Money) -> Result<(), Rejection> {
    if price.is_negative() { Err(Rejection::PriceNegative) } else { Ok(()) }
}

/// One line of text with something in it.
fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= Product::NAME_MAX && !text.chars().any(char::is_control)
}
