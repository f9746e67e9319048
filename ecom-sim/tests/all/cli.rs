//! What the command line says, and how it ends: scripts go by the exit codes.

use std::process::{Child, Command, Output, Stdio};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ecom_sim(arguments: &[&str]) -> Said {
    ecom_sim_in(arguments, &[("GITHUB_ACTIONS", None)])
}

fn ecom_sim_in(arguments: &[&str], environment: &[(&str, Option<&str>)]) -> Said {
    let target = std::env::temp_dir().join(format!("ecom-sim-cli-{}", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecom-sim"));
    command.args(arguments).env("CARGO_TARGET_DIR", &target);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output();
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
        ("explore declined --faults 0 --punctual --prove", 0),
        ("explore declined --faults 0 --punctual --prove --states 50", 5),
        ("explore declined --faults 0 --punctual", 0),
        ("explore declined --faults 0 --punctual --states 50", 5),
        ("mutants --names", 0),
        ("mutants charge-fresh-key --searches 1 --runs 1 --states 100", 5),
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
        ("mutants nothing --names", "no planted bug has \"nothing\" in its name"),
        ("mutants reads-not-locked", "reads-not-locked is not looked for: it is too rare, and for --bug alone"),
        ("run one-order --seeds 0", "there is nothing to run"),
        ("run --from 18446744073709551615 --seeds 5", "there are no 5 seeds from 18446744073709551615 on"),
        ("replay one-order~", "\"\" is not a deviation"),
        ("replay one-order~payment.call.1=late,,", "\"\" is not a deviation"),
        ("replay one-order~payment.call.0=late", "\"payment.call.0=late\" is not a deviation"),
        ("replay one-order~payment.call.1=fine", "\"payment.call.1=fine\" is not a deviation"),
        (
            "replay one-order~payment.call.1=late,payment.call.1=away",
            "payment.call.1 is given twice; each choice deviates only once",
        ),
        ("replay one-order~@9=order.clock-1h,@9=order.cut60s", "@9 is given twice; each choice deviates only once"),
        ("replay one-order~payment.call.1=late --seed 3", "=late\" already fixes what deviates; leave out --seed"),
        ("replay 7 --seed 3", "\"7\" already fixes what deviates; leave out --seed"),
        ("bench nothing", "no workload has \"nothing\" in its name"),
        ("coverage --html /nowhere/coverage.html", "/nowhere/coverage.html: No such file"),
        ("coverage --html /", "/: is a directory"),
    ] {
        let said = ecom_sim(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!((said.code, said.err.lines().count(), said.out.as_str()), (Some(2), 1, ""), "{arguments}");
        assert!(said.err.contains(told), "{arguments}: {}", said.err);
    }
}

#[test]
fn what_a_proof_falls_short_of_is_told_in_one_line() {
    for (arguments, told) in [
        (
            "explore declined --faults 0 --punctual --prove --states 50",
            "the reduction is not proved: the reduced search is",
        ),
        (
            "mutants charge-fresh-key --searches 1 --runs 1 --states 2000",
            "the proof falls short: charge-fresh-key is not found as",
        ),
        ("explore declined --faults 0 --punctual --states 50", "not everything was tried: the search stopped at 5"),
    ] {
        let said = ecom_sim(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert!(said.err.contains(told), "{}", said.err);
    }
    let said = ecom_sim(&["explore", "declined", "--faults", "0", "--punctual", "--prove"]);
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
    assert!(said.out.contains(" terminal states either way"), "{}", said.out);
}

/// A command whose standard output and standard error go there, and how it ends.
fn ecom_sim_to(arguments: &str, out: impl Into<Stdio>, err: impl Into<Stdio>) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecom-sim"));
    command.args(arguments.split(' ')).env_remove("GITHUB_ACTIONS").stdout(out).stderr(err);
    let output = command.spawn().and_then(Child::wait_with_output);
    let Ok(Output { status, stdout, stderr }) = output else { panic!("the command cannot be started") };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: status.code(), out: text(&stdout), err: text(&stderr) }
}

/// Where to write when nobody reads.
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there").into()
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    for (arguments, code) in [
        ("run one-order --seeds 30 --hashes", 0),
        ("mutants --names", 0),
        ("scenarios", 0),
        ("replay one-order --dump", 0),
        ("replay nothing", 2),
        ("explore declined --faults 0 --punctual --states 50", 5),
        ("mutants charge-fresh-key --searches 1 --runs 1 --states 100", 5),
    ] {
        let said = ecom_sim_to(arguments, nobody(), Stdio::piped());
        assert!(said.code == Some(code) && !said.err.contains("panicked"), "{arguments}: {:?} {}", said.code, said.err);
        // As with `2>&1`: then nobody hears either.
        assert_eq!(ecom_sim_to(arguments, nobody(), nobody()).code, Some(code), "{arguments}");
    }
}

#[test]
fn one_who_goes_away_after_a_line_has_read_it() {
    let run = "run one-order --seeds 3000 --hashes 2>&1";
    let line = format!("{} {run} | head -n 1; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_ecom-sim"));
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}

#[test]
fn what_cannot_be_written_is_told_and_is_no_success() {
    for (arguments, code) in [
        ("run one-order --seeds 3 --json", 6),
        ("run one-order --seeds 30 --hashes", 6),
        ("replay one-order", 6),
        ("explore declined --faults 0 --punctual", 6),
        ("scenarios", 6),
        // What was found weighs more.
        ("replay order-cancel~payment.call.1=unknown-done --bug charge-fresh-key", 1),
        ("explore declined --faults 0 --punctual --states 50", 5),
    ] {
        let said = ecom_sim_to(arguments, full(), Stdio::piped());
        assert_eq!(said.code, Some(code), "{arguments}: {}", said.err);
        let told = said.err.lines().filter(|line| line.starts_with("standard output: No space left")).count();
        assert_eq!(told, 1, "{arguments}: {}", said.err);
        assert_eq!(ecom_sim_to(arguments, full(), full()).code, Some(code), "{arguments}");
    }
}

