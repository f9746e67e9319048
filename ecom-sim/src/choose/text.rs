//! Deviations as text: `payment.call.1=unknown-done`, `inventory.deliver.2=+1`, `@31=order.clock`.

use std::fmt;
use std::str::FromStr;

use ecom_core::event::Service;
use thiserror::Error;

use super::{Deviation, Fate, Op, Pick, Site};
use crate::world::{Action, Lane, Trouble};

/// A text that does not say what went otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// This is no deviation.
    #[error(
        "{0:?} is not a deviation; one looks like payment.call.1=unknown-done, inventory.deliver.2=+1 or @31=order.clock"
    )]
    Unknown(String),
    /// This choice goes otherwise in two ways.
    #[error("{0} is given twice; each choice deviates only once")]
    Twice(String),
}

impl ParseError {
    /// The place that two deviations share.
    pub(crate) fn twice((site, at): (Site, u32)) -> Self {
        Self::Twice(if site == Site::SCHEDULE {
            format!("@{at}")
        } else {
            format!("{}.{}.{at}", node_word(site.node), site.op.word())
        })
    }
}

pub(super) fn write(deviation: &Deviation, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Deviation { site, at, pick } = deviation;
    match pick {
        Pick::Action(action) => write!(formatter, "@{at}={action}"),
        Pick::Fate(fate) => write!(formatter, "{}.{}.{at}={}", node_word(site.node), site.op.word(), fate.word()),
        Pick::Message(place) => write!(formatter, "{}.{}.{at}=+{place}", node_word(site.node), site.op.word()),
    }
}

impl FromStr for Deviation {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text.trim()).ok_or_else(|| ParseError::Unknown(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Deviation> {
    let (place, pick) = text.split_once('=')?;
    if let Some(at) = place.strip_prefix('@') {
        let pick = Pick::Action(pick.parse().ok()?);
        return Some(Deviation { site: Site::SCHEDULE, at: number(at)?, pick });
    }
    let mut parts = place.split('.');
    let node = node_of(parts.next()?)?;
    let op = parts.next()?;
    let op = Op::ALL.into_iter().find(|known| known.word() == op)?;
    let at = number(parts.next()?)?;
    let pick = if let Some(place) = pick.strip_prefix('+') {
        Pick::Message(place.parse().ok().filter(|place| *place > 0)?)
    } else {
        Pick::Fate(Fate::ALL.into_iter().find(|fate| fate.word() == pick && *fate != Fate::Fine)?)
    };
    parts.next().is_none().then_some(Deviation { site: Site { node, op }, at, pick })
}

/// A choice's number: they are counted from 1.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|at| *at > 0)
}

/// The word for a service's number.
pub(crate) fn node_word(node: u8) -> &'static str {
    Service::ALL.get(usize::from(node)).map_or("world", |service| service.short_name())
}

/// A service's number from its word.
pub(crate) fn node_of(word: &str) -> Option<u8> {
    Service::ALL.iter().position(|service| service.short_name() == word).map(|node| node as u8)
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { node, copy, lane } => write!(formatter, "{}.{lane}", Process(*node, *copy)),
            Self::Crash { node, copy } => write!(formatter, "{}.crash", Process(*node, *copy)),
            Self::Trouble { node, trouble } => write!(formatter, "{}.{}", node_word(*node), trouble.word()),
            Self::Arrive { node, which } => write!(formatter, "{}.arrive{which}", node_word(*node)),
            Self::Client(client) => write!(formatter, "client{client}"),
            Self::Elapse(which) => write!(formatter, "time{which}"),
        }
    }
}

struct Process(u8, u8);

impl fmt::Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(node, 0) => formatter.write_str(node_word(*node)),
            Self(node, copy) => write!(formatter, "{}:{copy}", node_word(*node)),
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consumer => formatter.write_str("consumer"),
            Self::Relay => formatter.write_str("relay"),
            Self::Effector => formatter.write_str("effector"),
            Self::Clock => formatter.write_str("clock"),
            Self::Flush => formatter.write_str("flush"),
            Self::Call(number) => write!(formatter, "call{number}"),
            Self::Command(client) => write!(formatter, "command{client}"),
        }
    }
}

impl FromStr for Action {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_action(text).ok_or_else(|| ParseError::Unknown(text.to_owned()))
    }
}

fn parse_action(text: &str) -> Option<Action> {
    if let Some(client) = text.strip_prefix("client") {
        return client.parse().ok().map(Action::Client);
    }
    if let Some(which) = text.strip_prefix("time") {
        return which.parse().ok().map(Action::Elapse);
    }
    let (process, lane) = text.split_once('.')?;
    let (service, copy) = process.split_once(':').unwrap_or((process, "0"));
    let (node, copy) = (node_of(service)?, copy.parse().ok()?);
    if let Some(which) = lane.strip_prefix("arrive") {
        return Some(Action::Arrive { node, which: which.parse().ok()? });
    }
    if let Some((trouble, _)) = Trouble::ALL.iter().find(|(_, word)| *word == lane) {
        return Some(Action::Trouble { node, trouble: *trouble });
    }
    let lane = match lane {
        "crash" => return Some(Action::Crash { node, copy }),
        "consumer" => Lane::Consumer,
        "relay" => Lane::Relay,
        "effector" => Lane::Effector,
        "clock" => Lane::Clock,
        "flush" => Lane::Flush,
        _ => match (lane.strip_prefix("call"), lane.strip_prefix("command")) {
            (Some(number), _) => Lane::Call(number.parse().ok()?),
            (None, Some(client)) => Lane::Command(client.parse().ok()?),
            (None, None) => return None,
        },
    };
    Some(Action::Run { node, copy, lane })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_survives_the_text() {
        for text in [
            "payment.call.1=unknown-done",
            "payment.call.2=refused",
            "order.publish.1=returned",
            "inventory.deliver.2=+1",
            "@31=order.clock",
            "@5=order:1.relay",
            "@7=payment.call2",
            "@8=order.crash",
            "@9=client1",
            "@9=order.clock-20s",
            "@9=inventory.cut60s",
            "@9=payment.drift-5%",
            "@10=time0",
            "@11=payment.arrive0",
            "@12=order:1.command3",
        ] {
            let deviation: Deviation = text.parse().unwrap();
            assert_eq!(deviation.to_string(), text);
        }
        for text in [
            "",
            "payment.call.1",
            "payment.call.x=late",
            "payment.call.0=late",
            "payment.call.1.2=late",
            "payment.call.1=fine",
            "nobody.call.1=late",
            "inventory.deliver.1=+0",
            "@1=order.nothing",
            "@0=time0",
            "@x=time0",
        ] {
            assert!(text.parse::<Deviation>().is_err(), "{text}");
        }
    }
}
