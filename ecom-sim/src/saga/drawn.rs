//! How a strategy came to a story, as a short text: the story again, whatever its types are.

use std::fmt::{self, Debug};
use std::str::FromStr;

use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use thiserror::Error;

use crate::hash::fingerprint;

/// How a story was drawn and shrunk, and what it looked like: `1f-s3cs-0badcafe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    seed: u64,
    moves: Vec<Move>,
    print: u32,
}

/// A step of shrinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// The strategy made it simpler, or tried to.
    Simpler,
    /// That was too much.
    Back,
}

/// Why a text leads to no story.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotDrawn {
    /// It is not such a text.
    #[error("{0:?} does not say how a story is drawn: that looks like 1f-s3cs-0badcafe")]
    Text(String),
    /// The strategy refuses.
    #[error("the story cannot be drawn: {0}")]
    Refused(String),
    /// The strategy is another one by now.
    #[error("the strategy has changed, and no longer draws the story of this test, but {0}")]
    Another(String),
}

impl Drawn {
    /// From a seed, and these steps since.
    pub(super) fn new(seed: u64, moves: &[Move], story: &impl Debug) -> Self {
        Self { seed, moves: moves.to_vec(), print: print(story) }
    }

    /// The story again.
    pub(super) fn story<T: Strategy>(&self, stories: &T) -> Result<T::Value, NotDrawn> {
        let mut tree = tree(stories, self.seed).map_err(|reason| NotDrawn::Refused(reason.to_string()))?;
        for step in &self.moves {
            let _moved = match step {
                Move::Simpler => tree.simplify(),
                Move::Back => tree.complicate(),
            };
        }
        let story = tree.current();
        if print(&story) == self.print { Ok(story) } else { Err(NotDrawn::Another(format!("{story:?}"))) }
    }
}

/// What a strategy draws from a seed of its own, whatever else is drawn.
pub(super) fn tree<T: Strategy>(stories: &T, seed: u64) -> NewTree<T> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    stories.new_tree(&mut TestRunner::new_with_rng(Config::default(), rng))
}

fn print(story: &impl Debug) -> u32 {
    fingerprint(&format!("{story:?}")) as u32
}

impl Move {
    const fn letter(self) -> char {
        match self {
            Self::Simpler => 's',
            Self::Back => 'c',
        }
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}-", self.seed)?;
        for run in self.moves.chunk_by(|one, next| one == next) {
            write!(formatter, "{}", run[0].letter())?;
            if run.len() > 1 {
                write!(formatter, "{}", run.len())?;
            }
        }
        write!(formatter, "-{:08x}", self.print)
    }
}

impl FromStr for Drawn {
    type Err = NotDrawn;

    fn from_str(text: &str) -> Result<Self, NotDrawn> {
        let wrong = || NotDrawn::Text(text.to_owned());
        let mut parts = text.split('-');
        let (Some(seed), Some(moves), Some(print), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let seed = u64::from_str_radix(seed, 16).map_err(|_| wrong())?;
        let print = u32::from_str_radix(print, 16).map_err(|_| wrong())?;
        Ok(Self { seed, moves: steps(moves).ok_or_else(wrong)?, print })
    }
}

/// More steps of shrinking than proptest takes by itself.
const STEPS_MAX: usize = 1 << 16;

fn steps(mut text: &str) -> Option<Vec<Move>> {
    let mut moves = vec![];
    while let Some(letter) = text.chars().next() {
        let step = [Move::Simpler, Move::Back].into_iter().find(|step| step.letter() == letter)?;
        text = &text[1..];
        let digits = text.len() - text.trim_start_matches(|it: char| it.is_ascii_digit()).len();
        let count = if digits == 0 { 1 } else { text[..digits].parse().ok()? };
        text = &text[digits..];
        if moves.len().checked_add(count)? > STEPS_MAX {
            return None;
        }
        moves.extend(std::iter::repeat_n(step, count));
    }
    Some(moves)
}

#[cfg(test)]
mod tests {
    use proptest::collection;
    use proptest::prelude::any;

    use super::*;

    #[test]
    fn a_story_is_drawn_again_from_its_text_after_any_steps_of_shrinking() {
        let stories = collection::vec(any::<u16>(), 0..9);
        for seed in 0..50 {
            let (mut tree, mut moves) = (tree(&stories, seed).unwrap(), vec![]);
            for number in 0..seed {
                let step = if number % 3 == 2 { Move::Back } else { Move::Simpler };
                let _moved = if step == Move::Back { tree.complicate() } else { tree.simplify() };
                moves.push(step);
            }
            let (drawn, story) = (Drawn::new(seed, &moves, &tree.current()), tree.current());
            let text = drawn.to_string();
            assert_eq!(text.parse(), Ok(drawn.clone()), "{text}");
            assert_eq!(drawn.story(&stories), Ok(story), "{text}");
        }
    }

    #[test]
    fn a_strategy_that_has_changed_is_told_and_so_is_a_text_that_is_none() {
        let (before, now) = (collection::vec(any::<u16>(), 3..9), collection::vec(any::<u8>(), 3..9));
        let drawn = Drawn::new(7, &[], &tree(&before, 7).unwrap().current());
        assert!(matches!(drawn.story(&now), Err(NotDrawn::Another(_))));
        for wrong in ["", "1f", "1f-s3", "1f-x-0", "xyz-s-0", "1f-s99999999-0", "1f-s-0-0", "1f-é-0"] {
            assert_eq!(wrong.parse::<Drawn>(), Err(NotDrawn::Text(wrong.to_owned())));
        }
    }
}
