use std::collections::BTreeMap;

use ecom_core::order::{PaymentStatus, Status};

use super::{Broken, Invariant, When};
use crate::world::{Answered, Seen, World};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "what a client sees of an order never goes back: paid stays paid unless it is given back",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

/// Each client's looks at each order, one after the other.
fn check(world: &World) -> Result<(), Broken> {
    for client in world.clients() {
        let mut last: BTreeMap<_, Seen> = BTreeMap::new();
        for reply in client.replies() {
            let Answered::Seen(seen) = reply.answered else { continue };
            let before = last.insert(seen.resource, seen).unwrap_or(seen);
            if !status_after(before.status, seen.status) || !payment_after(before.payment, seen.payment) {
                let told = |it: Seen| format!("{}, its payment {}", it.status, it.payment);
                let expected = format!("{}, or what can come of that", told(before));
                return Err(Broken::new(format!("order {}", seen.resource), expected, told(seen)));
            }
        }
    }
    Ok(())
}

fn status_after(before: &str, after: &str) -> bool {
    before == after
        || match Status::parse(before) {
            Some(Status::Pending) => true,
            Some(Status::Processing) => Status::parse(after).is_some_and(Status::is_terminal),
            Some(Status::Completed | Status::Failed | Status::Cancelled) | None => false,
        }
}

/// What was not charged is shown as voided too, and may turn out to have been refused.
fn payment_after(before: &str, after: &str) -> bool {
    use PaymentStatus::{Failed, NotCharged, PartiallyRefunded, Pending, Processed, Refunded, Voided};
    let after_is = |known: &[PaymentStatus]| known.iter().any(|it| it.as_str() == after);
    before == after
        || match PaymentStatus::parse(before) {
            Some(Pending) => true,
            Some(Voided) => after_is(&[Failed]),
            Some(Processed) => after_is(&[Voided, PartiallyRefunded, Refunded]),
            Some(PartiallyRefunded) => after_is(&[Refunded]),
            Some(NotCharged | Failed | Refunded) | None => false,
        }
}
