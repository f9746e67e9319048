//! What keeps a process from starting.

use std::io;
use std::path::PathBuf;

use ecom_adapters::sqlite::OpenError;
use ecom_adapters::system::NoRandomness;
use ecom_core::engine::Fault;
use ecom_core::port::BusError;

use super::identity::IdentityError;

/// Why a process did not start. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// A PostgreSQL database cannot be used.
    #[cfg(feature = "postgres")]
    #[error("the database of the {service} service: {source}")]
    Postgres {
        /// Whose.
        service: &'static str,
        /// Why.
        source: ecom_adapters::postgres::OpenError,
    },
    /// A database file belongs to a process that runs.
    #[error("{path} is in use by another process: only PostgreSQL is shared by several")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A file beside a database cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A database is gone, or its file is empty, although the shop had it: it would be made anew, without its data.
    #[error("{path} is missing or empty, but {witness} has data: bring it back, or move the other databases away too")]
    Lost {
        /// The file that is not there.
        path: PathBuf,
        /// A file that was made after it.
        witness: PathBuf,
    },
    /// A database failed while the process started.
    #[error("cannot start the {service} service: {fault}")]
    Service {
        /// Which.
        service: &'static str,
        /// Why.
        fault: Fault,
    },
    /// The bus cannot work with its configuration.
    #[error("EVENT_BUS_URL: {0}")]
    Bus(BusError),
    /// The configuration asks for a technology that this program was built without.
    #[error("{process} was built without the feature {feature}")]
    NotBuilt {
        /// Which process.
        process: String,
        /// What is missing.
        feature: &'static str,
    },
    /// The configuration asks for what this process does not do.
    #[error("this process does not support {0}")]
    Unsupported(&'static str),
    /// Nobody could sign in.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The machine gives no random numbers.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// Other services cannot be called.
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
    /// The catalogue of the demo could not be added.
    #[error("the demo catalogue could not be added: {0}")]
    Catalogue(String),
}

impl StartError {
    /// Whether it may go away by itself: a database that is not there yet.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Service { fault: Fault::Unavailable(_) | Fault::Conflict, .. } => true,
            #[cfg(feature = "postgres")]
            Self::Postgres { source: ecom_adapters::postgres::OpenError::Away(_), .. } => true,
            _ => false,
        }
    }
}
