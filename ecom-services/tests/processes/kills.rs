//! Whatever is killed or stopped, whenever: nothing is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use ecom_core::event::Service;

use crate::fleet::{Fleet, STOP_MAX};

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_every_process_under_load_lose_nothing() {
    killed_under_load(Fleet::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_in_postgresql_either_with_several_copies() {
    killed_under_load(Fleet::on_postgres(&[Service::Order, Service::Order, Service::Inventory]).await).await;
}

/// Places orders while one process after the other is killed and started again, twice.
async fn killed_under_load(mut fleet: Fleet) {
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let demo = fleet.demo(600, 8);
    let mut kills: BTreeMap<Service, u32> = BTreeMap::new();
    for service in Service::ALL.into_iter().cycle().take(2 * Service::ALL.len()) {
        tokio::time::sleep(Duration::from_millis(400)).await;
        if demo.is_finished() {
            break;
        }
        fleet.kill(service).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        fleet.start(service);
        *kills.entry(service).or_default() += 1;
    }
    let report = demo.await.unwrap();
    println!("{report}\nkills: {kills:?}");
    assert!(report.passed, "{report}");
    assert_eq!(kills.len(), Service::ALL.len(), "the orders were placed before everybody was killed: {kills:?}");
    assert!(report.retries > 0, "nobody noticed the kills");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_loses_nothing_and_ends_in_time() {
    let mut fleet = Fleet::new();
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let demo = fleet.demo(400, 8);
    for service in Service::ALL {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (code, took) = fleet.terminate(service).await;
        assert_eq!(code, Some(0), "{service}");
        assert!(took < STOP_MAX, "{service}: {took:?}");
        fleet.start(service);
    }
    let report = demo.await.unwrap();
    println!("{report}");
    assert!(report.passed, "{report}");
}
