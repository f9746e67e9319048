//! What administrators do.

use super::*;

fn code(outcome: &Outcome<InventoryContext>) -> &'static str {
    match outcome {
        Outcome::Rejected(rejection) => rejection.code(),
        _ => "accepted",
    }
}

fn command(edit: impl FnOnce(&mut CreateProduct)) -> Input {
    let Input::CreateProduct(mut command) = new_product(1, 5) else { panic!() };
    edit(&mut command);
    Input::CreateProduct(command)
}

#[test]
fn a_new_product_is_checked() {
    for (input, expected) in [
        (command(|_| {}), "accepted"),
        (command(|new| new.sku = "a".repeat(64)), "accepted"),
        (command(|new| new.sku = "a b".to_owned()), "accepted"),
        (command(|new| new.sku = String::new()), "sku_invalid"),
        (command(|new| new.sku = "a".repeat(65)), "sku_invalid"),
        (command(|new| new.sku = " a".to_owned()), "sku_invalid"),
        (command(|new| new.sku = "a\nb".to_owned()), "sku_invalid"),
        (command(|new| new.sku = "té".to_owned()), "sku_invalid"),
        (command(|new| new.name = " ".to_owned()), "name_invalid"),
        (command(|new| new.name = "ä".repeat(200)), "accepted"),
        (command(|new| new.name = "ä".repeat(201)), "name_invalid"),
        (command(|new| new.name = "a\0".to_owned()), "name_invalid"),
        (command(|new| new.description = "two\nlines".to_owned()), "accepted"),
        (command(|new| new.description = "a\0".to_owned()), "description_invalid"),
        (command(|new| new.description = "a".repeat(10_001)), "description_invalid"),
        (command(|new| new.price = euros(0)), "accepted"),
        (command(|new| new.price = euros(-1)), "price_negative"),
        (command(|new| new.initial_stock = Stock::PIECES_MAX), "accepted"),
        (command(|new| new.initial_stock = Stock::PIECES_MAX + 1), "stock_limit_exceeded"),
        (command(|new| new.initial_stock = u64::MAX), "stock_limit_exceeded"),
    ] {
        let mut world = World::default();
        let outcomes = world.run(vec![input.clone()]).outcomes;
        assert_eq!(code(&outcomes[0]), expected, "{input:?}");
        world.check();
    }
}

#[test]
fn a_sku_and_an_id_belong_to_one_product_also_within_a_batch() {
    let same_sku = command(|new| new.id = product(2));
    let same_id = command(|new| new.sku = "OTHER".to_owned());
    let mut world = World::default();
    let outcomes = world.run(vec![new_product(1, 5), same_sku, same_id]).outcomes;
    assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), ["accepted", "sku_taken", "product_exists"]);
}

#[test]
fn a_product_without_stock_has_no_movement() {
    let world = World::with(vec![new_product(1, 0)]);
    assert!(world.movements.is_empty());
    world.check();
}

#[test]
fn a_change_is_told_with_the_next_version_and_no_change_is_not() {
    let mut world = World::with(vec![new_product(1, 5)]);
    let writes = world.run(vec![sale(1, false)]);
    assert_eq!(names(&writes), ["product.updated"]);
    assert_eq!(writes.outbox[0].aggregate_version, 2);
    let Event::ProductUpdated(event) = &writes.outbox[0].event else { panic!() };
    assert_eq!((event.version, event.is_active), (2, false));
    let writes = world.run(vec![sale(1, false)]);
    assert!(matches!(writes.outcomes[0], Outcome::Stayed(Because::AlreadyKnown, Some(Reply::Changed { .. }))));
    assert!(writes.outbox.is_empty());
    assert_eq!(code(&world.run(vec![sale(2, true)]).outcomes[0]), "product_not_found");
}

#[test]
fn stock_is_never_taken_below_what_is_held() {
    let mut world = World::with(vec![new_product(1, 5), created(1, vec![line(product(1), 3)])]);
    for (delta, expected) in [
        (0, "delta_zero"),
        (-3, "insufficient_stock"),
        (i64::MIN, "insufficient_stock"),
        (i64::MAX, "stock_limit_exceeded"),
        (-2, "accepted"),
        (-1, "insufficient_stock"),
        (7, "accepted"),
    ] {
        assert_eq!(code(&world.run(vec![adjustment(1, delta)]).outcomes[0]), expected, "{delta}");
        world.check();
    }
    assert_eq!(world.stock(1), (10, 3, 0));
    let reason = String::new();
    let silent = Input::AdjustStock(AdjustStock { product_id: product(1), delta: 1, reason, actor: user() });
    assert_eq!(code(&world.run(vec![silent]).outcomes[0]), "reason_invalid");
}

#[test]
fn publishing_again_tells_the_current_versions_of_known_products() {
    let mut world = World::with(vec![new_product(1, 5), new_product(2, 5), sale(2, false)]);
    let writes = world.run(vec![Input::Resync(vec![product(1), product(2), product(3)])]);
    let versions: Vec<_> = writes.outbox.iter().map(|envelope| envelope.aggregate_version).collect();
    assert_eq!((names(&writes), versions), (vec!["product.updated"; 2], vec![1, 2]));
    assert_eq!(writes.outcomes, [Outcome::Applied(Some(Reply::Resynced { count: 2 }))]);
    let writes = world.run(vec![Input::Resync(vec![product(3)])]);
    assert_eq!(writes.outcomes, [Outcome::Stayed(Because::NotConcerned, Some(Reply::Resynced { count: 0 }))]);
}

#[test]
fn bodies_are_as_promised() {
    let world = World::with(vec![new_product(1, 5), created(1, vec![line(product(1), 2)])]);
    let reply = Reply::Created { product: world.snapshot.products[&product(1)].clone(), available: 3 };
    let answer = InventoryContext::answer(&reply);
    assert_eq!((answer.status, answer.resource), (201, product(1).0));
    assert_eq!(
        &*answer.body,
        "{\"id\":\"00000000-0000-0000-0000-000000000101\",\"sku\":\"TEA-1\",\"name\":\"Tea\",\"description\":\"\",\
         \"price\":{\"amount\":\"1.50\",\"currency\":\"EUR\"},\"is_active\":true,\"available\":3,\
         \"created_at\":\"2023-11-14T22:13:20Z\",\"updated_at\":\"2023-11-14T22:13:20Z\"}"
    );
    let answer = InventoryContext::answer(&Reply::Adjusted(world.snapshot.stock[&product(1)]));
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            200,
            "{\"product_id\":\"00000000-0000-0000-0000-000000000101\",\"on_hand\":5,\"reserved\":2,\"available\":3,\
             \"committed\":0}"
        )
    );
    let view = ReservationView::of(&world.snapshot.reservations[&order(1)]).unwrap();
    assert_eq!((view.state, view.lines.len()), ("held", 1));
}
