//! Keeps the shortest lives of a record that show every kind in it, when it is asked to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ecom_core::engine::record::{lives, replay};

/// Writes the record for the machines of later releases: see `ecom-core/src/engine/record/tests.rs`.
pub(super) fn golden(record: &str) {
    if std::env::var("ECOM_GOLDEN").is_ok_and(|value| value == "write") {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ecom-core/tests/recorded/host.jsonl");
        let kept = shortest(record);
        assert_eq!(replay(&kept).unwrap().missing(), replay(record).unwrap().missing());
        std::fs::write(path, kept).unwrap();
    }
}

/// The kinds in the first lines of a life.
fn kinds(lines: &[&str]) -> BTreeSet<String> {
    replay(&lines.join("\n")).unwrap().0.into_keys().collect()
}

/// The beginnings of lives that together have every kind of the whole: again and again the shortest one that has a new
/// kind.
fn shortest(record: &str) -> String {
    let lives = lives(record).unwrap();
    let mut wanted: BTreeSet<String> = replay(record).unwrap().0.into_keys().collect();
    let mut kept = BTreeMap::<u32, usize>::new();
    while !wanted.is_empty() {
        let candidates = lives.iter().filter_map(|(life, lines)| {
            let has_new = |count: usize| !kinds(&lines[..count]).is_disjoint(&wanted);
            if !has_new(lines.len()) {
                return None;
            }
            // The kinds of a beginning only grow.
            let (mut too_short, mut enough) = (0, lines.len());
            while enough - too_short > 1 {
                let middle = too_short.midpoint(enough);
                if has_new(middle) { enough = middle } else { too_short = middle }
            }
            let known = kept.get(life).copied().unwrap_or(0);
            let size: usize = lines[known.min(enough)..enough].iter().map(|line| line.len()).sum();
            Some((size, *life, enough))
        });
        let (_, life, count) = candidates.min().expect("every kind occurs in some life");
        let longest = kept.entry(life).or_default();
        *longest = count.max(*longest);
        wanted = &wanted - &kinds(&lives[&life][..count]);
    }
    let lines: Vec<&str> = kept.into_iter().flat_map(|(life, count)| lives[&life][..count].to_vec()).collect();
    lines.join("\n") + "\n"
}
