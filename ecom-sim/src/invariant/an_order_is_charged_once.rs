use ecom_core::event::Service;
use ecom_core::order::OrderContext;
use ecom_core::payment::PaymentContext;

use super::{Broken, Invariant, When, money};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "an order is charged once at most, for its total, and never gets back more",
    when: When::Always,
    of: &[Service::Payment],
    // Money moves when the outside is called, and by no transaction.
    near: Some(|_, _| Ok(())),
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let (Some(orders), Some(payment)) = (world.service::<OrderContext>(), world.service::<PaymentContext>()) else {
        return Ok(());
    };
    let provider = payment.outside();
    if provider.reused() > 0 {
        return Err(Broken::new("the provider", "one request for each key", "a key was used for another request"));
    }
    for movement in provider.movements() {
        let order_id = movement.order_id;
        let subject = || format!("order {order_id}");
        let Some(order) = orders.tables().snapshot().orders.get(&order_id) else {
            let actual = format!("{} in the smallest unit moved", movement.amount);
            return Err(Broken::new(subject(), "no money for an order that is not there", actual));
        };
        let (taken, returned, charges) = provider.balance(order_id);
        let total = order.total.minor();
        if charges > 1 || taken > total || (taken > 0 && taken != total) || returned > taken {
            let like = |minor| money(minor, order.total);
            let expected = format!("charged once: {} taken, and no more given back", order.total);
            let actual = format!("charged {charges} times: {} taken, {} given back", like(taken), like(returned));
            return Err(Broken::new(subject(), expected, actual));
        }
    }
    Ok(())
}
