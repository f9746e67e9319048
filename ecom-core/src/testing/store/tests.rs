use super::*;
use crate::testing::block_on;

#[test]
fn the_store_in_memory_passes_the_suite() {
    block_on(run(&InMemory::default()));
}

#[test]
fn a_stream_of_operations_comes_across_everything_and_repeats() {
    let tally = |seed| {
        let (one, other) = (InMemory::default(), InMemory::default());
        block_on(stream::compare(&[("one", &one), ("other", &other)], seed, 500))
    };
    let first = tally(1);
    println!("{} endings, the rarest {:?}", first.values().sum::<u32>(), first.iter().min_by_key(|(_, times)| **times));
    assert_eq!(tally(1), first);
    assert_ne!(tally(2), first);
}
