//! What is still to be expanded, and what of it comes next.

use std::collections::VecDeque;

/// In which order worlds are expanded. What is reached in the end is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Whichever is nearest to the beginning: the first counterexample has the fewest steps.
    #[default]
    Steps,
    /// Whichever came about by the fewest deviations from what happens when nothing is chosen: long runs in which
    /// hardly anything goes otherwise come first, and so do counterexamples that are long and yet simple.
    Deviations,
}

/// Worlds in order.
#[derive(Debug)]
pub(super) struct Frontier<T> {
    order: Order,
    /// Those of as many deviations.
    ranks: Vec<VecDeque<T>>,
    /// How many deviations those have that go on now.
    rank: usize,
}

impl<T> Frontier<T> {
    pub(super) const fn new(order: Order) -> Self {
        Self { order, ranks: vec![], rank: 0 }
    }

    pub(super) fn push(&mut self, deviations: usize, item: T) {
        if self.ranks.len() <= deviations {
            self.ranks.resize_with(deviations + 1, VecDeque::new);
        }
        match self.order {
            Order::Steps => self.ranks[0].push_back(item),
            // It goes on until it ends, before the next begins to differ.
            Order::Deviations if deviations == self.rank => self.ranks[deviations].push_front(item),
            Order::Deviations => self.ranks[deviations].push_back(item),
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.rank = self.ranks.iter().position(|rank| !rank.is_empty())?;
        self.ranks.get_mut(self.rank)?.pop_front()
    }
}
