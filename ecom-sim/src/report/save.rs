//! Keeps a report as files: the page and the regression test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::film::Film;
use super::page::Page;
use super::{Recipe, Report, Without, analysis};
use crate::choose::Deviation;
use crate::facts;
use crate::run::Rules;

/// Letters of an invariant's name that go into the folder's.
const NAME_MAX: usize = 48;

impl Report {
    /// The report as a page.
    pub fn page(&self, rules: &Rules) -> Page {
        let mut film = self.film(&self.recipe.deviations, rules);
        film.number(&self.taken);
        let passing = self.passing(&film, rules);
        Page {
            title: self.failure.invariant.name.to_owned(),
            is_stuck: self.failure.stuck,
            subject: self.subject(),
            world: self.world(),
            expected: self.names.tidy(&self.failure.broken.expected),
            actual: self.names.tidy(&self.failure.broken.actual),
            deviations: self.otherwise(),
            moments: self.moments(),
            text: self.told(false),
            again: self.again.clone(),
            test: self.test.clone(),
            film,
            passing,
            chances: self.chances.clone(),
            turned: analysis::turned(&self.chances).map(|(_, after)| after.step),
            no_return: analysis::no_return(&self.chances).map(|(_, first)| first.step),
            options: self.options(rules),
        }
    }

    fn film(&self, deviations: &[Deviation], rules: &Rules) -> Film {
        Film::of(&self.scenario, deviations, &self.failure, rules).in_words(|text| self.names.tidy(text))
    }

    /// The run that passes and parts from it last: without one of the deviations, or with others besides.
    fn passing(&self, film: &Film, rules: &Rules) -> Option<(String, Film)> {
        let all = &self.recipe.deviations;
        let passes = |place: &usize| self.without.get(*place) == Some(&Without::Passes);
        let mut others: Vec<(String, Vec<Deviation>)> = (0..all.len())
            .filter(passes)
            .map(|without| {
                let fewer = all.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, it)| *it).collect();
                (format!("Without {} it passes", all[without]), fewer)
            })
            .collect();
        if let Some(varied) = &self.nearby.passing {
            let recipe = Recipe { scenario: self.recipe.scenario.clone(), deviations: varied.clone() };
            others.push((format!("{recipe} passes"), varied.clone()));
        }
        let films = others.into_iter().map(|(what, deviations)| (what, self.film(&deviations, rules)));
        // Of several that part in the same place, the first: it has only less.
        films.rev().max_by_key(|(_, other)| film.first_difference(other))
    }

    /// What the world is made of, for whoever looks it up.
    fn options(&self, rules: &Rules) -> Vec<(String, String)> {
        let world = self.scenario.world();
        let mut options = vec![
            ("recipe".to_owned(), self.recipe.to_string()),
            ("hash".to_owned(), format!("{:032x}", self.digest)),
            (
                "deterministic".to_owned(),
                if self.same { "two runs are the same" } else { "TWO RUNS DIFFER" }.to_owned(),
            ),
            ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ];
        for (number, client) in world.clients().iter().enumerate() {
            let sent: Vec<_> =
                client.commands().iter().filter(|it| !it.is_left_out()).map(|command| format!("{command:?}")).collect();
            options.push((format!("client {number}"), sent.join(", ")));
        }
        options.push(("limits".to_owned(), format!("{:?}", rules.limits)));
        options.extend(facts::flat("", world.settings()).into_iter().map(|fact| (fact.label, fact.value)));
        options.extend(self.names.all().map(|(name, id)| (name.to_owned(), id.to_string())));
        options
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
