//! The services of Ecom.
