use ecom_core::money::{Currency, Money};
use ecom_core::payment::{Account, Change, PaymentContext, Record};

use super::{Broken, Invariant, When, money};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "payments and ledger say what the provider says",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<PaymentContext>() else { return Ok(()) };
    for record in service.tables().snapshot().records.values() {
        let (order_id, captured, refunded, like) = match record {
            Record::Payment(payment) => {
                (payment.order_id, payment.captured.minor(), payment.refunded.minor(), payment.captured)
            }
            Record::Barrier(barrier) => (barrier.order_id, 0, 0, Money::zero(Currency::EUR)),
        };
        let like = |minor| money(minor, like);
        let (taken, returned, _) = service.outside().balance(order_id);
        let (mut booked, mut booked_back) = (0, 0);
        for line in service.tables().lines() {
            if let (Change::AddPosting(posting), Record::Payment(payment)) = (line, record)
                && posting.payment_id == payment.id
            {
                match posting.debit {
                    Account::ProviderReceivable => booked += posting.amount.minor(),
                    Account::Refunds | Account::CustomerFunds => booked_back += posting.amount.minor(),
                }
            }
        }
        if (taken, returned) != (captured, refunded) || (taken, returned) != (booked, booked_back) {
            let both = |taken, returned| format!("{} taken, {} given back", like(taken), like(returned));
            let actual = format!("payment: {}; ledger: {}", both(captured, refunded), both(booked, booked_back));
            let expected = format!("{}, as the provider did", both(taken, returned));
            return Err(Broken::new(format!("order {order_id}"), expected, actual));
        }
    }
    Ok(())
}
