//! Every state against every input, as one table.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::decide::{Because, Decision};
use crate::saga::{Saga, diagram, observe};

/// The columns: how an order came into its state.
fn columns() -> [(&'static str, Arc<Order>); 7] {
    let order = |facts: &[Fact]| {
        let mut order = None;
        facts
            .iter()
            .fold(placed(), |story, fact| story.when(Input::fact(ORDER, fact.clone())))
            .then(|snapshot| order = snapshot.orders.get(&ORDER).cloned());
        order.unwrap()
    };
    let nothing_held = Fact::InventoryReleased { held: false };
    let nothing_charged = Fact::PaymentVoided { known: false, authorized: false };
    [
        ("pending", order(&[])),
        ("processing", order(&[Fact::InventoryReserved])),
        ("completed, owed", order(&[paid()])),
        ("completed, settled", order(&[paid(), Fact::InventoryCommitted])),
        ("failed, owed", order(&[Fact::InventoryReserved, declined()])),
        ("cancelled, owed", order(&[cancel()])),
        ("cancelled, nothing to undo", order(&[cancel(), nothing_held, nothing_charged])),
    ]
}

/// The state that follows, or in one word why it stays the same: `tell` announces the end again, `close` answers a
/// debt, `note` keeps a fact, `flag` asks for an operator.
const TABLE: &[(&str, [&str; 7])] = &[
    ("inventory.reserved", ["processing", "known", "known", "known", "note", "note", "tell"]),
    ("inventory.reservation_failed", ["failed", "flag", "flag", "flag", "ended", "ended", "ended"]),
    ("inventory.released", ["flag", "flag", "flag", "flag", "close", "close", "close"]),
    ("inventory.released, nothing", ["flag", "flag", "flag", "flag", "close", "close", "known"]),
    ("inventory.committed", ["flag", "flag", "close", "known", "flag", "flag", "flag"]),
    ("inventory.hold_overdue", ["not concerned", "not concerned", "tell", "tell", "tell", "tell", "tell"]),
    ("payment.processed", ["completed", "completed", "known", "known", "note", "note", "tell"]),
    ("payment.failed", ["failed", "failed", "flag", "flag", "ended", "note", "note"]),
    ("payment.voided", ["flag", "flag", "flag", "flag", "close", "close", "close"]),
    ("payment.voided, nothing", ["flag", "flag", "flag", "flag", "close", "close", "known"]),
    ("payment.refunded, undo", ["flag", "flag", "flag", "flag", "close", "close", "close"]),
    ("payment.refunded, full", ["note", "note", "note", "note", "close", "close", "close"]),
    ("payment.refunded, part", ["note", "note", "note", "note", "note", "note", "note"]),
    ("cancel", ["cancelled", "cancelled", "not_cancellable", "not_cancellable", "not_cancellable", "ended", "ended"]),
    (
        "deadline.inventory",
        ["failed", "stale timer", "stale timer", "stale timer", "stale timer", "stale timer", "stale timer"],
    ),
    (
        "deadline.payment",
        ["stale timer", "failed", "stale timer", "stale timer", "stale timer", "stale timer", "stale timer"],
    ),
    ("deadline.owed", ["stale timer", "stale timer", "tell", "stale timer", "tell", "tell", "stale timer"]),
    ("retry", ["nothing_to_retry", "nothing_to_retry", "tell", "nothing_to_retry", "tell", "tell", "nothing_to_retry"]),
    ("resolve", ["nothing_to_resolve"; 7]),
];

/// The rows: every input. Timers come with the epoch that the order armed last.
fn rows(order: &Order) -> Vec<Input> {
    let epoch = order.saga.armed.as_ref().map_or(0, |armed| armed.epoch);
    let deadline = |kind: &'static str| Input::deadline(ORDER, kind, epoch);
    let mut rows: Vec<Input> = facts().into_iter().map(|fact| Input::fact(ORDER, fact)).collect();
    rows.extend(["inventory", "payment", "owed"].map(deadline));
    rows.extend([Input::retry(ORDER, ADMIN, "test"), Input::resolve(ORDER, ADMIN, "test")]);
    rows
}

/// What an input does to an order, in the words of the table.
fn cell(order: &Arc<Order>, input: &Input) -> String {
    let snapshot = OrderSnapshot { orders: [(ORDER, Arc::clone(order))].into(), ..OrderSnapshot::default() };
    let step = match OrderContext::decide(&snapshot, input, &context(&Policy::default())) {
        Err(rejection) => return rejection.code().to_owned(),
        Ok(Decision::Stay { because, .. }) => return word(because).to_owned(),
        Ok(Decision::Move(step)) => step,
    };
    let [Change::PutOrder(next)] = step.changes.as_slice() else { panic!("one order changes: {:?}", step.changes) };
    assert_eq!(next.version(), order.version() + 1, "each change is one version");
    assert_eq!(step.history.len(), 1, "each change is one line of history");
    assert!(step.events.iter().all(|emit| emit.aggregate_version == next.version()));
    assert_eq!(
        step.events.len(),
        usize::from(next.status() != order.status() && next.status().is_terminal()).max(step.events.len())
    );
    let standing = |order: &Order| order.saga.ledger.iter().map(|(_, entry)| entry.standing).collect::<Vec<_>>();
    if next.status() != order.status() {
        assert!(!order.status().is_terminal(), "an end is an end");
        assert_eq!(step.events.is_empty(), !next.status().is_terminal(), "an end is told");
        next.status().as_str()
    } else if next.saga.attention != order.saga.attention {
        assert!(step.events.is_empty());
        "flag"
    } else if !step.events.is_empty() {
        "tell"
    } else if standing(next) != standing(order) {
        "close"
    } else {
        "note"
    }
    .to_owned()
}

const fn word(because: Because) -> &'static str {
    match because {
        Because::AlreadyKnown => "known",
        Because::AlreadyEnded => "ended",
        Because::Stale => "stale",
        Because::StaleTimer => "stale timer",
        Because::Barred => "barred",
        Because::NotConcerned => "not concerned",
    }
}

