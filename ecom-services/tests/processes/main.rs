//! The services as six real processes on a real RabbitMQ. The broker is at `TEST_AMQP_URL`, else on this machine's usual
//! port as `guest`; every fleet has a namespace of its own there, which it deletes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod fleet;
mod keys;
mod kills;
mod orders;
