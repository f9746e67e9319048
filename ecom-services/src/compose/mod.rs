//! Putting the parts together: data directory, databases, bus, services.

mod data_dir;
mod shop;

pub use data_dir::{DataDir, DataDirError};
pub use shop::{Running, Shop, StartError};
