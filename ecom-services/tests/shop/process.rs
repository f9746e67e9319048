//! Starting, stopping, and everything that keeps the command from starting.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::client::{PASSWORD, eventually, of, text};
use crate::command::{Process, run};

/// How long a stop may take.
const STOP_MAX: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_gets_neither_the_data_nor_the_port_of_the_first() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shop = Process::start(first.path(), &[]).await;
    println!("an empty shop gave its first answer {:?} after its start", shop.started);
    let path = first.path().to_str().unwrap();
    run(&["up", "--port", "0", "--data", path], &[]).await.failed(&[path, "in use by another process"]);
    let (port, path) = (shop.port.to_string(), second.path().to_str().unwrap());
    run(&["up", "--port", &port, "--data", path], &[]).await.failed(&["cannot listen on", &port]);
    // The first one has not noticed.
    shop.admin().await;
    shop.terminate().await;
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_one_is_told() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, b"mine").unwrap();
    for path in [file.clone(), file.join("below")] {
        let path = path.to_str().unwrap();
        run(&["up", "--port", "0", "--data", path], &[]).await.failed(&["cannot use the data directory", path]);
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[tokio::test]
async fn a_bad_configuration_tells_everything_that_is_wrong() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let wrong = [
        ("BCRYPT_COST", "99"),
        ("PROVIDER_TIMEOUT", "soon"),
        ("RATE_LIMIT_USER", "fast"),
        ("ORDER_DATABASE_URL", "mysql://x"),
        ("ADMIN_PASSWORD", ""),
    ];
    let ended = run(&["up", "--port", "0", "--data", data.to_str().unwrap()], &wrong).await;
    assert_eq!(ended.code, Some(2), "{}", ended.errors);
    for (name, _) in wrong {
        assert!(ended.errors.contains(name), "{name} is missing: {}", ended.errors);
    }
    assert!(!data.exists());
    for arguments in [&["up", "--colour"][..], &["down"], &["up", "--port", "many"], &[]] {
        let ended = run(arguments, &[]).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_clean_and_the_next_start_finds_everything_or_tells_what_is_damaged() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    // The answer to the second order's charge is lost, and still awaited when the process stops.
    let shop = Process::start(&data, &[("PROVIDER_TIMEOUT", "20s"), ("LEASE", "40s")]).await;
    let (client, admin) = (&shop.client, shop.admin().await);
    let product = client.product(&admin, "MUG-1", 5).await;
    let buyer = client.customer("buyer").await;
    let method = client.method(&buyer, "tok_timeout_charged").await;
    let swift = client.method(&buyer, "tok_visa").await;
    let done = client.order(&buyer, "a", "?wait=30s", &of(&product, 1, Some(&swift))).await.expect(201);
    client.settled(&admin, done["id"].as_str().unwrap()).await;
    let done = client.order_now(&buyer.token, done["id"].as_str().unwrap()).await;
    assert_eq!(done["status"], "completed");
    let open = text(&client.order(&buyer, "b", "", &of(&product, 1, Some(&method))).await.expect(201)["id"]);
    eventually("the charge is asked", async || (!client.provider(&admin, &open).await.is_empty()).then_some(())).await;
    let (code, took) = shop.terminate().await;
    assert_eq!(code, Some(0));
    assert!(took < STOP_MAX, "{took:?}");
    println!("the stop took {took:?}");
    // Whoever copies the database files now has everything.
    let logs: Vec<_> = ["order", "user", "inventory", "payment", "notification", "sandbox"]
        .map(|name| data.join(format!("{name}.sqlite-wal")))
        .into_iter()
        .filter(|path| path.exists())
        .collect();
    assert!(logs.is_empty(), "{logs:?}");

    for (name, damage) in [
        ("order.sqlite", Damage::Header),
        ("payment.sqlite", Damage::Half),
        ("inventory.sqlite", Damage::Empty),
        ("user.sqlite", Damage::Gone),
    ] {
        let path = data.join(name);
        let whole = fs::read(&path).unwrap();
        damage.inflict(&path);
        let before = database(&data, name);
        let ended = run(&["up", "--port", "0", "--data", data.to_str().unwrap()], &[]).await;
        ended.failed(&[path.to_str().unwrap()]);
        println!("{}", ended.errors.trim());
        // Whoever rescues what is left finds it as it was.
        assert!(before == database(&data, name), "{name} was changed");
        fs::write(&path, whole).unwrap();
    }

    // The same lease: one that was given for longer than it is now given runs out by itself.
    let shop = Process::start(&data, &[("LEASE", "40s")]).await;
    println!("a shop with data gave its first answer {:?} after its start", shop.started);
    let client = &shop.client;
    let admin = shop.admin().await;
    let buyer_token = text(&client.login("buyer@example.com", PASSWORD).await.expect(200)["access_token"]);
    assert_eq!(client.order_now(&buyer_token, done["id"].as_str().unwrap()).await, done);
    assert_eq!(client.settled(&admin, &open).await["state"], "completed");
    assert_eq!(client.moved(&admin, &open).await, (1, 0));
    assert_eq!(client.stock(&admin, &product).await, [3, 0, 3, 2]);
    // Tokens of the former life are still good: the signing key is kept.
    assert_eq!(client.get("/api/v1/users/me", &buyer.token).await.status, 200);
    shop.terminate().await;
}

/// What can happen to a file.
#[derive(Clone, Copy)]
enum Damage {
    Header,
    Half,
    Empty,
    Gone,
}

impl Damage {
    fn inflict(self, path: &Path) {
        let mut content = fs::read(path).unwrap();
        match self {
            Self::Header => content[..100].fill(b'#'),
            Self::Half => content.truncate(content.len() / 2),
            Self::Empty => content.clear(),
            Self::Gone => return fs::remove_file(path).unwrap(),
        }
        fs::write(path, content).unwrap();
    }
}

/// A database file with its write-ahead log.
fn database(data: &Path, name: &str) -> [Option<Vec<u8>>; 2] {
    [name.to_owned(), format!("{name}-wal")].map(|name| fs::read(data.join(name)).ok())
}
