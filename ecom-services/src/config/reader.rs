//! Reads variables one by one and remembers what was used and what was wrong.

use std::collections::BTreeMap;
use std::path::Path;

use ecom_core::secret::Secret;

use super::Setting;
use super::value::without_password;

/// What stands in place of a secret.
const REDACTED: &str = "***";

pub(super) struct Reader<'a> {
    variables: &'a BTreeMap<String, String>,
    read_file: &'a dyn Fn(&Path) -> std::io::Result<String>,
    effective: Vec<Setting>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        variables: &'a BTreeMap<String, String>,
        read_file: &'a dyn Fn(&Path) -> std::io::Result<String>,
    ) -> Self {
        Self { variables, read_file, effective: vec![], problems: vec![] }
    }

    /// What took effect, and what is wrong.
    pub(super) fn done(self) -> (Vec<Setting>, Vec<String>) {
        (self.effective, self.problems)
    }

    /// The text of a variable. An empty one counts as absent: that is how compose files leave one out.
    pub(super) fn given(&self, name: &str) -> Option<&'a str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// Notes that a variable is not what it must be. The value is not repeated: it may be a secret.
    pub(super) fn wrong(&mut self, name: &str, expected: &str) {
        self.problem(format!("{name} must be {expected}"));
    }

    /// A variable with a default, parsed; `None`, and a problem, when it does not parse.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        default: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let given = self.given(name);
        let text = given.unwrap_or(default);
        self.show(name, without_password(text), given.is_none());
        let value = parse(text);
        if value.is_none() {
            self.wrong(name, expected);
        }
        value
    }

    /// A variable without a default, parsed.
    pub(super) fn optional<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.given(name)?;
        self.parsed(name, text, expected, parse)
    }

    /// A secret, from `NAME` or from the file that `NAME_FILE` names.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
        let text = self.secret_text(name)?;
        self.show(name, REDACTED.to_owned(), false);
        Some(Secret::new(text))
    }

    /// A URL from `NAME` or `NAME_FILE`, of which the password alone is hidden.
    pub(super) fn secret_url(&mut self, name: &str, default: Option<&str>) -> Option<String> {
        let given = self.secret_text(name);
        let is_default = given.is_none();
        let url = given.or_else(|| default.map(str::to_owned))?;
        self.show(name, without_password(&url), is_default);
        Some(url)
    }

    fn secret_text(&mut self, name: &str) -> Option<String> {
        let file_name = format!("{name}_FILE");
        let text = match (self.given(name), self.given(&file_name)) {
            (None, None) => return None,
            (Some(text), None) => text.to_owned(),
            (None, Some(path)) => match (self.read_file)(Path::new(path)) {
                Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
                Err(error) => {
                    self.problem(format!("{file_name}: cannot read {path}: {error}"));
                    return None;
                }
            },
            (Some(_), Some(_)) => {
                self.problem(format!("{name} and {file_name} are both set: keep one"));
                return None;
            }
        };
        if text.is_empty() {
            self.problem(format!("{file_name} names an empty file"));
        }
        Some(text)
    }

    fn show(&mut self, name: &str, value: String, is_default: bool) {
        self.effective.push(Setting { name: name.to_owned(), value, is_default });
    }
}
