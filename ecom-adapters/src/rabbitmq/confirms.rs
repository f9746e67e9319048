//! What the broker's answers mean, window by window.
//!
//! The broker returns an unroutable message *before* it acknowledges it, and the client hands the oldest return it
//! holds to whichever confirm completes next, which may be that of another message. So a single confirm proves
//! nothing. But when **all** messages of a channel are answered, all its returns have been handed to one of them: then
//! they are matched by what they carry, and only then.

use std::collections::BTreeSet;

use ecom_core::port::Published;
use lapin::{Confirmation, Error};

use super::wire::Outgoing;

/// The results of one window, given the answers to all its messages, in order. Nothing else may be on its way on the
/// same channel.
pub(super) fn judge(window: &[&Outgoing], answers: Vec<lapin::Result<Confirmation>>) -> Vec<Published> {
    if let Some(error) = answers.iter().find_map(|answer| answer.as_ref().err()) {
        // Returns may be lost with the channel, so an acknowledgement alone is not to be trusted.
        return unknown(window.len(), &describe(error));
    }
    let mut returned = BTreeSet::new();
    let mut verdicts = Vec::with_capacity(window.len());
    for answer in answers.into_iter().flatten() {
        verdicts.push(match &answer {
            Confirmation::Ack(_) => Published::Confirmed,
            Confirmation::Nack(_) => Published::Unknown("the broker refused it: a queue is full or away".to_owned()),
            Confirmation::NotRequested => Published::Unknown("the channel does not confirm".to_owned()),
        });
        if let Some(message) = answer.take_message() {
            returned.insert((message.routing_key.to_string(), id_of(&message.properties)));
        }
    }
    for (verdict, message) in verdicts.iter_mut().zip(window) {
        if returned.contains(&(message.routing_key.to_string(), id_of(&message.properties))) {
            *verdict = Published::Unroutable;
        }
    }
    verdicts
}

/// Nothing is known of so many messages.
pub(super) fn unknown(count: usize, why: &str) -> Vec<Published> {
    vec![Published::Unknown(why.to_owned()); count]
}

fn id_of(properties: &lapin::BasicProperties) -> Option<String> {
    properties.message_id().as_ref().map(ToString::to_string)
}

fn describe(error: &Error) -> String {
    format!("the channel has ended: {error}")
}
