//! Every state with every question.

use super::*;

/// A world whose order 1 is in that state, asking for 2 of the 10 pieces of product 1.
fn world_in(state: &str) -> World {
    let ask = created(1, vec![line(product(1), 2)]);
    let mut inputs = vec![new_product(1, 10)];
    inputs.extend(match state {
        "missing" => vec![],
        "held" => vec![ask],
        "committed" => vec![ask, completed(1)],
        "released" => vec![ask, failed(1)],
        "refused" => vec![created(1, vec![line(product(1), 11)])],
        "barred" => vec![cancelled(1)],
        other => panic!("{other}"),
    });
    let world = World::with(inputs);
    assert_eq!(world.state(1), state);
    world
}

fn question(name: &str, world: &World) -> Input {
    let version = world.snapshot.reservations.get(&order(1)).map_or(1, |reservation| reservation.version);
    match name {
        "created" => created(1, vec![line(product(1), 2)]),
        "completed" => completed(1),
        "failed" => failed(1),
        "cancelled" => cancelled(1),
        "hold due" => Input::HoldDue { order_id: order(1), epoch: version },
        "old hold due" => Input::HoldDue { order_id: order(1), epoch: version + 7 },
        other => panic!("{other}"),
    }
}

/// What the rules make of the question: the new state with the events, or why nothing changed.
fn answer(world: &mut World, input: &Input) -> String {
    let context = Context {
        now: NOW,
        cause: MessageId(Uuid::from_u128(9)),
        correlation: CorrelationId(Uuid::from_u128(9)),
        policy: &world.policy,
        calls: None,
    };
    match InventoryContext::decide(&world.snapshot, input, &context) {
        Ok(Decision::Move(step)) => {
            for change in &step.changes {
                InventoryContext::apply(&mut world.snapshot, change);
            }
            let events: Vec<_> = step.events.iter().map(|emit| emit.event.event_type().name()).collect();
            format!("{}: {}", world.state(1), events.join(", "))
        }
        Ok(Decision::Stay { because, reply: None }) => format!("stay {because:?}"),
        Ok(Decision::Stay { reply: Some(reply), .. }) => panic!("{reply:?}"),
        Err(rejection) => rejection.code().to_owned(),
    }
}

#[test]
fn every_state_answers_every_question() {
    for (state, asked, expected, stock) in [
        ("missing", "created", "held: inventory.reserved", (10, 2, 0)),
        ("missing", "completed", "contradiction", (10, 0, 0)),
        ("missing", "failed", "barred: inventory.released", (10, 0, 0)),
        ("missing", "cancelled", "barred: inventory.released", (10, 0, 0)),
        ("missing", "hold due", "stay StaleTimer", (10, 0, 0)),
        ("missing", "old hold due", "stay StaleTimer", (10, 0, 0)),
        ("held", "created", "stay AlreadyKnown", (10, 2, 0)),
        ("held", "completed", "committed: inventory.committed", (8, 0, 2)),
        ("held", "failed", "released: inventory.released", (10, 0, 0)),
        ("held", "cancelled", "released: inventory.released", (10, 0, 0)),
        ("held", "hold due", "held: inventory.hold_overdue", (10, 2, 0)),
        ("held", "old hold due", "stay StaleTimer", (10, 2, 0)),
        ("committed", "created", "stay AlreadyEnded", (8, 0, 2)),
        ("committed", "completed", "committed: inventory.committed", (8, 0, 2)),
        ("committed", "failed", "contradiction", (8, 0, 2)),
        ("committed", "cancelled", "contradiction", (8, 0, 2)),
        ("committed", "hold due", "stay StaleTimer", (8, 0, 2)),
        ("committed", "old hold due", "stay StaleTimer", (8, 0, 2)),
        ("released", "created", "stay AlreadyEnded", (10, 0, 0)),
        ("released", "completed", "contradiction", (10, 0, 0)),
        ("released", "failed", "released: inventory.released", (10, 0, 0)),
        ("released", "cancelled", "released: inventory.released", (10, 0, 0)),
        ("released", "hold due", "stay StaleTimer", (10, 0, 0)),
        ("released", "old hold due", "stay StaleTimer", (10, 0, 0)),
        ("refused", "created", "stay AlreadyKnown", (10, 0, 0)),
        ("refused", "completed", "contradiction", (10, 0, 0)),
        ("refused", "failed", "refused: inventory.released", (10, 0, 0)),
        ("refused", "cancelled", "refused: inventory.released", (10, 0, 0)),
        ("refused", "hold due", "stay StaleTimer", (10, 0, 0)),
        ("refused", "old hold due", "stay StaleTimer", (10, 0, 0)),
        ("barred", "created", "stay Barred", (10, 0, 0)),
        ("barred", "completed", "contradiction", (10, 0, 0)),
        ("barred", "failed", "barred: inventory.released", (10, 0, 0)),
        ("barred", "cancelled", "barred: inventory.released", (10, 0, 0)),
        ("barred", "hold due", "stay StaleTimer", (10, 0, 0)),
        ("barred", "old hold due", "stay StaleTimer", (10, 0, 0)),
    ] {
        let mut world = world_in(state);
        let input = question(asked, &world);
        assert_eq!(answer(&mut world, &input), expected, "{state}, asked {asked}");
        assert_eq!(world.stock(1), stock, "{state}, asked {asked}");
    }
}

