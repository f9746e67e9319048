//! Gives machines the answers of a record and compares what they ask for.

use std::collections::BTreeMap;
use std::fmt;

use super::{Kind, Line, Machine};
use crate::engine::clockwork::Clockwork;
use crate::engine::consumer::{self, Consumer};
use crate::engine::effector::{Call, Effector};
use crate::engine::relay::{self, Relay};

/// How often each kind of request and completion occurs: `consumer > settle`, `consumer < settled`, and what is in them:
/// `consumer < transacted: stayed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count(pub BTreeMap<String, u64>);

impl Count {
    /// The kinds of all machines that do not occur.
    pub fn missing(&self) -> Vec<String> {
        let all = words::<Consumer>()
            .chain(words::<Relay>())
            .chain(words::<Effector>())
            .chain(words::<Call>())
            .chain(words::<Clockwork>());
        all.filter(|word| !self.0.contains_key(word)).collect()
    }

    fn note(&mut self, word: String) {
        *self.0.entry(word).or_default() += 1;
    }
}

fn words<M: Machine>() -> impl Iterator<Item = String> {
    let requests = M::Request::WORDS.iter().map(|word| format!("{} > {word}", M::NAME));
    let completions = M::Completion::WORDS.iter().map(|word| format!("{} < {word}", M::NAME));
    requests.chain(completions)
}

/// Where a record and the machines differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Differs {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: What,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It is not a line of a record, or these machines cannot read it.
    Unreadable(String),
    /// The host answered something that is no answer to what it was asked.
    NoAnswer {
        /// What the machine had asked for.
        request: String,
        /// What came.
        completion: String,
    },
    /// The machine asks for something else than it did.
    Asks {
        /// What it asks for now.
        now: String,
        /// What it asked for.
        then: String,
    },
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(formatter, "not readable: {error}"),
            Self::NoAnswer { request, completion } => {
                write!(formatter, "{completion} is no answer to {request}")
            }
            Self::Asks { now, then } => {
                write!(formatter, "the machine asks for\n  {now}\nand the record says\n  {then}")
            }
        }
    }
}

/// A machine under way, whichever it is.
trait Life {
    fn go_on(&mut self, line: &Line<'_>, count: &mut Count) -> Result<(), What>;
}

struct Living<M: Machine> {
    machine: M,
    request: M::Request,
}

impl<M: Machine> Living<M> {
    fn first(line: &Line<'_>, count: &mut Count) -> Result<Self, What> {
        let setup = line.setup.as_ref().ok_or_else(|| What::Unreadable("a first line without a setup".to_owned()))?;
        let machine = M::make(serde_json::from_str(setup.get())?);
        let request = machine.begin();
        let life = Self { machine, request };
        life.compare(line, count)?;
        Ok(life)
    }

    fn compare(&self, line: &Line<'_>, count: &mut Count) -> Result<(), What> {
        let then: M::Request = serde_json::from_str(line.request.get())?;
        if then != self.request {
            return Err(What::Asks { now: format!("{:?}", self.request), then: format!("{then:?}") });
        }
        count.note(format!("{} > {}", M::NAME, self.request.word()));
        Ok(())
    }
}

impl<M: Machine> Life for Living<M>
where
    M::Completion: Contents,
{
    fn go_on(&mut self, line: &Line<'_>, count: &mut Count) -> Result<(), What> {
        let text = line.completion.as_ref().map_or("null", |completion| completion.get());
        let completion: M::Completion = serde_json::from_str(text)?;
        if !M::fits(&self.request, &completion) {
            let (request, completion) = (format!("{:?}", self.request), format!("{completion:?}"));
            return Err(What::NoAnswer { request, completion });
        }
        let word = completion.word();
        count.note(format!("{} < {word}", M::NAME));
        for inner in completion.contents() {
            count.note(format!("{} < {word}: {inner}", M::NAME));
        }
        self.request = self.machine.proceed(completion);
        self.compare(line, count)
    }
}

/// What is in a completion.
trait Contents {
    fn contents(&self) -> Vec<&'static str> {
        vec![]
    }
}

impl Contents for consumer::Completion {
    fn contents(&self) -> Vec<&'static str> {
        match self {
            Self::Received(deliveries) => deliveries.iter().map(|delivery| delivery.body.word()).collect(),
            Self::Transacted(verdicts) => verdicts.iter().map(Kind::word).collect(),
            _ => vec![],
        }
    }
}

impl Contents for relay::Completion {
    fn contents(&self) -> Vec<&'static str> {
        match self {
            Self::Published(results) => results.iter().map(Kind::word).collect(),
            _ => vec![],
        }
    }
}

impl Contents for crate::engine::effector::Completion {}
impl Contents for crate::engine::effector::CallCompletion {}
impl Contents for crate::engine::clockwork::Completion {}

impl From<serde_json::Error> for What {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

fn begin(line: &Line<'_>, count: &mut Count) -> Result<Box<dyn Life>, What> {
    fn boxed<M: Machine + 'static>(line: &Line<'_>, count: &mut Count) -> Result<Box<dyn Life>, What>
    where
        M::Completion: Contents,
    {
        Ok(Box::new(Living::<M>::first(line, count)?))
    }
    match line.machine.as_deref() {
        Some(Consumer::NAME) => boxed::<Consumer>(line, count),
        Some(Relay::NAME) => boxed::<Relay>(line, count),
        Some(Effector::NAME) => boxed::<Effector>(line, count),
        Some(Call::NAME) => boxed::<Call>(line, count),
        Some(Clockwork::NAME) => boxed::<Clockwork>(line, count),
        Some(other) => Err(What::Unreadable(format!("there is no machine {other:?}"))),
        None => Err(What::Unreadable("a life without a first line".to_owned())),
    }
}

/// Replays a record: how often each kind occurs, or the first line on which the machines do not go the recorded way.
pub fn replay(record: &str) -> Result<Count, Differs> {
    let (mut count, mut lives) = (Count::default(), BTreeMap::<u32, Box<dyn Life>>::new());
    for (number, text) in (1..).zip(record.lines()) {
        let mut step = || {
            let line: Line<'_> = serde_json::from_str(text)?;
            match lives.get_mut(&line.life) {
                Some(life) => life.go_on(&line, &mut count),
                None => begin(&line, &mut count).map(|life| drop(lives.insert(line.life, life))),
            }
        };
        step().map_err(|what| Differs { line: number, what })?;
    }
    Ok(count)
}

/// The lines of a record by the life that they are of. Each life is a record of its own.
pub fn lives(record: &str) -> Result<BTreeMap<u32, Vec<&str>>, Differs> {
    let mut lives = BTreeMap::<u32, Vec<&str>>::new();
    for (number, text) in (1..).zip(record.lines()) {
        let line = serde_json::from_str::<Line<'_>>(text);
        let line = line.map_err(|error| Differs { line: number, what: error.into() })?;
        lives.entry(line.life).or_default().push(text);
    }
    Ok(lives)
}