#[test]
fn a_coverage_page_that_cannot_be_written_hides_nothing() {
    let run = "coverage --runs 20 --states 20 --html";
    let said = ecom_sim(&format!("{run} /dev/full").split(' ').collect::<Vec<_>>());
    assert!(said.out.contains("20 random runs in ") && said.out.contains(" probes are hit"), "{}", said.out);
    assert_eq!((said.code, said.err.lines().count()), (Some(5), 1), "{}", said.err);
    assert!(said.err.starts_with("/dev/full: No space left"), "{}", said.err);
    // A page takes the place of the one that was there, and nothing is left beside it.
    let dir = std::env::temp_dir().join(format!("ecom-sim-cli-page-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let page = dir.join("coverage.html");
    std::fs::write(&page, "the former one").unwrap();
    let said = ecom_sim(&format!("{run} {}", page.display()).split(' ').collect::<Vec<_>>());
    assert_eq!(said.code, Some(5), "{}", said.err);
    assert!(std::fs::read_to_string(&page).unwrap().ends_with("</html>\n"));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn planted_bugs_are_named_and_those_that_are_not_looked_for_are_marked() {
    let said = ecom_sim(&["mutants", "key", "--names"]);
    assert!(said.out.lines().all(|line| line.split(' ').next().unwrap().contains("key")), "{}", said.out);
    assert!(said.out.contains("charge-fresh-key ") && !said.out.contains("--bug alone"), "{}", said.out);
    let said = ecom_sim(&["mutants", "--names"]);
    let marked: Vec<&str> = said.out.lines().filter(|line| line.ends_with(" (for --bug alone)")).collect();
    assert_eq!(marked.len(), ecom_sim::mutant::FORMER.len(), "{}", said.out);
    assert!(marked.iter().any(|line| line.starts_with("reads-not-locked ")), "{marked:?}");
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

const FAILING: [&str; 5] =
    ["replay", "order-cancel~payment.call.1=unknown-done", "--bug", "charge-fresh-key", "--json"];

#[test]
fn a_failure_is_told_on_one_screen_in_the_words_of_the_shop() {
    let said = ecom_sim(&FAILING[..4]);
    assert!(said.out.lines().count() <= 25 && said.err.is_empty(), "{}{}", said.out, said.err);
    for told in [
        "FAIL  an order is charged once at most",
        "order o-1 (01900000-",
        "payment calls the provider, attempt 1: take 10.01 EUR for order o-1: done, but the answer is lost",
        "payment.call.1=unknown-done: without it nothing is broken",
        "Expected  charged once: 10.01 EUR taken",
        "Actual    charged 2 times: 20.02 EUR taken",
        "Good      until step ",
        "Turned    by step ",
        "No return after step ",
        " variations of this run fail",
        "/report.html",
        "/regress.rs",
    ] {
        assert!(said.out.contains(told), "{told}\n{}", said.out);
    }
    // The line that repeats it does.
    let again = said.out.lines().find_map(|line| line.strip_prefix("replay    ecom-sim ")).unwrap().replace('\'', "");
    assert_eq!(ecom_sim(&again.split(' ').collect::<Vec<_>>()).code, Some(1), "{again}");
    // And so does the test, which needs neither a seed nor a bug.
    let test = said.out.lines().find_map(|line| line.strip_prefix("test      ")?.split(' ').next()).unwrap();
    let test = std::fs::read_to_string(test).unwrap();
    assert!(test.contains("#[test]") && test.contains("ecom_sim::report::assert_holds("), "{test}");
}

#[test]
fn a_failure_is_told_to_scripts_and_to_github() {
    let said = ecom_sim(&FAILING);
    assert_eq!((said.code, said.out.lines().count()), (Some(1), 1));
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["verdict"], "violation");
    assert_eq!(told["expected"], "charged once: 10.01 EUR taken, and no more given back");
    assert_eq!(told["deviations"][0]["deviation"], "payment.call.1=unknown-done");
    assert_eq!(told["deviations"][0]["without"]["broken"], serde_json::Value::Null);
    assert!(told["nearby"]["runs"].as_u64() > Some(0) && told["chances"].as_array().is_some_and(|it| it.len() > 9));
    let clean = ecom_sim(&["run", "one-order", "--seeds", "3", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&clean.out).unwrap()["verdict"], "clean");
    let said = ecom_sim_in(&FAILING[..4], &[("GITHUB_ACTIONS", Some("true"))]);
    let told = said.out.lines().find(|line| line.starts_with("::error title=an order is charged once at most%2C"));
    assert!(told.is_some_and(|line| line.contains("%0AExpected  charged once")), "{}", said.out);
}

#[test]
fn the_first_seed_that_fails_is_shown_however_many_run_at_a_time() {
    let run = |threads| ecom_sim(&["run", "--bug", "charge-fresh-key", "--json", "--threads", threads]).out;
    let told: [serde_json::Value; 2] = ["1", "3"].map(|threads| serde_json::from_str(&run(threads)).unwrap());
    assert_eq!(told[0], told[1]);
    assert!(told[0]["seed"].is_u64());
}
