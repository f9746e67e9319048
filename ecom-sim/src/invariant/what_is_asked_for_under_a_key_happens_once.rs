use std::collections::BTreeMap;

use ecom_core::inventory::{Change, InventoryContext};
use ecom_core::order::OrderContext;
use ecom_core::payment::PaymentContext;
use uuid::Uuid;

use super::{Broken, Invariant, When};
use crate::world::{Answered, Client, Command, Reply, Trail, World};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "what is asked for under a key happens once, as it was asked for, and not at all where it was refused",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

/// Every attempt of a command leaves something of its own; those of one key leave one together, and are answered alike.
fn check(world: &World) -> Result<(), Broken> {
    let done = Done::of(world);
    let mut keys: BTreeMap<&str, (Vec<String>, bool)> = BTreeMap::new();
    let mut answers: BTreeMap<&str, Answered> = BTreeMap::new();
    for (command, reply) in world.clients().iter().flat_map(sent) {
        let Some(keyed) = &command.keyed else { continue };
        let mut times = 0;
        for attempt in 0..reply.attempts {
            if let Some(how) = done.find(keyed.trail(attempt)) {
                let said = how.map_err(|(expected, actual)| Broken::new(subject(&keyed.key), expected, actual))?;
                keys.entry(&keyed.key).or_default().0.push(said);
                times += 1;
            }
        }
        let label = command.label;
        match reply.answered {
            Answered::Refused if times > 0 => {
                return Err(Broken::new(
                    subject(&keyed.key),
                    "nothing, as it was refused",
                    format!("\"{label}\" was done"),
                ));
            }
            Answered::Done { .. } => {
                keys.entry(&keyed.key).or_default().1 = true;
                let first = *answers.entry(&*keyed.key).or_insert(reply.answered);
                if first != reply.answered {
                    let (expected, actual) =
                        (format!("always {first}"), format!("{}, and not the same", reply.answered));
                    return Err(Broken::new(subject(&keyed.key), expected, actual));
                }
            }
            Answered::Seen(_) | Answered::Refused | Answered::Failed | Answered::Unknown => {}
        }
    }
    for (key, (times, is_answered)) in keys {
        if times.len() > 1 || (is_answered && times.is_empty()) {
            let expected = if is_answered { "once, as was answered" } else { "once at most" };
            let actual = if times.is_empty() { "it did not happen".to_owned() } else { times.join(", ") };
            return Err(Broken::new(subject(key), expected, actual));
        }
    }
    Ok(())
}

fn subject(key: &str) -> String {
    format!("key {key}")
}

/// The commands that were sent, and how each ended.
fn sent(client: &Client) -> impl Iterator<Item = (&Command, &Reply)> {
    client.commands().iter().zip(client.replies())
}

/// What was carried out.
struct Done<'a> {
    world: &'a World,
    movements: BTreeMap<Uuid, i64>,
}

impl<'a> Done<'a> {
    fn of(world: &'a World) -> Self {
        let lines = world.service::<InventoryContext>().into_iter().flat_map(|service| service.tables().lines());
        let movements = lines.filter_map(|line| match line {
            Change::AddMovement(movement) => Some((movement.id, movement.delta)),
            Change::PutProduct(_) | Change::PutStock(_) | Change::PutReservation(_) => None,
        });
        Self { world, movements: movements.collect() }
    }

    /// That in words, when it is there; or what should be of it and what is.
    fn find(&self, trail: Trail) -> Option<Result<String, (String, String)>> {
        match trail {
            Trail::Order(id) => {
                let service = self.world.service::<OrderContext>()?;
                service.tables().snapshot().orders.contains_key(&id).then(|| Ok(format!("order {id}")))
            }
            Trail::Refund(id, wanted) => {
                let refund = self.world.service::<PaymentContext>()?.tables().snapshot().refunds.get(&id)?;
                let said = format!("a refund of {}", refund.amount);
                let right = wanted.is_none_or(|minor| minor == refund.amount.minor());
                Some(if right { Ok(said) } else { Err((format!("a refund of {} cents", wanted?), said)) })
            }
            Trail::Movement(id, delta) => {
                let done = *self.movements.get(&id)?;
                let said = |pieces: i64| format!("{pieces:+} pieces");
                Some(if done == delta { Ok(said(done)) } else { Err((said(delta), said(done))) })
            }
        }
    }
}
