//! What the command line says, and how it ends: scripts go by the exit codes.

use std::process::Command;

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ecom_sim(arguments: &[&str]) -> Said {
    let target = std::env::temp_dir().join(format!("ecom-sim-cli-{}", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecom-sim"));
    let output = command.args(arguments).env("CARGO_TARGET_DIR", &target).output();
    let Ok(output) = output else { panic!("the command cannot be started") };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

#[test]
fn the_exit_code_tells_how_it_ended() {
    for (arguments, code) in [
        ("replay one-order", 0),
        ("run one-order --seeds 20 --twice", 0),
        ("replay order-cancel~payment.call.1=unknown-done --bug charge-fresh-key", 1),
        ("run order-cancel --seeds 400 --bug charge-fresh-key", 1),
        ("replay nothing", 2),
        ("replay refund-unheard --bug undo-takes-all", 3),
        ("run self-test-counter --seeds 1 --twice", 4),
        ("coverage --runs 20 --states 20", 5),
    ] {
        let said = ecom_sim(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(said.code, Some(code), "{arguments}\n{}{}", said.out, said.err);
    }
}

#[test]
fn what_makes_no_sense_is_told_in_one_line() {
    for (arguments, told) in [
        ("replay nothing", "no scenario is named \"nothing\""),
        ("replay one-order-7", "one-order has nothing that \"-7\" could leave out of it"),
        ("replay one-order~nonsense", "\"nonsense\" is not a deviation"),
        ("replay one-order --bug nonsense", "no planted bug is named \"nonsense\""),
        (
            "replay one-order --bug fields-dropped",
            "one-order cannot have the bug \"fields-dropped\": that is one of upgrade-field-one",
        ),
        ("run all --bug fields-dropped", "cannot have the bug"),
        ("run shop --bug fields-dropped", "cannot have the bug"),
        ("replay 7 --bug fields-dropped", "cannot have the bug"),
        ("shrink one-order~payment.call.1=late --bug fields-dropped", "cannot have the bug"),
        ("run nothing", "no scenario is named \"nothing\""),
        ("mutants nothing", "no planted bug has \"nothing\" in its name"),
        ("run one-order --seeds 0", "there is nothing to run"),
    ] {
        let said = ecom_sim(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!((said.code, said.err.lines().count(), said.out.as_str()), (Some(2), 1, ""), "{arguments}");
        assert!(said.err.contains(told), "{arguments}: {}", said.err);
    }
}

#[test]
fn a_replay_stops_where_it_is_told_to_and_shows_the_state() {
    let said = ecom_sim(&["replay", "one-order", "--until", "3", "--dump"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("no invariant is broken so far: 3 steps, hash "), "{}", said.out);
    assert!(said.out.contains("order publishes order.created") && !said.out.contains("inventory gets order.created"));
    assert!(said.out.contains("\norder {\n") && said.out.contains("\npayment {\n"), "{}", said.out);
    // A failure that comes before is told, one that comes behind is not.
    let bug = ["replay", "order-cancel~payment.call.1=unknown-done", "--bug", "charge-fresh-key", "--until"];
    let codes = ["10", "400"].map(|until| ecom_sim(&[&bug[..], &[until]].concat()).code);
    assert_eq!(codes, [Some(0), Some(1)]);
}

#[test]
fn a_seed_is_replayed_as_run_drew_it() {
    let hashes = ecom_sim(&["run", "all", "--from", "39", "--seeds", "1", "--hashes"]).out;
    let hash = hashes.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default().to_owned();
    let said = ecom_sim(&["replay", "39"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains(&format!("hash {}", &hash[16..])), "{hashes}{}", said.out);
    // What it drew is told, and replays.
    let recipe = said.out.lines().find_map(|line| line.strip_prefix("replay    '")?.strip_suffix('\'')).unwrap();
    let again = ecom_sim(&["replay", recipe]);
    assert!(again.out.contains(&format!("hash {}", &hash[16..])), "{}", again.out);
    let by_name = ecom_sim(&["replay", recipe.split('~').next().unwrap(), "--seed", "0x27"]);
    assert_eq!(by_name.out, said.out);
}
