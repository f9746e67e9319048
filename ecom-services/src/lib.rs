//! The services of Ecom: HTTP over the contexts of `ecom-core`, assembled from `ecom-adapters`.

pub mod cli;
pub mod compose;
pub mod config;
pub mod crash;
pub mod demo;
pub mod gateway;
pub mod host;
pub mod http;
pub mod inventory;
pub mod letters;
pub mod notification;
pub mod order;
pub mod pages;
pub mod payment;
pub mod telemetry;
pub mod user;
