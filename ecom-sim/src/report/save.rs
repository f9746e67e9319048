//! Keeps a report as files: the page and the regression test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::film::Film;
use super::html::Page;
use super::{Recipe, Report};
use crate::run::{Rules, replay};
use crate::world::Trace;

/// Letters of an invariant's name that go into the folder's.
const NAME_MAX: usize = 48;

impl Report {
    /// The report as a page.
    pub fn page(&self, rules: &Rules) -> Page {
        let scenario = &self.scenario;
        let film = Film::of(scenario, &self.recipe.deviations, rules);
        let all = &self.recipe.deviations;
        let passes = |without: usize| {
            let fewer: Vec<_> = all.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, it)| *it).collect();
            let finished = replay(scenario, &fewer, Trace::default(), rules);
            finished.failure.is_none().then(|| (all[without].to_string(), Film::of(scenario, &fewer, rules)))
        };
        // The last to part from it is the nearest.
        let passing = (0..all.len()).filter_map(passes).max_by_key(|(_, other)| film.first_difference(other));
        Page {
            title: self.failure.invariant.name.to_owned(),
            text: self.told(false),
            again: self.again.clone(),
            test: self.test.clone(),
            film,
            passing,
        }
    }

    /// Writes `report.html` and `regress.rs` into a folder of their own below the build's, and remembers it.
    pub fn save(&mut self, rules: &Rules) -> io::Result<()> {
        let slug = slug(self.failure.invariant.name);
        let dir = target().join("ecom-sim").join(format!("{slug}-{:08x}", self.digest as u32));
        self.save_in(&dir, rules)?;
        // Shorter to read and to paste, where it is below.
        let here = std::env::current_dir().unwrap_or_default();
        self.saved = dir.strip_prefix(&here).map(Path::to_owned).ok().or(Some(dir));
        Ok(())
    }

    /// The same into that folder.
    pub fn save_in(&mut self, dir: &Path, rules: &Rules) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("report.html"), self.page(rules).html())?;
        fs::write(dir.join("regress.rs"), &self.test)?;
        self.saved = Some(dir.to_owned());
        Ok(())
    }
}

/// A regression test of the shop.
pub(super) fn test(invariant: &str, recipe: &Recipe, bug: Option<&str>) -> String {
    let planted = bug.map(|bug| format!("/// Found with the planted bug {bug}; without it, it passes.\n"));
    format!(
        "/// {invariant}\n{}#[test]\nfn {}() {{\n    ecom_sim::report::assert_holds(\"{recipe}\");\n}}\n",
        planted.unwrap_or_default(),
        slug(invariant)
    )
}

/// A sentence as the name of a function or folder.
pub(crate) fn slug(sentence: &str) -> String {
    let mut slug = String::new();
    for letter in sentence.chars() {
        match letter {
            _ if slug.len() >= NAME_MAX => break,
            'a'..='z' | '0'..='9' => slug.push(letter),
            'A'..='Z' => slug.push(letter.to_ascii_lowercase()),
            _ if slug.is_empty() || slug.ends_with('_') => {}
            _ => slug.push('_'),
        }
    }
    slug.trim_end_matches('_').to_owned()
}

/// The build's folder: the nearest one upwards that a build has marked.
#[expect(clippy::disallowed_methods, reason = "where a report is kept changes no run")]
fn target() -> PathBuf {
    if let Some(told) = std::env::var_os("CARGO_TARGET_DIR") {
        return PathBuf::from(told);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let marked = here.ancestors().map(|dir| dir.join("target")).find(|dir| dir.join("CACHEDIR.TAG").is_file());
    marked.unwrap_or_else(|| PathBuf::from("target"))
}
