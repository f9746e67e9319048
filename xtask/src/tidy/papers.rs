//! The papers say what is there: every path they name exists, and so does every test that holds an invariant.

use super::File;

/// The papers whose names of paths and tests are checked.
const PAPERS: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

/// Where ARCHITECTURE.md lists invariants and, in the last column, the tests that hold them.
const INVARIANTS: &str = "## Invariants";

pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut findings = vec![];
    for paper in PAPERS {
        let Some(file) = files.iter().find(|file| file.path == *paper) else {
            findings.push(format!("{paper}: missing"));
            continue;
        };
        let mut invariants = false;
        for (number, line) in file.lines() {
            if line.starts_with("## ") {
                invariants = line.trim_end() == INVARIANTS;
            }
            for name in quoted(line) {
                if is_path(name) && !exists(files, name) {
                    findings.push(format!("{paper}:{number}: `{name}` does not exist"));
                }
            }
            if invariants && line.starts_with('|') {
                let tests = line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
                for name in quoted(tests).filter(|name| is_test(name) && !has_function(files, name)) {
                    findings.push(format!("{paper}:{number}: no test is called `{name}`"));
                }
            }
        }
    }
    findings
}

/// What stands between backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether it names a file or folder of ours: one of our folders comes first.
fn is_path(name: &str) -> bool {
    let ours = [
        "ecom-core/",
        "ecom-adapters/",
        "ecom-services/",
        "ecom-sim/",
        "ecom-chaos/",
        "benches/",
        "xtask/",
        "migrations/",
    ];
    ours.iter().any(|folder| name.starts_with(folder)) && !name.contains([' ', '*', '{', '<'])
}

fn exists(files: &[File], name: &str) -> bool {
    let folder = format!("{}/", name.trim_end_matches('/'));
    files.iter().any(|file| file.path == name || file.path.starts_with(&folder))
}

fn is_test(name: &str) -> bool {
    name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn has_function(files: &[File], name: &str) -> bool {
    let definition = format!("fn {name}(");
    files.iter().any(|file| file.is_rust() && file.text.contains(&definition))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(paper: &str) -> Vec<File> {
        let mut files: Vec<File> =
            PAPERS.iter().map(|path| File { path: (*path).to_owned(), text: String::new() }).collect();
        files[1].text = paper.to_owned();
        files.push(File { path: "ecom-core/src/a.rs".to_owned(), text: "fn it_holds() {}".to_owned() });
        files
    }

    #[test]
    fn a_path_that_does_not_exist_is_found() {
        assert_eq!(check(&project("see `ecom-core/src/` and `ecom-core/src/a.rs`")), Vec::<String>::new());
        assert_eq!(check(&project("see `ecom-core/src/b.rs`")).len(), 1);
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        assert_eq!(check(&project("## Invariants\n| rule | `it_holds` |\n")), Vec::<String>::new());
        assert_eq!(check(&project("## Invariants\n| rule | `it_does_not_hold` |\n")).len(), 1);
        assert_eq!(check(&project("## Else\n| rule | `it_does_not_hold` |\n")), Vec::<String>::new());
    }
}
