//! The operators' commands, as processes of their own, against a running shop.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::letters::{bury, letter};
use crate::shop::{ADMIN, Shop};

const PATIENCE: Duration = Duration::from_secs(40);

const AS_ADMIN: [(&str, &str); 2] = [("ADMIN_EMAIL", ADMIN.0), ("ADMIN_PASSWORD", ADMIN.1)];

async fn ecom(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let running = Command::new(env!("CARGO_BIN_EXE_ecom"))
        .args(arguments)
        .env_clear()
        .envs([("BCRYPT_COST", "10"), ("RUST_LOG", "warn")])
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(PATIENCE, running).await.expect("the command ends").unwrap()
}

/// What the command prints for an administrator of that shop.
async fn said(shop: &Shop, arguments: &[&str]) -> String {
    let output = ecom(&[arguments, &["--url", shop.url()]].concat(), &AS_ADMIN).await;
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn said_as_json(shop: &Shop, arguments: &[&str]) -> Value {
    serde_json::from_str(&said(shop, &[arguments, &["--json"]].concat()).await).unwrap()
}

/// The one line of a command that fails.
#[track_caller]
fn failure(output: &Output, code: i32) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(output.stdout.is_empty());
    assert!(code == 2 || errors.lines().count() == 1, "{errors}");
    errors
}

