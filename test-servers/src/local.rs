//! A server that runs on this machine already.

use test_servers::kind::Kind;

/// The usual addresses, with the usual users.
const fn usual(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Postgres => {
            &["postgres://postgres@127.0.0.1:5432/postgres", "postgres://postgres:postgres@127.0.0.1:5432/postgres"]
        }
        Kind::RabbitMq => &["amqp://guest:guest@127.0.0.1:5672/%2f"],
    }
}

/// The address of one that answers.
pub(crate) async fn find(kind: Kind) -> Result<String, String> {
    let mut why = String::new();
    for url in usual(kind) {
        match kind.check(url).await {
            Ok(()) => return Ok((*url).to_owned()),
            Err(error) => why = error,
        }
    }
    Err(format!("on this machine's usual port: {why}"))
}
