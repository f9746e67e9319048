use ecom_core::order::{OrderContext, OrderView, PaymentStatus};
use ecom_core::payment::PaymentContext;

use super::{Broken, Invariant, When, money};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "an order shows of its payment what the provider did",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let (Some(orders), Some(payment)) = (world.service::<OrderContext>(), world.service::<PaymentContext>()) else {
        return Ok(());
    };
    for order in orders.tables().snapshot().orders.values().filter(|it| it.total.minor() > 0) {
        let (taken, returned, _) = payment.outside().balance(order.id);
        let wanted: &[PaymentStatus] = match (taken, returned) {
            (0, _) => &[PaymentStatus::Failed, PaymentStatus::Voided],
            (_, 0) => &[PaymentStatus::Processed],
            (taken, returned) if returned < taken => &[PaymentStatus::PartiallyRefunded],
            _ => &[PaymentStatus::Refunded, PaymentStatus::Voided],
        };
        let shown = OrderView::from(order.as_ref()).payment.status;
        if wanted.iter().all(|it| it.as_str() != shown) {
            let like = |minor| money(minor, order.total);
            let words: Vec<&str> = wanted.iter().map(|it| it.as_str()).collect();
            let expected = format!("{}: {} taken, {} given back", words.join(" or "), like(taken), like(returned));
            return Err(Broken::new(format!("order {}", order.id), expected, shown));
        }
    }
    Ok(())
}
