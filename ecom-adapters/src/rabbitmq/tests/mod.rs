//! Against a real broker: `TEST_AMQP_URL`, or the local one. Without a broker these tests fail; whoever builds without
//! the feature `rabbitmq` does not have them.

mod faults;
mod proxy;
mod publishing;
mod retries;
mod suite;
mod world;
