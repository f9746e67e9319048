use ecom_core::event::Service;
use ecom_core::id::{PaymentId, RefundId};
use ecom_core::payment::{PaymentContext, PaymentSnapshot, Record, RefundStatus};

use super::{Broken, Invariant, When, money, subjects};
use crate::world::{World, Written};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "no more is promised back than was taken",
    when: When::Always,
    of: &[Service::Payment],
    near: Some(near),
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<PaymentContext>() else { return Ok(()) };
    let rows = service.tables().snapshot();
    rows.refunds.values().try_for_each(|refund| of(rows, refund.payment_id))
}

/// The payments whose refunds were written.
fn near(world: &World, written: &[Written]) -> Result<(), Broken> {
    let Some(service) = world.service::<PaymentContext>() else { return Ok(()) };
    let rows = service.tables().snapshot();
    let refunds = subjects(written, Service::Payment, &["refund"]).filter_map(|id| rows.refunds.get(&RefundId(id)));
    refunds.into_iter().try_for_each(|refund| of(rows, refund.payment_id))
}

/// What is under way counts as much as what went back.
fn of(rows: &PaymentSnapshot, payment_id: PaymentId) -> Result<(), Broken> {
    let Some(Record::Payment(payment)) = rows.records.get(&payment_id) else { return Ok(()) };
    let own = rows.refunds.values().filter(|it| it.payment_id == payment_id);
    let promised = own.filter(|it| !matches!(it.status, RefundStatus::Failed { .. })).map(|it| it.amount.minor()).sum();
    if promised > payment.captured.minor() {
        let (expected, actual) =
            (format!("{} at most", payment.captured), money(promised, payment.captured).to_string());
        return Err(Broken::new(format!("order {}", payment.order_id), expected, actual));
    }
    Ok(())
}
