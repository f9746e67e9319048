//! The page: the same bytes for the same run, small, whole.

use super::*;
use crate::invariant::{Broken, Own, When};
use crate::run::random;
use crate::world::World;
use ecom_core::event::Service;

fn scene(step: u64, text: &str, shape: Shape, service: Option<&str>, is_fault: bool) -> Scene {
    let service = service.map(str::to_owned);
    let held = if shape == Shape::Note { vec![vec![format!("order {{ <{step}> }}")]] } else { vec![] };
    Scene { step, at: step * 10, text: text.to_owned(), shape, service, is_fault, is_on_path: is_fault, held }
}

#[test]
fn a_page_is_what_it_was() {
    let film = Film {
        services: vec!["order".to_owned()],
        scenes: vec![
            scene(1, "client 0 sends \"wish\"", Shape::Send, None, false),
            scene(1, "order commits: applied", Shape::Note, Some("order"), false),
            scene(2, "order calls the outside: not carried out", Shape::Lost, Some("order"), true),
            scene(3, "60.000 s pass", Shape::Time, None, true),
            scene(4, "order dies and starts again", Shape::Crash, Some("order"), true),
        ],
    };
    let passing = Film { scenes: film.scenes[..2].to_vec(), ..film.clone() };
    let page = Page {
        title: "one & one is <two>".to_owned(),
        text: "Expected 2".to_owned(),
        again: "ecom-sim replay 'a~order.call.1=away'".to_owned(),
        test: "#[test]\nfn one() {}\n".to_owned(),
        film,
        passing: Some(("order.call.1=away".to_owned(), passing)),
    };
    let golden = include_str!("golden.html");
    assert_eq!(page.html(), golden, "if this is meant, take the new page over");
}

#[test]
fn a_failing_run_makes_a_small_page_of_its_own_with_its_test() {
    let never = |world: &World| {
        let paid = world.service::<ecom_core::payment::PaymentContext>();
        let asked = paid.is_some_and(|service| !service.outside().movements().is_empty());
        if asked { Err(Broken::new("the provider", "no money moves", "money moved")) } else { Ok(()) }
    };
    let own = Own::new("nobody ever pays", When::Always, &[Service::Payment], never);
    let rules = Rules { own: [own].into(), ..Rules::default() };
    let scenario = Scenario::named("one-order").expect("it is there");
    let found = random(&scenario, 1, false, Trace::default(), &rules);
    let failure = found.failure.expect("somebody pays");
    let mut report = Report::new(&scenario, &found.deviations, &failure, &rules);
    let (page, again) = (report.page(&rules).html(), report.page(&rules).html());
    assert_eq!(page, again);
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert!(!page.contains("http"), "something is loaded from elsewhere");
    for part in
        ["<svg", "data-event", "data-frame", "<mark>", "nobody ever pays", "ecom-sim replay", "fn nobody_ever_pays"]
    {
        assert!(page.contains(part), "{part}");
    }
    let dir = std::env::temp_dir().join(format!("ecom-sim-report-{}", std::process::id()));
    report.save_in(&dir, &rules).unwrap();
    assert_eq!(std::fs::read_to_string(dir.join("report.html")).unwrap(), page);
    assert!(std::fs::read_to_string(dir.join("regress.rs")).unwrap().contains(&report.recipe.to_string()));
    let said = report.to_string();
    assert!(said.lines().count() <= 25 && said.contains("report.html") && said.contains("regress.rs"), "{said}");
    std::fs::remove_dir_all(dir).unwrap();
}
