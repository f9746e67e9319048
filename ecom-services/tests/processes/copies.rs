//! Several copies of a service on one database, and all services in one process on the same servers.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use ecom_core::event::Service;
use ecom_services::demo::client::Call;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::fleet::{Fleet, PATIENCE, STOP_MAX, broker};

const PIECES: u64 = 100;
const BUYERS: u64 = 1_000;
/// So many buyers at a time.
const LANES: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_pieces_a_hundred_are_sold_however_many_copies_sell_them() {
    let more = [Service::Order, Service::Order, Service::Inventory, Service::Payment, Service::Notification];
    let mut fleet = Fleet::on_postgres(&more).await;
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let (shop, admin) = (Arc::new(fleet.client(Service::Gateway)), fleet.admin().await);
    let price = json!({ "amount": "12.50", "currency": "EUR" });
    let body = json!({ "sku": "RARE", "name": "Rare", "price": price, "initial_stock": PIECES });
    let product: Value = shop.expect(&Call::post("/api/v1/products", body).token(&admin), 201).await.unwrap();
    let product = product["id"].as_str().unwrap().to_owned();
    // The copies of the order service share what they know of products.
    let known = json!({ "items": [{ "product_id": product, "quantity": PIECES + 1 }] });
    let begun = Instant::now();
    while shop.send(&order(&known, "known", &admin)).await.unwrap().code() == "unknown_product" {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut buyers = JoinSet::new();
    for lane in 0..LANES {
        let (shop, admin, product) = (Arc::clone(&shop), admin.clone(), product.clone());
        buyers.spawn(async move {
            let mut completed = 0;
            for buyer in (lane as u64..BUYERS).step_by(LANES) {
                let body = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
                let mut ended: Value = json!({ "status": "pending" });
                while ["pending", "processing"].contains(&ended["status"].as_str().unwrap()) {
                    let answer = shop.send(&order(&body, &format!("buyer-{buyer}"), &admin)).await.unwrap();
                    assert_eq!(answer.status, 201);
                    ended = answer.json().unwrap();
                }
                completed += u64::from(ended["status"] == "completed");
            }
            completed
        });
    }
    let completed: u64 = buyers.join_all().await.into_iter().sum();
    assert_eq!(completed, PIECES);
    let path = format!("/api/v1/products/{product}/stock");
    let begun = Instant::now();
    loop {
        let stock: Value = shop.expect(&Call::get(&path).token(&admin), 200).await.unwrap();
        if stock["committed"] == PIECES {
            assert_eq!((&stock["on_hand"], &stock["reserved"]), (&json!(0), &json!(0)));
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{stock}");
    }
}

fn order(body: &Value, key: &str, token: &str) -> Call {
    Call::post("/api/v1/orders?wait=10s", body.clone()).token(token).key(key)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_runs_the_same_shop_over_the_same_servers() {
    let fleet = Fleet::on_postgres(&[]).await;
    let data = tempfile::tempdir().unwrap();
    let mut variables = fleet.databases();
    for (name, value) in [
        ("EVENT_BUS_URL", broker().as_str()),
        ("EVENT_BUS_NAMESPACE", fleet.namespace()),
        ("ADMIN_EMAIL", crate::fleet::ADMIN.0),
        ("ADMIN_PASSWORD", crate::fleet::ADMIN.1),
        ("HTTP_ADDR", fleet.url(Service::Gateway).trim_start_matches("http://")),
        ("BCRYPT_COST", "10"),
        ("RATE_LIMIT_USER", "1000000/s"),
        ("RUST_LOG", "warn"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    let ecom = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecom"));
        command.args([verb, "--data"]).arg(data.path()).env_clear().envs(&variables).stdin(Stdio::null());
        command.kill_on_drop(true);
        command
    };
    for _ in 0..2 {
        let output = ecom("migrate").output().await.unwrap();
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{errors}");
        assert_eq!(said.lines().filter(|line| line.contains("is up to date")).count(), 5, "{said}");
    }
    let mut up = ecom("up").stdout(Stdio::null()).spawn().unwrap();
    let report = fleet.demo(200, 8).await.unwrap();
    println!("{report}");
    assert!(report.passed, "{report}");
    let begun = Instant::now();
    let id = up.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert_eq!(up.wait().await.unwrap().code(), Some(0));
    assert!(begun.elapsed() < STOP_MAX);
}
