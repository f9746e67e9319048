//! The programs themselves: what keeps them from starting.

use std::process::Output;
use std::time::Duration;

use ecom_core::event::Service;
use tokio::process::Command;

use crate::fleet::{PATIENCE, program};

async fn run(service: Service, settings: &[(&str, &str)]) -> Output {
    let running = Command::new(program(service)).env_clear().envs(settings.iter().copied()).kill_on_drop(true).output();
    tokio::time::timeout(PATIENCE, running).await.expect("it ends").unwrap()
}

#[tokio::test]
async fn a_bad_configuration_tells_everything_that_is_wrong() {
    for service in Service::ALL {
        let database = format!("{}_DATABASE_URL", service.short_name().to_uppercase());
        let wrong = [
            (database.as_str(), "mysql://x"),
            ("HTTP_ADDR", "8080"),
            ("EVENT_BUS_URL", "kafka://x"),
            ("JWKS_URL", "ftp://x"),
            ("TRUSTED_PROXIES", "everybody"),
        ];
        let output = run(service, &wrong).await;
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{service}: {errors}");
        for (name, _) in wrong {
            assert!(errors.contains(name), "{service}: {name} is missing: {errors}");
        }
    }
}

#[tokio::test]
async fn the_local_bus_does_not_join_processes() {
    let output = run(Service::Order, &[("EVENT_BUS_URL", "local:")]).await;
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn a_database_file_belongs_to_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("user.sqlite").display());
    let first = Command::new(program(Service::User))
        .env_clear()
        .envs([("USER_DATABASE_URL", url.as_str()), ("HTTP_ADDR", "127.0.0.1:0"), ("RUST_LOG", "warn")])
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lock = directory.path().join("user.sqlite.lock");
    while !lock.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let output = run(Service::User, &[("USER_DATABASE_URL", &url), ("HTTP_ADDR", "127.0.0.1:0")]).await;
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("in use by another process"), "{errors}");
    drop(first);
}
