//! The page: the same bytes for the same run, small, whole, and about the run that it tells of.

use super::*;
use crate::invariant::{Broken, Own, When};
use crate::mutant::Planted;
use crate::run::random;
use crate::world::World;
use ecom_core::event::Service;

fn scene(step: u64, text: &str, shape: Shape, service: Option<&str>) -> Scene {
    let service = service.map(str::to_owned);
    let (text, changes) = (text.to_owned(), vec![]);
    let (is_fault, is_on_path, deviation, sent) = (false, true, None, None);
    Scene { step, at: step * 10, text, shape, service, is_fault, is_on_path, deviation, sent, changes }
}

/// A run of five events, of all that a page has one.
fn small() -> Page {
    let key = |group, subject: &str, label: &str| Key { group, subject: subject.to_owned(), label: label.to_owned() };
    let words = |text: &str| Some(text.to_owned());
    let call = scene(2, "order calls the outside: not carried out", Shape::Lost, Some("order"));
    let died = scene(4, "order dies and starts again", Shape::Crash, Some("order"));
    let film = Film {
        groups: vec!["the invariant".to_owned(), "order".to_owned()],
        keys: vec![key(0, "", "holds"), key(0, "", "taken"), key(1, "order <1>", "status")],
        start: vec![(0, "yes".to_owned())],
        scenes: vec![
            scene(1, "client 0 sends \"wish\"", Shape::Send, None),
            Scene {
                changes: vec![(1, words("1")), (2, words("open"))],
                ..scene(1, "order commits: applied", Shape::Commit, Some("order"))
            },
            Scene { is_fault: true, deviation: Some(1), ..call },
            Scene { is_on_path: false, ..scene(3, "60.000 s pass", Shape::Time, None) },
            Scene { is_fault: true, changes: vec![(0, words(sides::BROKEN)), (1, words("2")), (2, None)], ..died },
        ],
    };
    let passing = Film { scenes: film.scenes[..2].to_vec(), ..film.clone() };
    let chance = |step, failed| Chance { step, failed, runs: 4 };
    Page {
        title: "one & one is <two>".to_owned(),
        subject: "order <1>, step 4".to_owned(),
        expected: "2".to_owned(),
        actual: "3".to_owned(),
        deviations: vec![Otherwise {
            step: 2,
            words: "order calls the outside: not carried out".to_owned(),
            code: "order.call.1=away".to_owned(),
            without: "without it nothing is broken".to_owned(),
        }],
        text: "Expected 2".to_owned(),
        again: "ecom-sim replay 'a~order.call.1=away'".to_owned(),
        test: "#[test]\nfn one() {}\n".to_owned(),
        passing: Some(("Without order.call.1=away it passes".to_owned(), passing)),
        chances: vec![chance(0, 0), chance(2, 4), chance(3, 4)],
        turned: Some(2),
        options: vec![("scenario".to_owned(), "a".to_owned())],
        film,
        ..Page::default()
    }
}

/// `ECOM_GOLDEN=write cargo test -p ecom-sim --lib report` takes a new page over.
#[test]
#[expect(clippy::disallowed_methods, reason = "who writes the file anew says so by it")]
fn a_page_is_what_it_was() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/page/golden.html");
    let page = small().html();
    if std::env::var("ECOM_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(path, &page).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    let differs = page.lines().zip(golden.lines()).find(|(now, then)| now != then);
    assert_eq!(differs, None, "(line now, and as it was): if this is meant, take the new page over");
    assert_eq!(page.len(), golden.len());
}

#[test]
fn what_is_told_is_text_and_never_markup() {
    let page = small().html();
    assert!(page.contains("one &amp; one is &lt;two&gt;") && page.contains("order &lt;1&gt;"));
    assert!(!page.contains("<two>") && !page.contains("<1>"), "something is not escaped");
}

/// The page of a card that is charged again because an answer was lost.
fn charged_twice() -> (Report, Rules, String) {
    let bug = Planted::named("charge-fresh-key").map(|planted| planted.switch);
    let recipe: Recipe = "order-cancel-0.2~payment.call.1=unknown-done".parse().unwrap();
    let scenario = Scenario::planted(&recipe.scenario, bug).expect("it is there");
    let rules = Rules::planted(&recipe.scenario, bug);
    let failure = replay(&scenario, &recipe.deviations, Trace::default(), &rules).failure.expect("it fails");
    let report = Report::new(&scenario, &recipe.deviations, &failure, &rules).of_bug(Some("charge-fresh-key"));
    let page = report.page(&rules).html();
    (report, rules, page)
}

/// What stands between the heading and the end of its section, without the markup.
fn section(page: &str, heading: &str) -> String {
    let found = page.split("<section").find(|it| it.contains(heading));
    let Some(section) = found else { panic!("nothing is headed {heading:?}") };
    let mut text = String::new();
    for part in section.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("&quot;", "\"")
}

