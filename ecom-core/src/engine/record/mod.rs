//! What a host was asked by the machines and what it answered, written down and replayed.
//!
//! A record is text, one JSON object a line. A life of a machine has a number; its first line says which machine it is,
//! what it was made from and what it asked for first. Each further line is what the host answered and what the machine
//! asked for then:
//!
//! ```text
//! {"life":3,"machine":"relay","service":"order-service","setup":{…},"request":{"claim":{"limit":512}}}
//! {"life":3,"completion":{"claimed":{"items":[],"next":null}},"request":{"wait":{"until":null}}}
//! ```
//!
//! [`replay`] makes each machine anew, gives it the same answers, and compares what it asks for. So a record of an older
//! release shows whether the machines of this one would go the same way, and a record of a real run that the host
//! answered as it was asked. Lives may be interleaved, as those of a process are.

mod kinds;
mod pen;
mod replay;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use pen::{Recorded, Recorder};
pub use replay::{Count, Differs, What, lives, replay};

use super::clockwork::{self, Clockwork};
use super::consumer::{self, Consumer};
use super::effector::{self, Call, CallCompletion, CallRequest, Effector, Ticket};
use super::relay::{self, Relay};

/// A value with a word for its kind.
pub trait Kind: Serialize + DeserializeOwned + Debug {
    /// All words.
    const WORDS: &'static [&'static str];

    /// The word.
    fn word(&self) -> &'static str;
}

/// One of the engine's machines, as a host drives it.
pub trait Machine: Sized {
    /// Its name in a record.
    const NAME: &'static str;
    /// What it is made from.
    type Setup: Serialize + DeserializeOwned + Debug;
    /// What it asks for.
    type Request: Kind + Clone + PartialEq;
    /// How that ended.
    type Completion: Kind;

    /// A machine that has not done anything.
    fn make(setup: Self::Setup) -> Self;

    /// What it asks for first.
    fn begin(&self) -> Self::Request;

    /// What it asks for when that has ended.
    fn proceed(&mut self, completion: Self::Completion) -> Self::Request;

    /// Whether that is an answer to that request, and of its size.
    fn fits(request: &Self::Request, completion: &Self::Completion) -> bool;
}

macro_rules! machine {
    ($machine:ty, $name:literal, $setup:ty, $request:ty, $completion:ty, $make:expr, $fits:path, $resume:expr) => {
        impl Machine for $machine {
            const NAME: &'static str = $name;
            type Setup = $setup;
            type Request = $request;
            type Completion = $completion;

            fn make(setup: Self::Setup) -> Self {
                let make: fn($setup) -> Self = $make;
                make(setup)
            }

            fn begin(&self) -> Self::Request {
                self.start()
            }

            fn proceed(&mut self, completion: Self::Completion) -> Self::Request {
                let resume: fn(&mut Self, $completion) -> $request = $resume;
                resume(self, completion)
            }

            fn fits(request: &Self::Request, completion: &Self::Completion) -> bool {
                $fits(request, completion)
            }
        }
    };
}

machine!(
    Consumer,
    "consumer",
    (Cow<'static, str>, consumer::Limits),
    consumer::Request,
    consumer::Completion,
    |(queue, limits)| Self::new(queue, limits),
    kinds::consumer,
    Self::resume
);
machine!(Relay, "relay", relay::Limits, relay::Request, relay::Completion, Self::new, kinds::relay, Self::resume);
machine!(
    Effector,
    "effector",
    (effector::Limits, usize),
    effector::Request,
    effector::Completion,
    |(limits, room)| Self::new(limits, room),
    kinds::effector,
    Self::resume
);
machine!(
    Call,
    "call",
    (effector::Limits, Ticket),
    CallRequest,
    CallCompletion,
    |(limits, ticket)| Self::new(ticket, limits),
    kinds::call,
    |machine, completion| machine.resume(&completion)
);
machine!(
    Clockwork,
    "clockwork",
    clockwork::Limits,
    clockwork::Request,
    clockwork::Completion,
    Self::new,
    kinds::clockwork,
    Self::resume
);

/// A line of a record.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    life: u32,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    machine: Option<Cow<'a, str>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    service: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setup: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completion: Option<Box<RawValue>>,
    request: Box<RawValue>,
}

fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    // It cannot fail: everything in it is made of strings, numbers and lists.
    serde_json::value::to_raw_value(value).unwrap_or_default()
}
