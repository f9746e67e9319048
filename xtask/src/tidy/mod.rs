//! The house rules as checks: what a reviewer would otherwise have to look for by hand.

mod contexts;
mod layers;
mod papers;
mod sizes;
mod words;

use std::path::{Path, PathBuf};

use crate::root;
use crate::step::Outcome;

/// A text file of the project.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    path: String,
    /// What it says.
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.extension() == Some("rs")
    }

    fn extension(&self) -> Option<&str> {
        Path::new(&self.path).extension()?.to_str()
    }

    /// Its lines with their numbers, counted from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// Runs all checks; every broken rule is one line on standard error.
pub(crate) fn report() -> Outcome {
    let findings = check();
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() { Ok(()) } else { Err(format!("{} house rule(s) broken", findings.len())) }
}

/// All checks over all files.
fn check() -> Vec<String> {
    let files = match files() {
        Ok(files) => files,
        Err(error) => return vec![format!("the project cannot be read: {error}")],
    };
    [sizes::check(&files), layers::check(&files), words::check(&files), contexts::check(&files), papers::check(&files)]
        .concat()
}

/// The text files of the project, in order of their paths; what is built or hidden is left out, `.ci` is not.
fn files() -> std::io::Result<Vec<File>> {
    let root = root();
    let mut found = vec![];
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !matches!(name.as_str(), "target" | "ecom-data" | ".git") {
                    folders.push(entry.path());
                }
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(entry.path())
            {
                found.push(File { path: relative(&root, &entry.path()), text });
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

fn relative(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).components();
    parts.collect::<PathBuf>().to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_rules_hold() {
        let findings = check();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}
