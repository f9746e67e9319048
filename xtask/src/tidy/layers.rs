//! Dependencies point inwards: core ← adapters ← services, simulator → core only; and inside the core, values ← events
//! and decisions ← contexts, which do not know each other.

use super::File;

/// Which of our crates each of our crates may name in its manifest (outside of tests).
const CRATES: &[(&str, &[&str])] = &[
    ("ecom-core", &[]),
    ("ecom-adapters", &["ecom-core"]),
    ("ecom-services", &["ecom-core", "ecom-adapters"]),
    ("ecom-sim", &["ecom-core"]),
    ("ecom-chaos", &["ecom-core", "ecom-services", "test-servers"]),
    ("benches", &["ecom-core", "ecom-adapters", "ecom-services", "ecom-sim"]),
    ("test-servers", &[]),
    ("xtask", &[]),
];

/// The values: they know each other alone.
const VALUES: &[&str] = &["email", "id", "money", "quantity", "time"];

/// The bounded contexts: none knows another.
pub(super) const CONTEXTS: &[&str] = &["inventory", "notification", "order", "payment", "user"];

/// Shared parts of the core that must not know any context.
const SHARED: &[&str] = &["decide", "engine", "event", "fleet", "policy", "port", "saga"];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut findings = vec![];
    for file in files {
        if let Some((name, allowed)) = CRATES.iter().find(|(name, _)| file.path == format!("{name}/Cargo.toml")) {
            findings.extend(manifest(file, name, allowed));
        }
        if let Some(inner) = file.path.strip_prefix("ecom-core/src/") {
            let module = inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs");
            findings.extend(imports(file, module));
        }
    }
    findings
}

/// Our crates in `[dependencies]` that the crate may not depend on.
fn manifest(file: &File, name: &str, allowed: &[&str]) -> Vec<String> {
    let mut section = "";
    let mut findings = vec![];
    for (number, line) in file.lines() {
        if line.starts_with('[') {
            section = line.trim_end();
        }
        let key = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let ours = CRATES.iter().any(|(other, _)| *other == key);
        if section == "[dependencies]" && ours && !allowed.contains(&key) {
            findings.push(format!("{}:{number}: {name} must not depend on {key}", file.path));
        }
    }
    findings
}

/// `crate::` paths of the core that point the wrong way.
fn imports(file: &File, module: &str) -> Vec<String> {
    let mut findings = vec![];
    for (number, line) in file.lines() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        for target in code.split("crate::").skip(1).flat_map(targets) {
            let wrong = if VALUES.contains(&module) {
                !VALUES.contains(&target)
            } else if CONTEXTS.contains(&module) {
                CONTEXTS.contains(&target) && target != module
            } else {
                SHARED.contains(&module) && CONTEXTS.contains(&target)
            };
            if wrong {
                findings.push(format!("{}:{number}: {module} must not know {target}", file.path));
            }
        }
    }
    findings
}

/// The first segments after `crate::`: one name, or those of a group in braces.
fn targets(rest: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    match rest.strip_prefix('{') {
        Some(group) => group
            .split(',')
            .map(str::trim_start)
            .map(|item| &item[..word(item)])
            .filter(|name| !name.is_empty())
            .collect(),
        None => vec![&rest[..word(rest)]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&[File { path: path.to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn a_manifest_that_points_outwards_is_found() {
        assert_eq!(findings("ecom-adapters/Cargo.toml", "[dependencies]\necom-core.workspace = true\n"), 0);
        assert_eq!(findings("ecom-core/Cargo.toml", "[dependencies]\necom-adapters = { path = \"x\" }\n"), 1);
        assert_eq!(findings("ecom-sim/Cargo.toml", "[dependencies]\necom-services.workspace = true\n"), 1);
        assert_eq!(findings("ecom-sim/Cargo.toml", "[dev-dependencies]\necom-adapters.workspace = true\n"), 0);
    }

    #[test]
    fn a_context_that_knows_another_is_found() {
        assert_eq!(findings("ecom-core/src/order/rules.rs", "use crate::order::model::Order;\n"), 0);
        assert_eq!(findings("ecom-core/src/order/rules.rs", "use crate::payment::model::Payment;\n"), 1);
        assert_eq!(findings("ecom-core/src/order/rules.rs", "use crate::{money::Money, payment::Payment};\n"), 1);
        assert_eq!(findings("ecom-core/src/order/mod.rs", "//! See crate::payment for the money.\n"), 0);
        assert_eq!(findings("ecom-core/src/engine/relay.rs", "use crate::order::Order;\n"), 1);
        assert_eq!(findings("ecom-core/src/money.rs", "use crate::event::Event;\n"), 1);
    }
}
