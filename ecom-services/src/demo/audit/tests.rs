use ecom_core::money::{Currency, Money};
use ecom_core::time::Timestamp;

use super::super::wire::{Failure, Item, Movement, MovementKind, Notice, Operation, Order, ProviderEntry, Stock};
use super::*;
use crate::demo::scene::{Fate, Shelf};

const PRODUCT: Uuid = Uuid::from_u128(1);
const COMPLETED: Uuid = Uuid::from_u128(10);
const DECLINED: Uuid = Uuid::from_u128(11);
const CANCELLED: Uuid = Uuid::from_u128(12);

fn order(id: Uuid, status: Status, code: Option<&str>) -> Order {
    Order {
        id,
        status,
        failure: code.map(|code| Failure { code: code.to_owned() }),
        total_amount: Money::new(1_000, Currency::EUR),
        items: vec![Item { product_id: PRODUCT, quantity: 2 }],
    }
}

fn entry(order_id: Uuid, operation: Operation, result: &str) -> ProviderEntry {
    let amount = Money::new(1_000, Currency::EUR);
    ProviderEntry { at: Timestamp::EPOCH, operation, order_id, amount, result: result.to_owned() }
}

fn notice(order: Uuid, template: &str) -> Notice {
    Notice { template: template.to_owned(), status: "sent".to_owned(), order_id: Some(order) }
}

/// A shop in which everything is right: one order completed, one declined, one cancelled after it was charged.
fn right() -> (Vec<Shelf>, BTreeMap<Uuid, Plan>, Evidence) {
    let plan = |index, token, fate| Plan { index, token, fate };
    let accepted = BTreeMap::from([
        (COMPLETED, plan(0, "tok_visa", Fate::Completes)),
        (DECLINED, plan(1, "tok_declined", Fate::Fails("payment_declined"))),
        (CANCELLED, plan(2, "tok_visa", Fate::Cancelled)),
    ]);
    let movement = |kind, delta, order_id| Movement { kind, delta, order_id };
    let movements = vec![
        movement(MovementKind::Commit, -2, Some(COMPLETED)),
        movement(MovementKind::Adjustment, 4, None),
        movement(MovementKind::Initial, 6, None),
    ];
    let stock = Stock { on_hand: 8, reserved: 0, available: 8, committed: 2 };
    let evidence = Evidence {
        orders: [
            order(COMPLETED, Status::Completed, None),
            order(DECLINED, Status::Failed, Some("payment_declined")),
            order(CANCELLED, Status::Cancelled, None),
        ]
        .map(|order| (order.id, order))
        .into(),
        stock: BTreeMap::from([(PRODUCT, (stock, movements))]),
        provider: BTreeMap::from([
            (
                COMPLETED,
                vec![entry(COMPLETED, Operation::Charge, "succeeded"), entry(COMPLETED, Operation::Charge, "repeated")],
            ),
            (DECLINED, vec![entry(DECLINED, Operation::Charge, "declined")]),
            (
                CANCELLED,
                vec![
                    entry(CANCELLED, Operation::Charge, "succeeded"),
                    entry(CANCELLED, Operation::Refund, "succeeded"),
                ],
            ),
        ]),
        notices: BTreeMap::from([
            (COMPLETED, vec![notice(COMPLETED, "order_completed")]),
            (DECLINED, vec![notice(DECLINED, "order_failed")]),
            (CANCELLED, vec![notice(CANCELLED, "order_cancelled"), notice(CANCELLED, "payment_refunded")]),
        ]),
    };
    (
        vec![Shelf { product: PRODUCT, sku: "A".to_owned(), price: Money::new(199, Currency::EUR), supply: 10 }],
        accepted,
        evidence,
    )
}

/// The numbers of the checks that fail after the change.
fn broken(change: impl FnOnce(&mut Evidence)) -> Vec<usize> {
    let (shelves, accepted, mut evidence) = right();
    change(&mut evidence);
    let audit = judge::judge(&shelves, &accepted, &evidence);
    audit.checks.iter().enumerate().filter(|(_, check)| !check.holds()).map(|(number, _)| number).collect()
}

const ENDED: usize = 0;
const PLACED: usize = 1;
const FITS: usize = 2;
const STOCK: usize = 3;
const SOLD: usize = 4;
const MONEY: usize = 5;
const NOTICE: usize = 6;

