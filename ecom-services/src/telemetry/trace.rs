//! Traces: what was done for which request, by which service, when. A request's trace goes on over HTTP, the outbox, the
//! broker and the calls that are owed to the outside.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ecom_core::event::Service;
use ecom_core::port::Clock;
use ecom_core::time::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Steps that may wait to be sent; what does not fit is lost, and counted.
const QUEUE_MAX: usize = 4_096;

/// A place in a trace, as W3C writes it: `00-<trace>-<span>-<flags>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace, 32 hexadecimal digits.
    pub trace: String,
    /// The step, 16 hexadecimal digits.
    pub span: String,
    /// Two hexadecimal digits.
    pub flags: String,
}

impl Context {
    /// Reads one; `None` when it is not well-formed.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hexadecimal = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        let well_formed =
            hexadecimal(version, 2) && hexadecimal(trace, 32) && hexadecimal(span, 16) && hexadecimal(flags, 2);
        // A later version may add parts; version ff is none.
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        let own = |part: &str| part.to_owned();
        (well_formed && known && !zero(trace) && !zero(span)).then(|| Self {
            trace: own(trace),
            span: own(span),
            flags: own(flags),
        })
    }

    /// Another step of the same trace.
    pub fn child(&self, span: u64) -> Self {
        Self { span: format!("{span:016x}"), ..self.clone() }
    }

    /// Whether whoever began the trace wants it to be kept: the lowest bit.
    fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.flags, 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

impl fmt::Display for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "00-{}-{}-{}", self.trace, self.span, self.flags)
    }
}

/// What kind of step it is, by the numbers of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that was answered.
    Server = 2,
    /// A call of the outside.
    Client = 3,
    /// An event that was handled.
    Consumer = 5,
}

/// A step that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Whose.
    pub service: Service,
    /// Its own place.
    pub context: Context,
    /// The step that caused it.
    pub parent: Option<String>,
    /// What it is.
    pub name: String,
    /// Of which kind.
    pub kind: Kind,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether it failed.
    pub failed: bool,
    /// What else is known.
    pub attributes: Vec<(&'static str, String)>,
}

/// A step that is under way.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its own place, to be handed on to whatever it causes.
    pub context: Context,
    parent: Option<String>,
    begun: Timestamp,
}

/// Where steps go: nowhere, unless somebody wants them. It never makes anybody wait.
#[derive(Clone, Default)]
pub struct Traces {
    to: Option<Arc<Queue>>,
}

struct Queue {
    spans: mpsc::Sender<Span>,
    clock: Arc<dyn Clock>,
    lost: Arc<AtomicU64>,
}

/// The other end.
pub(super) struct Spans {
    pub(super) spans: mpsc::Receiver<Span>,
    /// How many did not fit.
    pub(super) lost: Arc<AtomicU64>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Traces").field("wanted", &self.to.is_some()).finish_non_exhaustive()
    }
}

impl Traces {
    /// Traces that somebody wants.
    pub(super) fn wanted(clock: Arc<dyn Clock>) -> (Self, Spans) {
        let (sender, spans) = mpsc::channel(QUEUE_MAX);
        let lost = Arc::<AtomicU64>::default();
        let queue = Queue { spans: sender, clock, lost: Arc::clone(&lost) };
        (Self { to: Some(Arc::new(queue)) }, Spans { spans, lost })
    }

    /// Begins the step of that number under `parent`; nothing when nobody wants it.
    pub fn begin(&self, parent: Option<&str>, span: u64) -> Option<Step> {
        let queue = self.to.as_ref()?;
        let parent = Context::parse(parent?).filter(Context::is_sampled)?;
        Some(Step { context: parent.child(span), parent: Some(parent.span), begun: queue.clock.now() })
    }

    /// Begins a step whose place is known already.
    pub fn begin_at(&self, place: &str, parent: Option<Context>) -> Option<Step> {
        let queue = self.to.as_ref()?;
        let context = Context::parse(place).filter(Context::is_sampled)?;
        Some(Step { context, parent: parent.map(|parent| parent.span), begun: queue.clock.now() })
    }

    /// The step is done. It is sent later, or lost when too many wait.
    pub fn end(
        &self,
        step: Step,
        (service, kind, name): (Service, Kind, String),
        failed: bool,
        attributes: Vec<(&'static str, String)>,
    ) {
        let Some(queue) = &self.to else { return };
        let Step { context, parent, begun } = step;
        let ended = queue.clock.now();
        let span = Span { service, context, parent, name, kind, begun, ended, failed, attributes };
        if queue.spans.try_send(span).is_err() {
            queue.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The number of the step in which a service handles what has that id: always the same, and another one for each
/// service. A second try is the same step.
pub fn step_of(service: Service, id: Uuid, attempt: u32) -> u64 {
    let (high, low) = id.as_u64_pair();
    let place = Service::ALL.iter().position(|other| *other == service).unwrap_or_default();
    // The upper half holds the version of the id, so the sum is no constant; zero is no step.
    (low ^ high.rotate_left(8 * place as u32) ^ u64::from(attempt)).max(1)
}

#[cfg(test)]
mod tests {
    use ecom_core::testing::ManualClock;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_taken_only_when_well_formed() {
        let text = format!("00-{TRACE}-{SPAN}-00");
        let context = Context::parse(&text).unwrap();
        assert_eq!((context.trace.as_str(), context.span.as_str(), context.flags.as_str()), (TRACE, SPAN, "00"));
        assert_eq!(context.to_string(), text);
        assert!(Context::parse(&format!("01-{TRACE}-{SPAN}-01-more")).is_some());
        for text in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-1"),
        ] {
            assert_eq!(Context::parse(&text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_step_goes_on_from_its_parent_and_nobody_waits_for_a_full_queue() {
        let (traces, mut queue) = Traces::wanted(Arc::new(ManualClock::default()));
        let parent = format!("00-{TRACE}-{SPAN}-01");
        for number in 0..QUEUE_MAX as u64 + 3 {
            let step = traces.begin(Some(&parent), number + 1).unwrap();
            assert_eq!(step.context.trace, TRACE);
            traces.end(step, (Service::Order, Kind::Consumer, "order.created".to_owned()), false, vec![]);
        }
        assert_eq!(queue.lost.load(Ordering::Relaxed), 3);
        let first = queue.spans.recv().await.unwrap();
        assert_eq!((first.parent.as_deref(), first.context.span.as_str()), (Some(SPAN), "0000000000000001"));
    }

    #[test]
    fn what_nobody_wants_is_not_begun() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        assert!(Traces::default().begin(Some(&parent), 1).is_none());
        let (traces, _queue) = Traces::wanted(Arc::new(ManualClock::default()));
        assert!(traces.begin(None, 1).is_none());
        assert!(traces.begin(Some(&format!("00-{TRACE}-{SPAN}-00")), 1).is_none(), "not sampled");
        assert!(traces.begin(Some(&parent), 1).is_some());
    }

    #[test]
    fn each_service_has_a_step_of_its_own_for_the_same_event() {
        let id = Uuid::from_u128(0x0190_0000_0000_8000_a000_0000_0000_0001);
        let steps: std::collections::BTreeSet<u64> =
            Service::ALL.into_iter().map(|service| step_of(service, id, 0)).collect();
        assert_eq!(steps.len(), Service::ALL.len());
        assert_ne!(step_of(Service::Order, id, 0), step_of(Service::Order, id, 1));
    }
}
