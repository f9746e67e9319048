//! The services as six real processes and more, on a real RabbitMQ, over files and over PostgreSQL. The broker is at
//! `TEST_AMQP_URL`, else on this machine's usual port as `guest`; every fleet has a namespace of its own there, which it
//! deletes, and databases of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod copies;
mod databases;
mod fleet;
mod keys;
mod kills;
mod orders;
mod traces;
