//! The two servers.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

/// How long a server may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL.
    Postgres,
    /// RabbitMQ.
    RabbitMq,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::RabbitMq];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::RabbitMq => "RabbitMQ",
        }
    }

    /// Where the tests look for its address.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "TEST_DATABASE_URL",
            Self::RabbitMq => "TEST_AMQP_URL",
        }
    }

    /// Whether a server at that address can be used for tests.
    pub async fn check(self, url: &str) -> Result<(), String> {
        let answered = async {
            match self {
                Self::Postgres => may_create_databases(url).await,
                Self::RabbitMq => opens_a_channel(url).await,
            }
        };
        timeout(ANSWER_MAX, answered).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}

async fn may_create_databases(url: &str) -> Result<(), String> {
    let told = |error: sqlx::Error| error.to_string();
    let mut connection = PgConnection::connect(url).await.map_err(told)?;
    let query = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user";
    let may: bool = sqlx::query_scalar(query).fetch_one(&mut connection).await.map_err(told)?;
    connection.close().await.map_err(told)?;
    if may { Ok(()) } else { Err("its user may not create databases".to_owned()) }
}

async fn opens_a_channel(url: &str) -> Result<(), String> {
    let told = |error: lapin::Error| error.to_string();
    let connection = lapin::Connection::connect(url, lapin::ConnectionProperties::default()).await.map_err(told)?;
    let channel = connection.create_channel().await.map_err(told)?;
    channel.close(200, "done".into()).await.map_err(told)?;
    connection.close(200, "done".into()).await.map_err(told)
}
