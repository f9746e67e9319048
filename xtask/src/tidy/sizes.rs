//! No source file is longer than a reader can hold in mind. (Long functions are found by clippy.)

use super::File;

/// The longest a source file may be.
const LINES_MAX: usize = 400;

/// Files that may be longer, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut findings = vec![];
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        let excepted = EXCEPTIONS.iter().any(|(path, _)| *path == file.path);
        if lines > LINES_MAX && !excepted {
            findings.push(format!("{}: {lines} lines, more than {LINES_MAX}", file.path));
        }
        if lines <= LINES_MAX && excepted {
            findings.push(format!("{}: needs no exception any more", file.path));
        }
    }
    for (path, _) in EXCEPTIONS {
        if !files.iter().any(|file| file.path == *path) {
            findings.push(format!("{path}: is excepted but does not exist"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_long_is_found() {
        let file = |lines: usize| File { path: "a/src/b.rs".to_owned(), text: "//\n".repeat(lines) };
        assert_eq!(check(&[file(LINES_MAX)]), Vec::<String>::new());
        assert_eq!(check(&[file(LINES_MAX + 1)]).len(), 1);
    }
}
