//! Words that must not stand in the project: left-overs, tests that cannot fail or do not run, paths of one machine.

use super::File;
use crate::root;

/// Banned everywhere, each with its reason. Written in two halves, so that this file passes its own check.
const BANNED: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "finish it or write an issue"),
    (concat!("FIX", "ME"), "finish it or write an issue"),
    (concat!("XX", "X"), "finish it or write an issue"),
    (concat!("todo", "!("), "finish it"),
    (concat!("unimplemented", "!("), "finish it"),
    (concat!("dbg", "!("), "a left-over"),
    (concat!("#[", "ignore"), "a test runs or does not exist"),
    (concat!("should_", "panic"), "assert on the error value"),
    (concat!("<<<<", "<<< "), "a merge left it"),
    (concat!(">>>>", ">>> "), "a merge left it"),
];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let home = root().to_string_lossy().into_owned();
    let mut findings = vec![];
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.lines() {
            for (word, reason) in BANNED {
                if line.contains(word) {
                    findings.push(format!("{}:{number}: `{word}`: {reason}", file.path));
                }
            }
            if line.contains(&home) {
                findings.push(format!("{}:{number}: a path of this machine", file.path));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_left_over_is_found_with_its_line() {
        let text = format!("fn main() {{\n    // {}: later\n}}\n", BANNED[0].0);
        let found = check(&[File { path: "a.rs".to_owned(), text }]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.rs:2:"), "{}", found[0]);
    }
}
