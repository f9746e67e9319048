//! What must hold, one file for each. To add one: write its file with a `pub(super) const` of [`Invariant`] and name it
//! in [`ALL`].

mod a_cancelled_order_stays_cancelled;
mod an_answer_is_for_its_request;
mod an_end_is_an_end;
mod an_order_is_charged_once;
mod an_order_shows_its_payment;
mod an_order_that_fails_keeps_nothing;
mod contacts_are_those_of_the_users;
mod deadlines_are_kept;
mod every_event_has_its_cause_and_arrives;
mod everything_comes_to_rest;
mod no_more_is_promised_back_than_was_taken;
mod nobody_is_told_twice;
mod notices_agree_with_the_end;
mod one_key_makes_one_order;
mod prices_are_those_of_inventory;
mod stock_adds_up;
#[cfg(test)]
mod tests;
mod the_books_agree_with_the_provider;
mod versions_rise;
mod what_a_client_sees_never_goes_back;
mod what_is_asked_for_under_a_key_happens_once;
mod what_is_complete_is_paid_and_sold;
mod what_leaves_a_process_arrives;

use std::fmt;
use std::sync::Arc;

use ecom_core::event::Service;
use ecom_core::money::Money;
use uuid::Uuid;

use crate::run::Rules;
use crate::world::{Trace, World, Written};

/// When an invariant must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After every step.
    Always,
    /// When nothing is left to happen.
    AtRest,
}

/// Something that must hold.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// As a sentence.
    pub name: &'static str,
    /// When.
    pub when: When,
    /// The services whose changes can break it.
    pub of: &'static [Service],
    /// Says the same after a step, and looks only at what the step has written; `None` where that is no less work.
    pub near: Option<fn(&World, &[Written]) -> Result<(), Broken>>,
    /// Says how it is broken.
    pub check: fn(&World) -> Result<(), Broken>,
}

impl fmt::Debug for Invariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Something of one's own that must hold, as a closure.
#[derive(Clone)]
pub struct Own {
    /// Its name and when; its own check says nothing.
    pub invariant: Invariant,
    /// Says how it is broken.
    pub check: Arc<dyn Fn(&World) -> Result<(), Broken> + Send + Sync>,
}

impl Own {
    /// From a name, as a sentence, and a closure; `of` are the services whose changes can break it.
    pub fn new(
        name: &'static str,
        when: When,
        of: &'static [Service],
        check: impl Fn(&World) -> Result<(), Broken> + Send + Sync + 'static,
    ) -> Self {
        Self { invariant: Invariant { name, when, of, near: None, check: |_| Ok(()) }, check: Arc::new(check) }
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.invariant.fmt(formatter)
    }
}

/// How an invariant is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// About what: an order, a product.
    pub subject: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub actual: String,
}

impl Broken {
    /// From words.
    pub fn new(subject: impl fmt::Display, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { subject: subject.to_string(), expected: expected.into(), actual: actual.into() }
    }
}

/// All of them.
pub const ALL: &[Invariant] = &[
    stock_adds_up::INVARIANT,
    an_order_is_charged_once::INVARIANT,
    no_more_is_promised_back_than_was_taken::INVARIANT,
    what_is_complete_is_paid_and_sold::ALWAYS,
    what_is_complete_is_paid_and_sold::AT_REST,
    an_order_that_fails_keeps_nothing::INVARIANT,
    the_books_agree_with_the_provider::INVARIANT,
    an_end_is_an_end::INVARIANT,
    one_key_makes_one_order::INVARIANT,
    a_cancelled_order_stays_cancelled::INVARIANT,
    prices_are_those_of_inventory::INVARIANT,
    notices_agree_with_the_end::INVARIANT,
    nobody_is_told_twice::INVARIANT,
    contacts_are_those_of_the_users::INVARIANT,
    deadlines_are_kept::ARMED,
    deadlines_are_kept::NOT_EARLY,
    an_order_shows_its_payment::INVARIANT,
    what_a_client_sees_never_goes_back::INVARIANT,
    an_answer_is_for_its_request::INVARIANT,
    what_is_asked_for_under_a_key_happens_once::INVARIANT,
    everything_comes_to_rest::INVARIANT,
    versions_rise::INVARIANT,
    every_event_has_its_cause_and_arrives::INVARIANT,
];

/// Looked after by whoever hands it on.
pub(crate) const UNGARBLED: Invariant = what_leaves_a_process_arrives::INVARIANT;

pub(crate) use every_event_has_its_cause_and_arrives::unfounded;

/// So much in the smallest unit of that money's currency, as money.
fn money(minor: i64, like: Money) -> Money {
    Money::new(minor, like.currency())
}

/// The place in `of` as bits.
pub(crate) fn bits(services: &[Service]) -> u8 {
    services.iter().fold(0, |bits, service| bits | 1 << *service as u8)
}

/// Whose rows of these kinds were written, each once.
pub(crate) fn subjects<'a>(
    written: &'a [Written],
    service: Service,
    kinds: &'a [&'static str],
) -> impl Iterator<Item = Uuid> + 'a {
    let ours = move |row: &Written| row.node == service as u8 && kinds.contains(&row.kind);
    let is_first = move |place: usize| !written[..place].iter().any(|it| it.key == written[place].key && ours(it));
    written.iter().enumerate().filter(move |(place, row)| ours(row) && is_first(*place)).map(|(_, row)| row.key)
}

/// The first invariant that is broken after steps that changed these services. What the trace tells row by row is looked
/// at row by row.
pub fn after_step(rules: &Rules, world: &World, trace: &Trace, changed: u8) -> Result<(), Box<(Invariant, Broken)>> {
    if let Some(broken) = trace.broken() {
        return Err(Box::new(broken.clone()));
    }
    // A planted bug may change what no transaction tells of.
    let vague = if world.settings().mutant.is_some() { u8::MAX } else { trace.vague() };
    let concerned = |it: &Invariant| it.when == When::Always && bits(it.of) & changed != 0;
    for it in rules.invariants.iter().filter(|it| concerned(it)) {
        match it.near {
            Some(near) if bits(it.of) & vague == 0 => near(world, trace.written()),
            _ => (it.check)(world),
        }
        .map_err(|broken| Box::new((*it, broken)))?;
    }
    own(rules, world, concerned)
}

/// The first invariant that is broken at rest.
pub fn at_rest(rules: &Rules, world: &World) -> Result<(), Box<(Invariant, Broken)>> {
    rules.invariants.iter().try_for_each(|it| (it.check)(world).map_err(|broken| Box::new((*it, broken))))?;
    own(rules, world, |_| true)
}

fn own(rules: &Rules, world: &World, concerned: impl Fn(&Invariant) -> bool) -> Result<(), Box<(Invariant, Broken)>> {
    let mut own = rules.own.iter().filter(|it| concerned(&it.invariant));
    own.try_for_each(|it| (it.check)(world).map_err(|broken| Box::new((it.invariant, broken))))
}
