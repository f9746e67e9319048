//! The kinds of faults.

use std::fmt;

use ecom_core::event::Service;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `kill -9` of a copy of a service, and a new start.
    Kill(Service),
    /// A copy of a service ends at a seam of the protocol.
    CrashAt(Seam),
    /// A process stands still (SIGSTOP) and goes on.
    Pause,
    /// All copies of a service, one after the other: SIGTERM and a new start.
    RollingRestart,
    /// `kill -9` of the broker.
    KillBroker,
    /// `kill -9` of the database server.
    KillDatabase,
    /// The broker is short of memory and blocks all who publish.
    MemoryAlarm,
    /// Connections are cut, and new ones too, for a while.
    Cut,
    /// Connections swallow everything.
    BlackHole,
    /// Connections are slow.
    Delay,
    /// Events are delivered once more.
    Duplicates,
    /// Messages that nobody can read.
    Poison,
}

/// The seams of the protocol, by the names that the processes know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seam(pub(crate) &'static str, pub(crate) Service);

/// Where a process ends in the middle of its migration: at its first start alone.
pub(crate) const MIGRATING: &str = "migrated-not-committed";

impl Kind {
    /// All of them; the seams only where the processes know them.
    pub(crate) fn all(seams: bool) -> Vec<Self> {
        let mut all: Vec<Self> = Service::ALL.map(Self::Kill).into();
        if seams {
            all.extend([
                Self::CrashAt(Seam("committed-not-published", Service::Order)),
                Self::CrashAt(Seam("published-not-marked", Service::Inventory)),
                Self::CrashAt(Seam("handled-not-acknowledged", Service::Order)),
                Self::CrashAt(Seam("answered-not-committed", Service::Payment)),
            ]);
        }
        all.extend([Self::Pause, Self::RollingRestart, Self::KillBroker, Self::KillDatabase, Self::MemoryAlarm]);
        all.extend([Self::Cut, Self::BlackHole, Self::Delay, Self::Duplicates, Self::Poison]);
        all
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(service) => write!(out, "kill -9 {}", service.short_name()),
            Self::CrashAt(Seam(point, service)) => write!(out, "{} {point}", service.short_name()),
            Self::Pause => out.write_str("pause of a process"),
            Self::RollingRestart => out.write_str("rolling restart"),
            Self::KillBroker => out.write_str("kill -9 broker"),
            Self::KillDatabase => out.write_str("kill -9 database"),
            Self::MemoryAlarm => out.write_str("memory alarm"),
            Self::Cut => out.write_str("connections cut"),
            Self::BlackHole => out.write_str("connections swallow"),
            Self::Delay => out.write_str("connections slow"),
            Self::Duplicates => out.write_str("duplicates"),
            Self::Poison => out.write_str("poison"),
        }
    }
}
