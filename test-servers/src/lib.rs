//! PostgreSQL and RabbitMQ from installed programs, in private directories and on free ports: for tests that need a server
//! of their own, to be killed and started again.

pub mod kind;
pub mod packages;
mod process;
pub mod programs;
