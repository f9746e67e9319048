//! The services of Ecom.

pub mod http;