#[test]
fn a_shop_in_which_everything_is_right_passes() {
    assert_eq!(broken(|_| ()), Vec::<usize>::new());
    let (shelves, accepted, evidence) = right();
    let audit = judge::judge(&shelves, &accepted, &evidence);
    assert_eq!(audit.ended, [(Status::Completed, 1), (Status::Failed, 1), (Status::Cancelled, 1)].into());
    assert_eq!(audit.failures, [("payment_declined".to_owned(), 1)].into());
}

#[test]
fn a_lost_or_endless_or_doubled_order_is_found() {
    assert_eq!(
        broken(|e| {
            e.orders.remove(&DECLINED);
        }),
        [ENDED]
    );
    assert_eq!(broken(|e| e.orders.get_mut(&DECLINED).unwrap().status = Status::Processing), [ENDED]);
    let twin = Uuid::from_u128(99);
    let found = broken(|e| {
        let order = order(twin, Status::Failed, Some("payment_declined"));
        e.orders.insert(twin, order);
        e.notices.insert(twin, vec![notice(twin, "order_failed")]);
    });
    assert_eq!(found, [PLACED]);
}

#[test]
fn an_end_that_does_not_fit_is_found() {
    let found = broken(|e| {
        let declined = e.orders.get_mut(&DECLINED).unwrap();
        declined.failure = Some(Failure { code: "payment_timeout".to_owned() });
    });
    assert_eq!(found, [FITS]);
}

#[test]
fn wrong_stock_is_found() {
    assert_eq!(broken(|e| e.stock.get_mut(&PRODUCT).unwrap().0.reserved = 1), [STOCK]);
    assert_eq!(broken(|e| e.stock.get_mut(&PRODUCT).unwrap().0.on_hand = 7), [STOCK]);
    assert_eq!(
        broken(|e| {
            e.stock.get_mut(&PRODUCT).unwrap().1.pop();
        }),
        [STOCK]
    );
    assert_eq!(broken(|e| e.stock.get_mut(&PRODUCT).unwrap().1[0].order_id = Some(DECLINED)), [SOLD]);
    // Sold twice, and counted twice: the shelf's own sums agree.
    let found = broken(|e| {
        let (stock, movements) = e.stock.get_mut(&PRODUCT).unwrap();
        movements.push(movements[0].clone());
        *stock = Stock { on_hand: 6, reserved: 0, available: 6, committed: 4 };
    });
    assert_eq!(found, [SOLD]);
}

#[test]
fn wrong_money_is_found() {
    assert_eq!(
        broken(|e| {
            e.provider.remove(&COMPLETED);
        }),
        [MONEY],
        "not charged"
    );
    let twice = |e: &mut Evidence| {
        e.provider.get_mut(&COMPLETED).unwrap().push(entry(COMPLETED, Operation::Charge, "succeeded"));
    };
    assert_eq!(broken(twice), [MONEY], "charged twice");
    assert_eq!(
        broken(|e| {
            e.provider.get_mut(&CANCELLED).unwrap().pop();
        }),
        [MONEY],
        "never refunded"
    );
    let after_all = |e: &mut Evidence| {
        e.provider.get_mut(&DECLINED).unwrap().push(entry(DECLINED, Operation::Charge, "succeeded"));
    };
    assert_eq!(broken(after_all), [MONEY], "failed but charged");
    let half = |e: &mut Evidence| {
        e.provider.get_mut(&COMPLETED).unwrap()[0].amount = Money::new(500, Currency::EUR);
    };
    assert_eq!(broken(half), [MONEY], "not the total");
}

#[test]
fn wrong_notices_are_found() {
    assert_eq!(
        broken(|e| {
            e.notices.remove(&DECLINED);
        }),
        [NOTICE],
        "none"
    );
    let twice = |e: &mut Evidence| e.notices.get_mut(&COMPLETED).unwrap().push(notice(COMPLETED, "order_completed"));
    assert_eq!(broken(twice), [NOTICE], "two");
    let wrong = |e: &mut Evidence| e.notices.get_mut(&COMPLETED).unwrap()[0].template = "order_failed".to_owned();
    assert_eq!(broken(wrong), [NOTICE], "another end");
    let queued = |e: &mut Evidence| e.notices.get_mut(&COMPLETED).unwrap()[0].status = "queued".to_owned();
    assert_eq!(broken(queued), [NOTICE], "not out");
}

#[test]
fn a_check_names_the_first_offenders_and_counts_all() {
    let check = Check::of("x", (0..9).map(|number| number.to_string()));
    assert_eq!((check.broken, check.first.len(), check.holds()), (9, NAMED_MAX, false));
}