/// The one line of a command that an administrator's shop refuses.
async fn refused(shop: &Shop, arguments: &[&str]) -> String {
    failure(&ecom(&[arguments, &["--url", shop.url()]].concat(), &AS_ADMIN).await, 1)
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_what_became_of_an_order() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let done = shop.order(&ada, "a", &product, 2).await.string("/id");
    let failed = shop.order(&ada, "b", &product, 1_000).await.string("/id");
    // Answers to the ends are still under way.
    for id in [&done, &failed] {
        while said_as_json(&shop, &["saga", "show", id]).await["owed"].to_string().contains("open") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let why = said(&shop, &["why", &done]).await;
    has(&why, &[&format!("{done} is completed; 25.00 EUR"), "nothing", "captured 25.00 EUR, refunded 0.00 EUR"]);
    has(&why, &["committed (2 pieces", "stock commit done", "STATE", "pending -> processing"]);
    let why = said(&shop, &["why", &failed]).await;
    has(&why, &[&format!("{failed} is failed: "), "(out_of_stock)", "nothing was held"]);
    let why = said_as_json(&shop, &["why", &done]).await;
    assert_eq!(why["saga"]["order_id"], done.as_str());
    assert_eq!(why["summary"]["order"]["data"]["id"], done.as_str());
    assert!(!why["timeline"].as_array().unwrap().is_empty());

    has(&said(&shop, &["saga", "list"]).await, &["ORDER", &done, &failed]);
    let completed = said_as_json(&shop, &["saga", "list", "--state", "completed", "--limit", "1"]).await;
    assert_eq!((completed.as_array().unwrap().len(), &completed[0]["order_id"]), (1, &json!(done)));
    assert_eq!(said(&shop, &["saga", "list", "--state", "needs_attention"]).await, "no sagas\n");
    has(&said(&shop, &["saga", "show", &failed]).await, &["needs attention no", "waits for       nothing"]);
    for (action, code) in [("retry", "nothing_to_retry"), ("resolve", "nothing_to_resolve")] {
        has(&refused(&shop, &["saga", action, &done, "--reason", "to see"]).await, &["409", code]);
    }
    has(&refused(&shop, &["saga", "list", "--state", "asleep"]).await, &["422", "invalid_parameter"]);
    let nobody = "00000000-0000-4000-8000-000000000000";
    has(&refused(&shop, &["why", nobody]).await, &["404", "not_found"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_replay_and_discard_what_was_given_up() {
    let shop = Box::pin(bury(Shop::start().await, vec![letter(1), letter(2)])).await;
    let [first, second] = [letter(1), letter(2)].map(|letter| letter.id.to_string());
    has(&said(&shop, &["dlq", "list"]).await, &["MESSAGE", &first, &second, "order.events", "the disk was on fire"]);
    assert_eq!(said_as_json(&shop, &["dlq", "list", "--limit", "1"]).await.as_array().unwrap().len(), 1);
    assert_eq!(said(&shop, &["dlq", "list", "--queue", "payment.events"]).await, "no dead letters\n");
    has(&said(&shop, &["dlq", "show", &first]).await, &["because   the disk was on fire", "product.created"]);
    has(&refused(&shop, &["dlq", "replay", &first, "--reason", " "]).await, &["422", "reason_length"]);
    has(&said(&shop, &["dlq", "replay", &first, "--reason", "the fire is out"]).await, &[&first, "order.events"]);
    has(&refused(&shop, &["dlq", "replay", &first, "--reason", "again"]).await, &["404", "not_found"]);
    let arguments = ["dlq", "discard", &second, "--reason", "not needed", "--queue", "order.events"];
    assert_eq!(said_as_json(&shop, &arguments).await[0]["id"], second.as_str());
    assert_eq!(said(&shop, &["dlq", "list"]).await, "no dead letters\n");
    has(&refused(&shop, &["dlq", "show", &first]).await, &["no open dead letter"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_publish_again_what_they_own() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    assert_eq!(said(&shop, &["resync", "products"]).await, "1 products published again\n");
    assert_eq!(said_as_json(&shop, &["resync", "users"]).await, json!({ "count": 2 }));
    let page = shop.post("/admin/resync/users?limit=1", &Value::Null).by(&admin).send().await.expect(202);
    assert_eq!((&page["count"], page["next_cursor"].is_string()), (&json!(1), true));
    // Whoever has the versions already stays as he is.
    assert_eq!(shop.order(&ada, "a", &product, 1).await.string("/status"), "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_one_line() {
    let shop = Shop::start().await;
    let url = ["saga", "list", "--url", shop.url()];
    has(&failure(&ecom(&url, &[]).await, 2), &["ADMIN_EMAIL", "ECOM_TOKEN"]);
    failure(&ecom(&["why", "not-an-id"], &AS_ADMIN).await, 2);
    failure(&ecom(&["resync", "orders"], &AS_ADMIN).await, 2);
    let wrong = [("ADMIN_EMAIL", ADMIN.0), ("ADMIN_PASSWORD", "wrong")];
    has(&failure(&ecom(&url, &wrong).await, 1), &["401", "invalid_credentials"]);
    has(&failure(&ecom(&url, &[("ECOM_TOKEN", "made up")]).await, 1), &["401", "invalid_token"]);
    let ada = shop.customer("ada").await;
    has(&failure(&ecom(&url, &[("ECOM_TOKEN", &ada)]).await, 1), &["403", "forbidden"]);
    let nobody = ecom(&["saga", "list", "--url", "http://127.0.0.1:1"], &AS_ADMIN).await;
    has(&failure(&nobody, 1), &["no answer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_data_may_add_an_administrator() {
    let data = Shop::start().await.stop().await;
    let path = data.path().to_str().unwrap().to_owned();
    let create = ["admin", "create", "--data", &path, "--email", "Eve@Example.com"];
    let made = ecom(&create, &[]).await;
    let said = String::from_utf8(made.stdout).unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8(made.stderr).unwrap());
    let password = said.trim().rsplit(' ').next().unwrap().to_owned();
    failure(&ecom(&create, &[]).await, 1);
    let given = [("ADMIN_EMAIL", "bob@example.com"), ("ADMIN_PASSWORD", "a-password-of-his-own")];
    let given = ecom(&["admin", "create", "--data", &path], &given).await;
    assert_eq!(String::from_utf8(given.stdout).unwrap(), "bob@example.com is an administrator\n");
    failure(&ecom(&["admin", "create", "--data", &path], &[]).await, 2);
    failure(&ecom(&["admin", "create", "--data", &path, "--email", "nobody"], &[]).await, 2);

    let shop = Shop::start_in(data, &[]).await;
    has(&failure(&ecom(&create, &[]).await, 1), &["in use by another process"]);
    for (email, password) in [("eve@example.com", password.as_str()), ("bob@example.com", "a-password-of-his-own")] {
        let signed_in = shop.login(email, password).await;
        assert_eq!((signed_in.status, signed_in.string("/user/role")), (200, "admin".to_owned()), "{email}");
    }
}
