//! The promises, each a pure function of the evidence.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::scene::{Fate, Plan, Shelf};
use super::super::wire::{MovementKind, Notice, Operation, Order, ProviderEntry, Status, Tally};
use super::{Audit, Check, Evidence};

/// Judges the evidence about the accepted orders.
pub(super) fn judge(shelves: &[Shelf], accepted: &BTreeMap<Uuid, Plan>, evidence: &Evidence) -> Audit {
    let checks = vec![
        Check::of("every accepted order came to its end", unended(accepted, evidence)),
        Check::of("no order exists that nobody placed", unplaced(accepted, evidence)),
        Check::of("every order ended as its stock and its card make it", misfits(accepted, evidence)),
        Check::of("initial stock and adjustments = on hand + committed, nothing reserved", stock(shelves, evidence)),
        Check::of("stock left once for each line of a completed order and for nothing else", sold(shelves, evidence)),
        Check::of("the provider took each completed order's total once and kept nothing else", money(evidence)),
        Check::of("one notice for each ended order, and it tells the end", notices(evidence)),
    ];
    let (mut ended, mut failures) = (Tally::new(), Tally::new());
    for order in accepted.keys().filter_map(|id| evidence.orders.get(id)) {
        *ended.entry(order.status).or_default() += 1;
        if let Some(failure) = &order.failure {
            *failures.entry(failure.code.clone()).or_default() += 1;
        }
    }
    Audit { checks, ended, failures }
}

/// Those of the accepted orders that have not come to their end.
pub(super) fn unended(accepted: &BTreeMap<Uuid, Plan>, evidence: &Evidence) -> Vec<String> {
    let standing = |id: &Uuid| match evidence.orders.get(id) {
        None => Some(format!("{id} is unknown")),
        Some(order) => (!order.status.is_terminal()).then(|| format!("{id} is {}", order.status)),
    };
    accepted.keys().filter_map(standing).collect()
}

fn unplaced(accepted: &BTreeMap<Uuid, Plan>, evidence: &Evidence) -> Vec<String> {
    evidence.orders.keys().filter(|id| !accepted.contains_key(id)).map(ToString::to_string).collect()
}

fn misfits(accepted: &BTreeMap<Uuid, Plan>, evidence: &Evidence) -> Vec<String> {
    let mut found = vec![];
    for (id, plan) in accepted {
        let Some(order) = evidence.orders.get(id).filter(|order| order.status.is_terminal()) else { continue };
        let code = order.failure.as_ref().map(|failure| failure.code.as_str());
        let fits = match plan.fate {
            Fate::Completes => order.status == Status::Completed,
            Fate::Fails(expected) => order.status == Status::Failed && code == Some(expected),
            Fate::Cancelled => matches!(order.status, Status::Cancelled | Status::Completed),
        };
        if !fits {
            let code = code.unwrap_or("no failure");
            found.push(format!("{id} with {} is {} ({code})", plan.token, order.status));
        }
    }
    found
}

fn stock(shelves: &[Shelf], evidence: &Evidence) -> Vec<String> {
    let mut found = vec![];
    for shelf in shelves {
        let Some((stock, movements)) = evidence.stock.get(&shelf.product) else {
            found.push(format!("{}: no stock", shelf.sku));
            continue;
        };
        let supply: i64 = movements.iter().filter(|m| m.kind != MovementKind::Commit).map(|m| m.delta).sum();
        let balance: i64 = movements.iter().map(|m| m.delta).sum();
        let holds = stock.on_hand + stock.committed == shelf.supply
            && supply == shelf.supply
            && balance == stock.on_hand
            && stock.reserved == 0
            && stock.available == stock.on_hand;
        if !holds {
            let (sku, wanted) = (&shelf.sku, shelf.supply);
            found.push(format!("{sku}: supplied {wanted}, logged {supply}, balance {balance}, {stock:?}"));
        }
    }
    found
}

