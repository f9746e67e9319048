//! The ecom command.
fn main() {}
