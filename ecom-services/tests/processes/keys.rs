//! Every service checks tokens itself, with keys that it fetches and keeps.

use ecom_core::event::Service;
use ecom_services::demo::client::Call;

use crate::fleet::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_when_they_can_be_and_kept_when_they_cannot() {
    let mut fleet = Fleet::new();
    fleet.start_all([Service::User]);
    fleet.ready(Service::User).await;
    let admin = fleet.admin().await;
    fleet.kill(Service::User).await;

    // No key and nobody to ask: that is not the caller's fault.
    fleet.start(Service::Inventory);
    let said = fleet.ready(Service::Inventory).await;
    assert_eq!((&said["status"], &said["checks"]["keys"]), (&"degraded".into(), &"degraded".into()));
    let inventory = fleet.client(Service::Inventory);
    let adjustments = Call::get("/api/v1/products/00000000-0000-4000-8000-000000000001/stock");
    let answer = inventory.attempt(&adjustments.clone().token(&admin)).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (503, "keys_unavailable"));
    let answer = inventory.attempt(&adjustments).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (401, "missing_token"));

    fleet.start(Service::User);
    fleet.becomes(Service::Inventory, "ok").await;
    assert_eq!(inventory.attempt(&adjustments.clone().token(&admin)).await.unwrap().status, 404);

    // What is known stays known.
    fleet.kill(Service::User).await;
    assert_eq!(inventory.attempt(&adjustments.token(&admin)).await.unwrap().status, 404);
}
