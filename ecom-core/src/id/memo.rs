//! Derived ids, remembered: a simulator derives the same ones in run after run, and hashing them was a tenth of its time.

use std::cell::RefCell;

use uuid::Uuid;

use super::Derivation;

/// Ids that a thread remembers, each in the one place that its derivation has.
const PLACES: usize = 1 << 13;

/// Longer texts are not remembered.
const TEXT_MAX: usize = 48;

#[derive(Clone)]
struct Place {
    /// Producer and kind, one behind the other.
    texts: [u8; TEXT_MAX],
    lengths: [u8; 2],
    ids: [Uuid; 2],
    ordinal: u32,
    derived: Uuid,
}

thread_local! {
    static MEMO: RefCell<Vec<Option<Box<Place>>>> = RefCell::new(vec![None; PLACES]);
}

/// What `derive` makes of it, or has made of it. A function of its arguments, whoever asks and how often.
pub(super) fn remembered(of: Derivation<'_>, derive: fn(Derivation<'_>) -> Uuid) -> Uuid {
    let (producer, cause, kind, subject, ordinal) = of;
    let length = producer.len() + kind.len();
    if length > TEXT_MAX {
        return derive(of);
    }
    let mut texts = [0; TEXT_MAX];
    texts[..producer.len()].copy_from_slice(producer.as_bytes());
    texts[producer.len()..length].copy_from_slice(kind.as_bytes());
    let lengths = [producer.len() as u8, kind.len() as u8];
    let place = place(&texts, [cause, subject], ordinal);
    MEMO.with_borrow_mut(|memo| {
        let place = &mut memo[place];
        if let Some(known) = place
            && known.ids == [cause, subject]
            && (known.ordinal, known.lengths, known.texts) == (ordinal, lengths, texts)
        {
            return known.derived;
        }
        let derived = derive(of);
        let found = Place { texts, lengths, ids: [cause, subject], ordinal, derived };
        match place {
            Some(known) => **known = found,
            None => *place = Some(Box::new(found)),
        }
        derived
    })
}

fn place(texts: &[u8; TEXT_MAX], [cause, subject]: [Uuid; 2], ordinal: u32) -> usize {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0xa076_1d64_78bd_642f).rotate_left(27);
    let (cause, subject) = (cause.as_u64_pair(), subject.as_u64_pair());
    let hash = [cause.0, cause.1, subject.0, subject.1, u64::from(ordinal)].into_iter().fold(0, mix);
    let words = texts.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let hash = words.fold(hash, mix).wrapping_mul(0xe703_7ed1_a0b4_28db);
    (hash >> 40) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_was_derived() {
        let derive: fn(Derivation<'_>) -> Uuid = |(producer, cause, kind, _, _)| {
            Uuid::from_u128(cause.as_u128() * 100 + (producer.len() * 10 + kind.len()) as u128)
        };
        for _ in 0..2 {
            for cause in 1..20_000_u128 {
                let of = ("ab", Uuid::from_u128(cause), "cde", Uuid::nil(), 0);
                assert_eq!(remembered(of, derive).as_u128(), cause * 100 + 23);
            }
        }
        let of = |producer, kind| (producer, Uuid::from_u128(1), kind, Uuid::nil(), 0);
        assert_ne!(remembered(of("abc", "d"), derive), remembered(of("ab", "cd"), derive));
    }
}
