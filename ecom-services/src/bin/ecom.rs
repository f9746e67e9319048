//! The `ecom` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ecom_services::cli::main()
}
