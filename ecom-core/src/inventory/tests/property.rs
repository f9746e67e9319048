//! Whatever comes, in whatever order: the stock adds up.

use proptest::prelude::*;

use super::*;

fn any_input() -> impl Strategy<Value = Input> {
    let lines = prop::collection::vec((0_u128..2, 1_u64..5), 1..3)
        .prop_map(|lines| lines.into_iter().map(|(n, pieces)| line(product(n), pieces)).collect::<Vec<_>>());
    prop_oneof![
        4 => (0_u128..4, lines).prop_map(|(n, lines)| created(n, lines)),
        2 => (0_u128..4).prop_map(completed),
        1 => (0_u128..4).prop_map(failed),
        1 => (0_u128..4).prop_map(cancelled),
        1 => (0_u128..4, 1_u64..4).prop_map(|(n, epoch)| Input::HoldDue { order_id: order(n), epoch }),
        2 => (0_u128..2, -6_i64..6).prop_map(|(n, delta)| adjustment(n, delta)),
        1 => (0_u128..2, any::<bool>()).prop_map(|(n, is_active)| sale(n, is_active)),
    ]
}

proptest! {
    #[test]
    fn stock_adds_up_whatever_comes(
        first in 0_u64..12,
        second in 0_u64..12,
        batches in prop::collection::vec(prop::collection::vec(any_input(), 1..6), 1..12),
    ) {
        let mut world = World::with(vec![new_product(0, first), new_product(1, second)]);
        for batch in batches {
            let before: Vec<_> = (0..4).map(|n| world.state(n)).collect();
            world.run(batch);
            world.check();
            for (n, before) in (0..4).zip(before) {
                prop_assert!(
                    matches!(before, "missing" | "held") || world.state(n) == before,
                    "an ended reservation stays as it is: {} became {}", before, world.state(n)
                );
                let alarms = world.armed.iter().filter(|timer| timer.subject == order(n).0).count();
                prop_assert_eq!(alarms, usize::from(world.state(n) == "held"), "each hold has one alarm");
            }
        }
    }

    #[test]
    fn a_batch_decides_as_its_messages_one_by_one(inputs in prop::collection::vec(any_input(), 1..20)) {
        let mut batch = World::with(vec![new_product(0, 10), new_product(1, 10)]);
        let mut single = batch.clone();
        batch.run(inputs.clone());
        for input in inputs {
            single.run(vec![input]);
        }
        prop_assert_eq!(batch.snapshot, single.snapshot);
        prop_assert_eq!(batch.movements, single.movements);
        prop_assert_eq!(batch.armed, single.armed);
    }
}