#[test]
fn each_part_of_the_page_tells_of_the_run() {
    let (report, _, page) = charged_twice();
    for (heading, told) in [
        (
            "What happened",
            "! payment calls the provider, attempt 1: take 10.01 EUR for order o-1: done, but the answer",
        ),
        ("What happened", "◆ turned here"),
        ("What happened", "◆ no return after this · order o-1: payment charging → charging, no answer yet"),
        ("What happened", "✖ broken from here on"),
        ("What happened", "a process dies; grey: what was in its memory alone"),
        ("What happened", "taken by the provider 10.01 EUR → 20.02 EUR"),
        ("What happened", "calls owed take 10.01 EUR for order o-1, attempt 2"),
        (
            "What the invariant compares",
            "payment calls the provider, attempt 2: take 10.01 EUR for order o-1: done no: broken",
        ),
        ("What the invariant compares", "taken by the provider"),
        ("From when on it was lost", "◆ no return, step 18"),
        ("From when on it was lost", "24 of 24"),
        ("Beside the nearest run", "Without payment.call.1=unknown-done it passes."),
        ("Beside the nearest run", "first difference step 17, +0.000 s ! payment calls"),
        ("Beside the nearest run", "order commits: applied, tells order.completed"),
        ("Every event", "client 0 sends \"place an order\""),
        ("Details", "Expected charged once: 10.01 EUR taken"),
    ] {
        let text = section(&page, heading);
        assert!(text.contains(told), "{told:?} is not in\n{text}");
    }
    let head = page.split("</header>").next().unwrap_or_default();
    for told in [report.again.as_str(), "data-copy=\"again\"", "data-copy=\"test\"", "fn an_order_is_charged"] {
        assert!(head.contains(told), "{told}");
    }
}

#[test]
fn a_page_is_small_the_same_twice_and_loads_nothing() {
    let (report, rules, page) = charged_twice();
    assert_eq!(page, report.page(&rules).html());
    assert!(page.len() < 100_000, "{} bytes", page.len());
    for elsewhere in ["http:", "https:", "src=", "@import", "url(//", "<link"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    // Each row of the diagram is a line of the list, for whoever cannot see it.
    let rows = page.matches("<g class=\"row").count() - page.matches("<g class=\"row fold").count();
    assert!(rows > 10 && page.matches("<li id=\"e").count() >= rows, "{rows} rows");
    assert!(page.contains("aria-describedby=\"all\"") && page.contains("aria-live=\"polite\""));
}

#[test]
fn the_page_of_a_long_run_is_small_too() {
    let never = |world: &World| {
        let paid = world.service::<ecom_core::payment::PaymentContext>();
        let paid = paid.map_or(0, |service| service.outside().movements().len());
        if paid > 5 { Err(Broken::new("the provider", "five payments", paid.to_string())) } else { Ok(()) }
    };
    let own = Own::new("nobody pays often", When::Always, &[Service::Payment], never);
    let rules = Rules { own: [own].into(), ..Rules::default() };
    let scenario = Scenario::named("ten-orders").expect("it is there");
    let found = random(&scenario, 1, false, Trace::default(), &rules);
    let failure = found.failure.expect("somebody pays");
    let mut report = Report::new(&scenario, &found.deviations, &failure, &rules);
    let page = report.page(&rules).html();
    assert!(report.steps > 100 && page.len() < 300_000, "{} steps, {} bytes", report.steps, page.len());
    let dir = std::env::temp_dir().join(format!("ecom-sim-report-{}", std::process::id()));
    report.save_in(&dir, &rules).unwrap();
    assert_eq!(std::fs::read_to_string(dir.join("report.html")).unwrap(), page);
    assert!(std::fs::read_to_string(dir.join("regress.rs")).unwrap().contains(&report.recipe.to_string()));
    let said = report.to_string();
    assert!(said.lines().count() <= 25 && said.contains("report.html") && said.contains("regress.rs"), "{said}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_report_fits_on_a_screen_however_much_goes_otherwise() {
    let (mut report, ..) = charged_twice();
    report.saved = Some("target/ecom-sim/one".into());
    let moments: Vec<String> = report.moments().into_iter().map(|(word, _)| word).collect();
    assert_eq!(moments, ["Good", "Turned", "", "No return", "Nearby"]);
    let (one, step) = report.taken[0];
    for count in 0..20 {
        let taken = (1..=count).map(|at| (Deviation { at, ..one }, step));
        report.taken = taken.collect();
        let said = report.to_string();
        assert!(said.lines().count() <= 25, "{count} deviations\n{said}");
        assert!(said.contains("\nLast      step ") && said.ends_with("/regress.rs (paste into tests/)"), "{said}");
        // What begins it and what ends it is shown.
        let ends = [1, count].map(|at| Deviation { at, ..one }.to_string());
        assert!(count == 0 || ends.iter().all(|it| said.contains(&format!(" {it}: "))), "{said}");
        let shown = (1..=count).filter(|at| said.contains(&format!(" {}: ", Deviation { at: *at, ..one }))).count();
        let more = format!("  and {} more", count as usize - shown);
        assert_eq!(said.contains(&more), count > 4, "{said}");
    }
}