#[test]
fn every_state_answers_every_input_as_the_table_says() {
    for (column, (name, order)) in columns().iter().enumerate() {
        let inputs = rows(order);
        assert_eq!(inputs.len(), TABLE.len());
        for (input, (row, expected)) in inputs.iter().zip(TABLE) {
            assert_eq!(cell(order, input), expected[column], "{row} when {name}");
        }
    }
}

#[test]
fn the_declared_transitions_are_those_of_the_rules() {
    let policy = Policy::default();
    let samples = [vec![], vec![Fact::InventoryReserved], vec![paid()], vec![declined()], vec![cancel()]];
    let instances: Vec<_> = samples.iter().map(|facts| saga_after(facts)).collect();
    let declared: BTreeSet<_> =
        OrderSaga::TRANSITIONS.iter().map(|it| (it.from.to_owned(), it.input.to_owned(), it.to.to_owned())).collect();
    assert_eq!(observe(&instances, &facts(), &context(&policy)), declared);
    assert!(diagram::<OrderSaga>().contains("    pending --> processing: inventory.reserved\n"));
    assert!(diagram::<OrderSaga>().contains("    completed --> [*]\n"));
}

/// Also sequences that no correct participant can produce.
#[test]
fn after_any_four_facts_an_end_is_an_end_and_a_repeated_fact_changes_nothing() {
    let policy = Policy::default();
    let context = context(&policy);
    let mut frontier = vec![saga_after(&[])];
    for _ in 0..4 {
        let mut next = vec![];
        for saga in &frontier {
            for fact in facts() {
                let signal = Signal::Input(fact.clone());
                let Ok(Handled::Advanced(advance)) = saga.handle(&signal, &context) else { continue };
                let after = advance.instance;
                assert_eq!(after.version, saga.version + 1);
                assert!(!saga.has_ended() || after.state == saga.state, "{fact:?} changed the end of {saga:?}");
                assert_eq!(after.armed.is_none(), after.is_settled(), "a wait has its timer: {after:?}");
                let again = after.handle(&signal, &context);
                let asks = fact == Fact::HoldOverdue;
                assert!(asks || !matches!(again, Ok(Handled::Advanced(_))), "{fact:?} twice: {after:?}");
                next.push(after);
            }
        }
        frontier = next;
    }
    assert!(frontier.len() > 1_000, "{}", frontier.len());
}
