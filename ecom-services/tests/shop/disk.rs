//! No room on the disk: nothing more is accepted, and what was accepted is kept.
//!
//! Twice: on a small file system of its own, which only root may mount, and under a limit of the size of files, which
//! everybody has. The second one runs in any case.

use std::io::Write as _;
use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::client::{Answer, Client, Customer, eventually, of, tally, text};
use crate::command::{ECOM, Process, command};

/// Room for the empty shop and some orders.
const ROOM: &str = "size=8m";
/// What is enough for everything.
const MORE_ROOM: &str = "remount,size=64m";
/// The largest file in units of `ulimit -f`: more than the empty shop needs.
const FILE_MAX: &str = "3000";
/// So many orders must have filled it.
const ORDERS_MAX: usize = 3_000;
/// So many refusals one after another mean that there is no room for anything.
const REFUSALS: usize = 5;

/// A file system that is gone with this value.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    async fn small(path: &'a Path) -> Result<Self, String> {
        mount(path, ROOM).await.map(|()| Self(path))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("--lazy").arg(self.0).status());
    }
}

async fn mount(path: &Path, options: &str) -> Result<(), String> {
    let run = Command::new("mount").args(["-t", "tmpfs", "-o", options, "ecom-test"]).arg(path).output().await;
    let output = run.map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_closes_the_shop_until_there_is_room_again() {
    let directory = tempfile::tempdir().unwrap();
    let _mount = match Mount::small(directory.path()).await {
        Ok(mount) => mount,
        Err(error) => {
            // Past the capture of output, so that it is seen: nothing is shown here then, the other test has to do.
            let text = format!("NOT TESTED on a full disk, only under a limit of the size of files: {error}\n");
            std::io::stderr().write_all(text.as_bytes()).unwrap();
            return;
        }
    };
    let shop = Process::start(directory.path(), &[]).await;
    let (admin, rush) = (shop.admin().await, Rush::until_full(&shop).await);
    // Made room for, the running process goes on by itself.
    mount(directory.path(), MORE_ROOM).await.unwrap();
    rush.goes_on(&shop.client, &admin).await;
    assert_eq!(shop.terminate().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_may_not_grow_close_the_shop_and_the_next_start_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    // A write over the limit shall fail, not kill.
    let script = format!("trap '' XFSZ; ulimit -f {FILE_MAX}; exec \"$@\"");
    let data = directory.path().to_str().unwrap();
    let arguments = ["-c", &script, "sh", ECOM, "up", "--port", "0", "--data", data];
    let shop = Process::wait_for(command("sh", &arguments, &[])).await;
    let rush = Rush::until_full(&shop).await;
    let (code, took) = shop.terminate().await;
    println!("the stop without room took {took:?}");
    assert_eq!(code, Some(0));

    let shop = Process::start(directory.path(), &[]).await;
    rush.goes_on(&shop.client, &shop.admin().await).await;
    shop.terminate().await;
}

/// Orders that were placed until there was no room.
struct Rush {
    buyer: Customer,
    body: Value,
    /// The keys of all orders, with the id of those that were accepted.
    placed: Vec<(String, Option<String>)>,
}

impl Rush {
    async fn until_full(shop: &Process) -> Self {
        let client = &shop.client;
        let admin = shop.admin().await;
        let product = client.product(&admin, "MUG-1", 1_000_000).await;
        let buyer = client.customer("buyer").await;
        let mut rush = Self { buyer, body: of(&product, 1, None), placed: vec![] };
        let mut refused = 0;
        while refused < REFUSALS {
            let key = format!("key {}", rush.placed.len());
            assert!(rush.placed.len() < ORDERS_MAX, "the disk is still not full");
            let answer = client.order(&rush.buyer, &key, "", &rush.body).await;
            let id = (answer.status == 201).then(|| text(&answer.json()["id"]));
            refused = if id.is_some() { 0 } else { refused + 1 };
            rush.placed.push((key, id));
            if answer.status != 201 {
                no_room(&answer);
            }
        }
        // What is there can still be read.
        let orders = client.all("/api/v1/orders", &rush.buyer.token).await;
        let open = orders.iter().filter(|order| order["status"] != "completed").count();
        let accepted = rush.accepted().len();
        println!("{accepted} orders were accepted, {open} are still open, {refused} in a row were refused");
        assert!(0 < accepted && accepted <= orders.len());
        rush
    }

    fn accepted(&self) -> Vec<&str> {
        self.placed.iter().filter_map(|(_, id)| id.as_deref()).collect()
    }

    /// Now that there is room, every accepted order comes to its end, and every key makes exactly one order.
    async fn goes_on(&self, client: &Client, admin: &str) {
        for (key, id) in &self.placed {
            let answer = eventually("an order is taken again", async || {
                let answer = client.order(&self.buyer, key, "", &self.body).await;
                (answer.status == 201).then_some(answer)
            })
            .await;
            if let Some(id) = id {
                assert_eq!(
                    (text(&answer.json()["id"]), answer.header("idempotent-replayed")),
                    (id.clone(), Some("true"))
                );
            }
        }
        let orders = eventually("all orders have their end", async || {
            let orders = client.all("/api/v1/orders", &self.buyer.token).await;
            orders.iter().all(|order| order["status"] == "completed").then_some(orders)
        })
        .await;
        assert_eq!(orders.len(), self.placed.len());
        let ids: Vec<String> = orders.iter().map(|order| text(&order["id"])).collect();
        assert!(self.accepted().iter().all(|id| ids.iter().any(|found| found == id)));
        let product = self.body["items"][0]["product_id"].as_str().unwrap();
        eventually("all stock is committed", async || {
            let [_, reserved, _, committed] = client.stock(admin, product).await;
            (reserved == 0 && committed == orders.len() as u64).then_some(())
        })
        .await;
        let log = client.all("/api/v1/payments/sandbox/log", admin).await;
        let charges = log.iter().filter(|entry| entry["result"] == "succeeded" && entry["operation"] == "charge");
        let per_order = tally(charges.map(|entry| text(&entry["order_id"])));
        assert_eq!(per_order, ids.into_iter().map(|id| (id, 1)).collect());
    }
}

/// The answer while there is no room.
#[track_caller]
fn no_room(answer: &Answer) {
    let code = text(&answer.json()["code"]);
    assert!(["unavailable", "outcome_unknown", "overloaded"].contains(&code.as_str()), "{}", answer.text);
    answer.refused(503, &code);
    assert!(answer.header("retry-after").is_some());
}