/// The hold that a release names, for each state it is told in.
#[test]
fn a_release_names_the_hold_that_there_was() {
    for (state, named) in
        [("missing", None), ("barred", None), ("refused", None), ("held", Some(())), ("released", Some(()))]
    {
        let writes = world_in(state).run(vec![failed(1)]);
        let Event::InventoryReleased(event) = &writes.outbox[0].event else { panic!("{writes:?}") };
        assert_eq!(event.reservation_id, named.map(|()| reservation_id(order(1))), "{state}");
        assert_eq!(event.reason, "order.failed");
    }
}

#[test]
fn all_lines_are_held_or_none_and_the_worst_reason_is_told() {
    for (lines, reason, failing) in [
        (vec![line(product(1), 5), line(product(2), 6)], FailureCode::OutOfStock, vec![(product(2), 6, 5)]),
        (
            vec![line(product(1), 6), line(product(2), 6)],
            FailureCode::OutOfStock,
            vec![(product(1), 6, 5), (product(2), 6, 5)],
        ),
        (vec![line(product(1), 3), line(product(1), 3)], FailureCode::OutOfStock, vec![(product(1), 6, 5)]),
        (vec![line(product(1), 6), line(product(3), 1)], FailureCode::ProductUnavailable, vec![(product(3), 1, 5)]),
        (vec![line(product(3), 1), line(product(4), 1)], FailureCode::UnknownProduct, vec![(product(4), 1, 0)]),
    ] {
        let mut world = World::with(vec![new_product(1, 5), new_product(2, 5), new_product(3, 5), sale(3, false)]);
        let writes = world.run(vec![created(1, lines)]);
        assert_eq!(names(&writes), ["inventory.reservation_failed"]);
        let Event::InventoryReservationFailed(event) = &writes.outbox[0].event else { panic!() };
        let told: Vec<_> =
            event.items.iter().map(|item| (item.product_id, item.requested.get(), item.available)).collect();
        assert_eq!((event.reason, told), (reason, failing));
        assert_eq!((world.stock(1), world.stock(2), world.stock(3)), ((5, 0, 0), (5, 0, 0), (5, 0, 0)));
    }
}

#[test]
fn lines_of_one_product_are_held_and_sold_together() {
    let mut world = World::with(vec![new_product(1, 5), created(1, vec![line(product(1), 2), line(product(1), 3)])]);
    assert_eq!(world.stock(1), (5, 5, 0));
    world.run(vec![completed(1)]);
    assert_eq!(world.stock(1), (0, 0, 5));
    world.check();
}

#[test]
fn a_hold_sets_an_alarm_that_repeats_and_ends_with_it() {
    let mut world = world_in("held");
    let armed = |world: &World| world.armed.iter().map(|timer| timer.epoch).collect::<Vec<_>>();
    assert_eq!(armed(&world), [1]);
    let hold_correlation = match &world.snapshot.reservations[&order(1)].state {
        ReservationState::Held(hold) => hold.correlation,
        state => panic!("{state:?}"),
    };
    let writes = world.run(vec![Input::HoldDue { order_id: order(1), epoch: 1 }]);
    assert_eq!(names(&writes), ["inventory.hold_overdue"]);
    assert_eq!(writes.outbox[0].correlation_id, hold_correlation, "the alarm is part of its order's story");
    assert_eq!(armed(&world), [2], "it asks again");
    let writes = world.run(vec![Input::HoldDue { order_id: order(1), epoch: 1 }]);
    assert_eq!(writes.outcomes, [Outcome::Stayed(Because::StaleTimer, None)]);
    world.run(vec![completed(1)]);
    assert!(armed(&world).is_empty());
}

#[test]
fn little_stock_is_told_once_for_each_fall_below_the_threshold() {
    let mut world = World::with(vec![new_product(1, 7)]);
    let mut run = |input| names(&world.run(vec![input]));
    assert_eq!(run(created(1, vec![line(product(1), 2)])), ["inventory.reserved"], "5 is not below 5");
    assert_eq!(run(created(2, vec![line(product(1), 1)])), ["inventory.reserved", "stock.low"]);
    assert_eq!(run(created(3, vec![line(product(1), 1)])), ["inventory.reserved"], "it is below already");
    assert_eq!(run(completed(2)), ["inventory.committed"], "a sale takes nothing that was available");
    assert_eq!(run(failed(1)), ["inventory.released"]);
    assert_eq!(run(created(4, vec![line(product(1), 4)])), ["inventory.reserved", "stock.low"], "it fell again");
    assert_eq!(run(adjustment(1, 10)), Vec::<&str>::new());
    assert_eq!(run(adjustment(1, -9)), ["stock.low"]);
}

#[test]
fn five_hundred_orders_on_a_hundred_pieces_hold_exactly_a_hundred() {
    let orders = || (0..500).map(|n| created(n, vec![line(product(1), 1)]));
    let mut batch = World::with(vec![new_product(1, 100)]);
    let mut single = batch.clone();
    batch.run(orders().collect());
    for order in orders() {
        single.run(vec![order]);
    }
    for world in [batch, single] {
        let held = (0..500).filter(|n| world.state(*n) == "held").count();
        let refused = (0..500).filter(|n| world.state(*n) == "refused").count();
        assert_eq!((held, refused, world.stock(1)), (100, 400, (100, 100, 0)));
        world.check();
    }
}

#[test]
fn a_stock_that_does_not_fit_its_hold_is_left_to_a_human() {
    let mut world = world_in("held");
    world.snapshot.stock.get_mut(&product(1)).unwrap().reserved = 1;
    for input in [completed(1), failed(1)] {
        let writes = world.run(vec![input]);
        assert!(
            matches!(writes.outcomes[0], Outcome::Rejected(Rejection::StockInconsistent { .. })),
            "{:?}",
            writes.outcomes
        );
        assert!(writes.is_empty());
    }
}
