//! Two runs of the same that differ are noticed, and shown where they part.

use std::process::Command;

use ecom_sim::run::{Rules, random};
use ecom_sim::scenario::{SELF_TESTS, Scenario};
use ecom_sim::twice::twice;

fn ecom_sim(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ecom-sim")).args(arguments).output();
    let Ok(output) = output else { panic!("the command cannot be started") };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_world_that_is_not_deterministic_is_noticed_and_shown_where_two_runs_part() {
    for name in SELF_TESTS {
        let (code, out, _) = ecom_sim(&["run", name, "--seeds", "1", "--twice"]);
        assert_eq!(code, Some(4), "{out}");
        for part in [
            &format!("seed 0, scenario {name}"),
            "DIFFERS  two runs of the same differ from step ",
            "before it, in both: hash ",
            "client 0 sends \"adjust stock\"",
            "of the first run: hash ",
            "of the second run: hash ",
            &format!("again     ecom-sim run '{name}' --from 0 --seeds 1 --twice"),
        ] {
            assert!(out.contains(part), "{part} is missing in\n{out}");
        }
        assert!(out.lines().count() <= 25, "{out}");
    }
}

#[test]
fn a_world_that_is_deterministic_has_no_difference() {
    let scenario = Scenario::named("order-cancel").expect("it is there");
    let (first, difference) = twice(|trace| random(&scenario, 7, false, trace, &Rules::default()));
    assert_eq!(difference, None);
    assert!(first.failure.is_none() && !first.trace.hashes().is_empty());
}
