//! The order service in a process of its own.

use std::process::ExitCode;

use ecom_core::event::Service;

fn main() -> ExitCode {
    ecom_services::cli::service(Service::Order)
}
