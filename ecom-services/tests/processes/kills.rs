//! Whatever is killed or stopped, whenever: nothing is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ecom_core::event::Service;
use ecom_services::demo::client::Call;
use tokio::task::JoinSet;

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

#[tokio::test(flavor = "multi_thread")]
async fn while_services_restart_clients_get_answers_or_are_told_to_come_later() {
    let mut fleet = Fleet::on_postgres(&[Service::Order, Service::Inventory]).await;
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let admin = fleet.admin().await;
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for path in ["/api/v1/orders", "/api/v1/products", "/api/v1/payments", "/api/v1/notifications", "/api/v1/users/me"]
    {
        let (shop, admin, over) = (fleet.client(Service::Gateway), admin.clone(), Arc::clone(&over));
        clients.spawn(async move {
            let mut seen: BTreeMap<u16, u32> = BTreeMap::new();
            while !over.load(Ordering::Relaxed) {
                // An error here is a connection that was broken off.
                let answer = shop.attempt(&Call::get(path).token(&admin)).await.unwrap();
                *seen.entry(answer.status).or_default() += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            (path, seen)
        });
    }
    for service in Service::ALL.into_iter().filter(|service| *service != Service::Gateway) {
        let (code, took) = fleet.terminate(service).await;
        assert_eq!(code, Some(0), "{service}");
        assert!(took < STOP_MAX, "{service}: {took:?}");
        fleet.start(service);
        fleet.ready(service).await;
    }
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        let (path, seen) = ended.unwrap();
        println!("{path}: {seen:?}");
        assert!(seen.keys().all(|status| [200, 503].contains(status)), "{path}: {seen:?}");
        // Another copy was there all the time.
        let has_copies = ["/api/v1/orders", "/api/v1/products"].contains(&path);
        assert!(!has_copies || !seen.contains_key(&503), "{path}: {seen:?}");
    }
}

/// The schema is made in one transaction, and nothing of it is there before all of it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_in_the_middle_of_its_migration_is_started_again_and_finishes_it() {
    let mut fleet = Fleet::on_postgres(&[]).await;
    let services = [Service::User, Service::Order, Service::Inventory, Service::Payment, Service::Notification];
    fleet.set("ECOM_CRASH_AT", "migrated-not-committed");
    for service in services {
        fleet.start(service);
        assert_eq!(fleet.ended(service).await, None, "{service} was not killed");
        // The sandbox's log, which lies in the same database, has a schema and migrations of its own.
        let tables = fleet.tables(service).await;
        assert!(!tables.iter().any(|table| table == "public.inbox"), "{service} left half a schema: {tables:?}");
    }
    fleet.unset("ECOM_CRASH_AT");
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let report = fleet.demo(20, 4).await.unwrap();
    assert!(report.passed, "{report}");
}
