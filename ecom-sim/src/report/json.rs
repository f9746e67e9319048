//! The report as JSON, for scripts.

use serde_json::{Value, json};

use super::{Report, Without, analysis, text};

impl Report {
    /// All that the report says, as one value.
    pub fn json(&self) -> Value {
        let deviations: Vec<Value> = self
            .taken
            .iter()
            .enumerate()
            .map(|(place, (deviation, step))| {
                let without = match self.without.get(place) {
                    Some(Without::Passes) => json!({ "broken": null }),
                    Some(Without::Breaks(name)) => json!({ "broken": name }),
                    Some(Without::Fails) | None => json!({ "broken": self.failure.invariant.name }),
                };
                let words = self.words(deviation, *step);
                json!({ "deviation": deviation.to_string(), "step": step, "words": words, "without": without })
            })
            .collect();
        let broken = &self.failure.broken;
        let no_return = analysis::no_return(&self.chances).map(|(_, chance)| chance.step);
        let file = |name: &str| self.saved.as_ref().map(|dir| dir.join(name).display().to_string());
        let ids: serde_json::Map<String, Value> =
            self.names.all().map(|(name, id)| (name.to_owned(), json!(id))).collect();
        json!({
            "verdict": if self.failure.stuck { "stuck" } else { "violation" },
            "invariant": self.failure.invariant.name,
            "subject": self.names.tidy(&broken.subject),
            "expected": self.names.tidy(&broken.expected),
            "actual": self.names.tidy(&broken.actual),
            "step": self.failure.step,
            "after": text::time(self.failure.at),
            "scenario": self.recipe.scenario,
            "bug": self.bug,
            "seed": self.seed.map(|(seed, _)| seed),
            "recipe": self.recipe.to_string(),
            "hash": format!("{:032x}", self.digest),
            "deterministic": self.same,
            "shrunk": {
                "deviations": [self.before.0, self.recipe.deviations.len()],
                "commands": [self.before.1, self.scenario.commands()],
                "replays": self.replays,
            },
            "deviations": deviations,
            "last_good": self.last_good.map(|(good, _)| good),
            "broken_by": self.last_good.map(|(_, broken)| json!({ "step": broken, "words": self.what(broken) })),
            "no_return": no_return,
            "chances": self.chances.iter().map(|it| json!([it.step, it.failed, it.runs])).collect::<Vec<_>>(),
            "nearby": { "runs": self.nearby.runs, "failed": self.nearby.failed },
            "ids": ids,
            "replay": self.again,
            "report": file("report.html"),
            "test": file("regress.rs"),
        })
    }

    /// As an annotation of a run on GitHub.
    pub fn annotation(&self) -> String {
        let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
        format!("::error title={}::{}", property(self.failure.invariant.name), escaped(&self.told(false)))
    }
}
