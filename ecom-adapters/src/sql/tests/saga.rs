//! Sagas of one's own against a real database. Every adapter runs these; `super` names its database.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::engine::{Batch, Fault, Message, Origin, Transacted};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::policy::Policy;
use ecom_core::port::Store as _;
use ecom_core::saga::{Addressed, Instance, SagaContext, Signal};
use ecom_core::testing::trip::{ID, Input, Part, Trip};
use ecom_core::testing::{ManualClock, MemoryStore};
use uuid::Uuid;

use super::{Home, SagaTables, Store, Tables};

fn batch(first: u128, inputs: &[Input]) -> Batch<SagaContext<Trip>> {
    let message = |(number, input): (u128, &Input)| Message {
        id: MessageId(Uuid::from_u128(number)),
        origin: Origin::Event,
        correlation: CorrelationId(ID),
        causation: None,
        traceparent: None,
        input: Addressed { saga: ID, signal: Signal::Input(*input) },
    };
    Batch { messages: (first..).zip(inputs).map(message).collect(), delivered: vec![], leased: true }
}

#[tokio::test]
async fn your_own_saga_is_kept_with_its_timers_and_calls() {
    let home = Home::new().await;
    let clock = Arc::new(ManualClock::default());
    let (policy, lease) = (Policy::default(), Duration::from_secs(15));
    let store: Store<SagaContext<Trip>, SagaTables> = home.open(clock.clone()).await;
    let model = MemoryStore::<SagaContext<Trip>>::new(clock.clone(), lease, policy);
    let batches: [&[Input]; 3] = [
        &[Input::Wish, Input::Booked(Part::Room)],
        &[Input::Full(Part::Car), Input::Strange],
        &[Input::LetGo(Part::Room), Input::NeverHad(Part::Car)],
    ];
    for (number, inputs) in (1..).zip(batches) {
        let batch = batch(number * 10, inputs);
        let (Transacted::Committed(file), Transacted::Committed(expected)) =
            (store.transact(batch.clone()).await, model.transact(batch).await)
        else {
            panic!("a store did not commit");
        };
        assert_eq!((file.outcomes, file.effects), (expected.outcomes, expected.effects));
        let mut connection = home.connection().await;
        let loaded = <SagaTables as Tables<SagaContext<Trip>>>::load(&mut connection, &[ID].into()).await.unwrap();
        assert_eq!(loaded, model.snapshot());
        clock.advance(Duration::from_secs(40));
        let due = store.due_timers(9).await.unwrap().items;
        assert_eq!(due, model.due_timers(9).await.unwrap().items);
    }
}

#[tokio::test]
async fn an_instance_in_another_version_than_was_decided_on_is_not_written() {
    let home = Home::new().await;
    let clock = Arc::new(ManualClock::default());
    let _store: Store<SagaContext<Trip>, SagaTables> = home.open(clock).await;
    let mut connection = home.connection().await;
    let model =
        MemoryStore::<SagaContext<Trip>>::new(Arc::new(ManualClock::default()), Duration::ZERO, Policy::default());
    model.transact(batch(1, &[Input::Wish])).await;
    let first = model.snapshot()[&ID].clone();
    let third = Instance { version: 3, ..first.clone() };
    assert!(SagaTables::save(&mut connection, std::slice::from_ref(&third)).await.is_err(), "it is not there");
    assert!(SagaTables::save(&mut connection, std::slice::from_ref(&first)).await.is_ok());
    for stale in [first, third] {
        assert!(SagaTables::save(&mut connection, &[stale]).await.is_err());
    }
}

#[tokio::test]
async fn what_another_release_wrote_into_an_instance_is_kept_and_another_version_is_refused() {
    let home = Home::new().await;
    let clock = Arc::new(ManualClock::default());
    let store: Store<SagaContext<Trip>, SagaTables> = home.open(clock.clone()).await;
    let mut connection = home.connection().await;
    let model = MemoryStore::<SagaContext<Trip>>::new(clock, Duration::ZERO, Policy::default());
    model.transact(batch(1, &[Input::Wish])).await;
    let first = model.snapshot()[&ID].clone();
    let stored = first.to_stored().unwrap().replacen(r#""room":false"#, r#""breakfast":true,"room":false"#, 1);
    let newer = Instance::<Trip>::from_stored(first.definition_version, &stored).unwrap();
    assert!(SagaTables::save(&mut connection, &[newer]).await.is_ok());
    assert!(matches!(store.transact(batch(10, &[Input::Booked(Part::Room)])).await, Transacted::Committed(_)));
    let loaded = <SagaTables as Tables<SagaContext<Trip>>>::load(&mut connection, &[ID].into()).await.unwrap();
    let kept = loaded[&ID].to_stored().unwrap();
    assert!(kept.contains(r#""breakfast":true"#) && kept.contains(r#""room":true"#), "{kept}");

    let next = Instance { version: 3, definition_version: 99, ..loaded[&ID].clone() };
    assert!(SagaTables::save(&mut connection, &[next]).await.is_ok());
    let refused = store.transact(batch(20, &[Input::Booked(Part::Car)])).await;
    assert!(matches!(refused, Transacted::RolledBack(Fault::Broken(_))), "{refused:?}");
}
