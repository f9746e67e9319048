//! Drives a machine and writes its life down, when somebody wants it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::value::RawValue;

use super::{Line, Machine, raw};
use crate::event::Service;

/// Told each line of a record. Nobody by default: then nothing is written, and a machine costs what it costs without.
///
/// A record holds whole events, so it holds what they say of customers.
#[derive(Clone, Default)]
pub struct Recorder(Option<Arc<Shared>>);

struct Shared {
    lives: AtomicU32,
    write: Box<dyn Fn(String) + Send + Sync>,
}

impl Recorder {
    /// Tells each line to `write`. The machines wait for it, so it must not wait for anything.
    pub fn new(write: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Shared { lives: AtomicU32::new(1), write: Box::new(write) })))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Recorder(on)" } else { "Recorder(off)" })
    }
}

/// A machine whose life may be written down.
#[derive(Debug)]
pub struct Recorded<M> {
    machine: M,
    pen: Option<Pen>,
}

struct Pen {
    shared: Arc<Shared>,
    life: u32,
}

impl Pen {
    fn write(&self, line: &Line<'_>) {
        (self.shared.write)(serde_json::to_string(line).unwrap_or_default());
    }
}

impl fmt::Debug for Pen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pen({})", self.life)
    }
}

impl<M: Machine> Recorded<M> {
    /// A machine of that service made from that, and the first line of its life.
    pub fn new(setup: M::Setup, service: Service, recorder: &Recorder) -> Self {
        let Some(shared) = recorder.0.clone() else { return Self { machine: M::make(setup), pen: None } };
        let written = raw(&setup);
        let machine = M::make(setup);
        let pen = Pen { life: shared.lives.fetch_add(1, Ordering::Relaxed), shared };
        pen.write(&Line {
            machine: Some(M::NAME.into()),
            service: Some(service.name().into()),
            setup: Some(written),
            ..Line::of(pen.life, None, raw(&machine.begin()))
        });
        Self { machine, pen: Some(pen) }
    }

    /// What it asks for first.
    pub fn start(&self) -> M::Request {
        self.machine.begin()
    }

    /// What it asks for when its last request has ended so.
    pub fn resume(&mut self, completion: M::Completion) -> M::Request {
        let Some(pen) = &self.pen else { return self.machine.proceed(completion) };
        let written = raw(&completion);
        let request = self.machine.proceed(completion);
        pen.write(&Line::of(pen.life, Some(written), raw(&request)));
        request
    }
}

impl Line<'_> {
    fn of(life: u32, completion: Option<Box<RawValue>>, request: Box<RawValue>) -> Self {
        Self { life, machine: None, service: None, setup: None, completion, request }
    }
}

impl<M> Deref for Recorded<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.machine
    }
}
