//! Placing orders.

use super::*;
use crate::decide::Because;
use crate::engine::Outcome;
use crate::event::Event;

fn order(items: Vec<PlacedLine>) -> Input {
    Input::Place(Box::new(place(items)))
}

#[test]
fn an_order_takes_the_catalogues_prices_and_is_announced() {
    shop()
        .when(order(vec![line(TEA, 2), line(POT, 1)]))
        .then_emits(&[EventType::OrderCreated])
        .then_armed(&["inventory"])
        .then_wrote(|writes| {
            let Event::OrderCreated(created) = &writes.outbox[0].event else { panic!("{:?}", writes.outbox) };
            assert_eq!((created.order_id, created.user_id, created.total_amount), (ORDER, BUYER, euros(5_500)));
            assert_eq!(created.items.len(), 2);
            let Some(Outcome::Applied(Some(reply))) = writes.outcomes.first() else { panic!("{:?}", writes.outcomes) };
            let answer = OrderContext::answer(reply);
            assert_eq!((answer.status, answer.resource), (201, ORDER.0));
        })
        .then(|snapshot| {
            let order = &snapshot.orders[&ORDER];
            assert_eq!((order.status(), order.version(), order.payment), (Status::Pending, 1, PaymentStatus::Pending));
            assert_eq!(order.items[0].line_total, euros(2_500));
            assert_ne!(order.items[0].id, order.items[1].id);
        });
}

#[test]
fn lines_of_one_product_are_merged() {
    shop().when(order(vec![line(TEA, 2), line(POT, 1), line(TEA, 3)])).then(|snapshot| {
        let order = &snapshot.orders[&ORDER];
        assert_eq!(order.items.iter().map(|item| item.quantity.get()).collect::<Vec<_>>(), [5, 1]);
        assert_eq!(order.total, euros(5 * 1_250 + 3_000));
    });
}

#[test]
fn the_same_command_again_answers_the_order_and_another_users_is_refused() {
    let other = Place { user_id: ADMIN, ..place(vec![line(TEA, 2)]) };
    placed()
        .when(order(vec![line(TEA, 2)]))
        .then_stays(Because::AlreadyKnown)
        .then_wrote(|writes| {
            assert!(matches!(&writes.outcomes[0], Outcome::Stayed(_, Some(Reply::Placed(order))) if order.id == ORDER));
        })
        .when(Input::Place(Box::new(other)))
        .then_refused(&Rejection::OrderExists(ORDER));
}

#[test]
fn what_cannot_be_bought_is_refused() {
    let unknown = ProductId(Uuid::from_u128(99));
    let (line_0, line_1) = (0, 1);
    let seen = |minor| PlacedLine { unit_price: Some(euros(minor)), ..line(TEA, 1) };
    let cases = [
        (vec![], Rejection::NoItems),
        (vec![line(TEA, 1); 101], Rejection::TooManyItems { count: 101 }),
        (vec![line(TEA, 1), line(unknown, 1)], Rejection::UnknownProduct { line: line_1, product_id: unknown }),
        (vec![line(TEA, 1_000_000), line(TEA, 1)], Rejection::QuantityTooLarge { line: line_1, product_id: TEA }),
        (
            vec![seen(1_249)],
            Rejection::PriceChanged { line: line_0, product_id: TEA, given: euros(1_249), price: euros(1_250) },
        ),
    ];
    for (items, rejection) in cases {
        shop().when(order(items)).then_refused(&rejection);
    }
    shop().when(order(vec![seen(1_250); 100])).then_emits(&[EventType::OrderCreated]);
}

#[test]
fn products_that_are_not_for_sale_or_priced_apart_or_too_dear_are_refused() {
    let yen = Currency::from_code("JPY").unwrap();
    let pot = |change: fn(&mut ProductChanged)| {
        let mut product = ProductChanged { version: 2, ..product(POT, 3_000) };
        change(&mut product);
        shop().when(Input::ProductChanged(product)).when(order(vec![line(TEA, 1), line(POT, 2)]))
    };
    pot(|pot| pot.is_active = false).then_refused(&Rejection::ProductUnavailable { line: 1, product_id: POT });
    pot(|pot| pot.price = Money::new(1, Currency::from_code("JPY").unwrap()))
        .then_refused(&Rejection::MixedCurrencies { first: Currency::EUR, other: yen });
    pot(|pot| pot.price = euros(i64::MAX)).then_refused(&Rejection::TotalOverflow);
    pot(|pot| pot.price = euros(i64::MAX / 2)).then_refused(&Rejection::TotalOverflow);
    pot(|pot| pot.price = euros(0)).then_emits(&[EventType::OrderCreated]);
}

#[test]
fn metadata_is_a_json_object_of_up_to_4_kib_and_is_kept_as_it_was_given() {
    let text = r#"{ "ship to":  "Ada", "b":1,"a":[2] }"#;
    let metadata = Some(Metadata::parse(text).unwrap());
    let command = Place { metadata, ..place(vec![line(TEA, 1)]) };
    shop().when(Input::Place(Box::new(command))).then(|snapshot| {
        let body = serde_json::to_string(&OrderView::from(&*snapshot.orders[&ORDER])).unwrap();
        assert!(body.contains(&format!(r#""metadata":{text}"#)), "{body}");
    });
    for text in ["", "[]", "1", "null", "{", "{} {}", "{\"a\":}"] {
        assert_eq!(Metadata::parse(text), Err(MetadataError::NotAnObject), "{text}");
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(4_096));
    assert_eq!(Metadata::parse(&long), Err(MetadataError::TooLong { bytes: long.len() }));
}

#[test]
fn the_view_is_what_clients_rely_on() {
    placed().when(Input::fact(ORDER, declined())).then(|snapshot| {
        let order = &snapshot.orders[&ORDER];
        let view = serde_json::to_value(OrderView::from(&**order)).unwrap();
        let expected = serde_json::json!({
            "id": ORDER, "user_id": BUYER, "status": "failed",
            "failure": {"code": "payment_declined", "detail": "declined"},
            "total_amount": {"amount": "25.00", "currency": "EUR"},
            "items": [{
                "id": order.items[0].id, "product_id": TEA, "sku": "SKU-4", "name": "A thing", "quantity": 2,
                "unit_price": {"amount": "12.50", "currency": "EUR"},
                "line_total": {"amount": "25.00", "currency": "EUR"},
            }],
            "payment": {"status": "failed"}, "correlation_id": order.correlation_id,
            "created_at": "2023-11-14T22:13:20Z", "updated_at": "2023-11-14T22:13:20Z", "version": 2,
        });
        assert_eq!(view, expected);
        let saga = serde_json::to_value(SagaView::from(&**order)).unwrap();
        assert_eq!(saga["state"], "failed");
        assert_eq!(saga["waits_for"], "owed");
        assert_eq!(saga["owed"][0], serde_json::json!({"debt": "stock_release", "standing": "open", "round": 1}));
        assert_eq!(saga["needs_attention"], false);
    });
}