fn sold(shelves: &[Shelf], evidence: &Evidence) -> Vec<String> {
    let mut wanted: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for order in evidence.orders.values().filter(|order| order.status == Status::Completed) {
        for item in &order.items {
            *wanted.entry((item.product_id, order.id)).or_default() += item.quantity;
        }
    }
    let mut found = vec![];
    for shelf in shelves {
        let Some((stock, movements)) = evidence.stock.get(&shelf.product) else { continue };
        let mut left = 0;
        for movement in movements.iter().filter(|movement| movement.kind == MovementKind::Commit) {
            left -= movement.delta;
            let order = movement.order_id.unwrap_or_default();
            let expected = wanted.remove(&(shelf.product, order)).unwrap_or_default();
            if expected != -movement.delta {
                let taken = -movement.delta;
                found.push(format!("{}: order {order} took {taken} instead of {expected}", shelf.sku));
            }
        }
        if stock.committed != left {
            found.push(format!("{}: {} committed, {left} in the log", shelf.sku, stock.committed));
        }
    }
    // What remains was bought and never left the shelf.
    found.extend(wanted.into_iter().map(|((product, order), n)| format!("order {order}: {n} of {product} never left")));
    found
}

fn money(evidence: &Evidence) -> Vec<String> {
    let found = evidence.orders.values().filter_map(|order| {
        let entries = evidence.provider.get(&order.id).map_or(&[][..], Vec::as_slice);
        let charged = moved(entries, Operation::Charge);
        let refunded = moved(entries, Operation::Refund);
        let kept = charged.1 - refunded.1;
        let total = order.total_amount.minor();
        let holds = match order.status {
            Status::Completed => kept == total && charged.0 == u64::from(total != 0) && refunded.0 == 0,
            Status::Failed | Status::Cancelled => kept == 0 && charged.0 <= 1,
            // Not ended: another check says so, and what the money will be is open.
            Status::Pending | Status::Processing => charged.0 <= 1,
        };
        let foreign = entries.iter().any(|entry| entry.amount.currency() != order.total_amount.currency());
        (!holds || foreign).then(|| describe(order, charged, refunded))
    });
    found.collect()
}

/// How often money moved that way, and how much.
fn moved(entries: &[ProviderEntry], operation: Operation) -> (u64, i64) {
    let moves = entries.iter().filter(|entry| entry.operation == operation && entry.result == "succeeded");
    moves.fold((0, 0), |(times, sum), entry| (times + 1, sum + entry.amount.minor()))
}

fn describe(order: &Order, charged: (u64, i64), refunded: (u64, i64)) -> String {
    format!(
        "{} is {} for {}: charged {} times, {} minor units in all, refunded {} times, {} in all",
        order.id, order.status, order.total_amount, charged.0, charged.1, refunded.0, refunded.1
    )
}

fn notices(evidence: &Evidence) -> Vec<String> {
    let mut found = vec![];
    for order in evidence.orders.values().filter(|order| order.status.is_terminal()) {
        let all = evidence.notices.get(&order.id).map_or(&[][..], Vec::as_slice);
        let ends: Vec<&Notice> = all.iter().filter(|notice| tells_an_end(&notice.template)).collect();
        let holds = match ends.as_slice() {
            [notice] => notice.template.contains(order.status.name()) && notice.status == "sent",
            [] | [_, _, ..] => false,
        };
        if !holds {
            let seen: Vec<String> = ends.iter().map(|n| format!("{} ({})", n.template, n.status)).collect();
            found.push(format!("{} is {}: [{}]", order.id, order.status, seen.join(", ")));
        }
    }
    found
}

/// Whether the template is one of those for the end of an order; a notice about a refund is not.
fn tells_an_end(template: &str) -> bool {
    let ends = [Status::Completed, Status::Failed, Status::Cancelled];
    template.contains("order") && ends.iter().any(|status| template.contains(status.name()))
}
