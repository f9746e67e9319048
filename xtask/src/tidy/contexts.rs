//! Every bounded context is a folder with the same files, so that who knows one knows all.

use super::File;
use super::layers::CONTEXTS;

/// The files of a context, in the order in which to read them.
const FILES: &[&str] = &["mod.rs", "model.rs", "message.rs", "rules.rs", "error.rs", "store.rs", "view.rs", "tests.rs"];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let has = |path: &str| files.iter().any(|file| file.path == path);
    let mut findings = vec![];
    for context in CONTEXTS {
        for name in FILES {
            let path = format!("ecom-core/src/{context}/{name}");
            // A file that grew past its size becomes a folder of the same name.
            let folder = format!("{}/mod.rs", path.trim_end_matches(".rs"));
            if !has(&path) && !has(&folder) {
                findings.push(format!("{path}: missing; every context has the same files"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_found_and_a_folder_in_its_place_is_not() {
        let file = |path: String| File { path, text: String::new() };
        let all = || CONTEXTS.iter().flat_map(|c| FILES.iter().map(move |f| format!("ecom-core/src/{c}/{f}")));
        assert_eq!(check(&all().map(file).collect::<Vec<_>>()), Vec::<String>::new());
        assert_eq!(check(&all().skip(1).map(file).collect::<Vec<_>>()).len(), 1);
        let folder = all().map(|path| path.replace("order/tests.rs", "order/tests/mod.rs"));
        assert_eq!(check(&folder.map(file).collect::<Vec<_>>()), Vec::<String>::new());
    }
}
