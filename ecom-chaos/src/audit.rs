//! What must hold when everything is healed and at rest: the promises of the demo's audit, seen from the outside, and
//! those that only whoever owns broker and databases can look at.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ecom_core::fleet::FLEET;
use ecom_services::demo::audit::{self, Audit, Check};
use ecom_services::demo::client::Call;
use ecom_services::demo::wire::{Created, Notice};
use uuid::Uuid;

use crate::error::{Outcome, during};
use crate::faults::World;
use crate::inject::{Injected, OURS};

/// What everything owed has from the last healing until it is done.
pub(crate) const SETTLES: Duration = Duration::from_secs(60);
/// The same for what is left in queues and outboxes once all orders have ended.
const RESTS: Duration = Duration::from_secs(20);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(500);

/// The promise that an inbox keeps: the negative control must find it broken.
pub(crate) const ONCE: &str = "an event that is delivered again tells nobody again";

/// What was found, and how long after the last healing it held.
pub(crate) struct Findings {
    /// The promises.
    pub(crate) audit: Audit,
    /// From the last healing to the first time that everything held; how long it was tried where it never did.
    pub(crate) settled: Duration,
    /// What was injected.
    pub(crate) injected: Injected,
}

/// Waits until everything holds, or for as long as it may take, and tells what does not.
pub(crate) async fn audit(world: &World, healed: Instant) -> Outcome<Findings> {
    let (scene, accepted) = (&world.load.scene, world.load.seen().accepted.clone());
    let patience = SETTLES.saturating_sub(healed.elapsed());
    let mut audit = audit::settle(scene, &accepted, patience).await.map_err(during("the audit"))?;
    let end = Instant::now() + RESTS;
    let (rest, injected) = loop {
        let injected = world.injector.injected().await?;
        let rest = at_rest(world, &injected).await?;
        if rest.iter().all(Check::holds) || Instant::now() >= end {
            break (rest, injected);
        }
        tokio::time::sleep(POLL).await;
    };
    let settled = healed.elapsed();
    let seen = world.load.seen().clone();
    audit.checks.extend(rest);
    audit.checks.extend([
        Check::of("every request was answered as promised", seen.refused),
        Check::of("a retry under the same key answers the same, byte for byte", seen.unlike),
        Check::of("no process ended by itself, ended late or panicked", world.fleet.wrong()),
    ]);
    Ok(Findings { audit, settled, injected })
}

async fn at_rest(world: &World, injected: &Injected) -> Outcome<Vec<Check>> {
    let mut owed = vec![];
    for service in FLEET.iter().map(|role| role.service) {
        let (events, calls) = world.servers.owed(service).await?;
        if (events, calls) != (0, 0) {
            owed.push(format!("{service}: {events} events to be published, {calls} calls to be made"));
        }
    }
    let queues = world.servers.queues().await?;
    let left = queues.iter().filter(|(name, count)| !name.starts_with(OURS) && **count > 0);
    let left = left.map(|(name, count)| format!("{name}: {count} messages"));
    Ok(vec![
        Check::of("every outbox is empty and no call of the outside is owed", owed),
        Check::of("every queue is empty", left),
        Check::of("the dead letters are the injected poison and nothing else", dead_letters(world, injected).await?),
        Check::of(ONCE, told_again(world, injected).await?),
    ])
}

/// Those that are missing, and those that nobody injected.
async fn dead_letters(world: &World, injected: &Injected) -> Outcome<Vec<String>> {
    let scene = &world.load.scene;
    let token = scene.admin.token().await.map_err(during("a token"))?;
    let mut letters: BTreeSet<Uuid> = BTreeSet::new();
    let keep = |letter: Created| {
        letters.insert(letter.id);
        true
    };
    scene.shop.pages("/api/v1/admin/dead-letters", &token, keep).await.map_err(during("the dead letters"))?;
    let missing = injected.poison.difference(&letters).map(|id| format!("poison {id} is no dead letter"));
    let wanted: BTreeSet<Uuid> = injected.poison.union(&injected.perhaps).copied().collect();
    let others = letters.difference(&wanted).map(|id| format!("{id} is a dead letter and was no poison"));
    Ok(missing.chain(others).collect())
}

/// Each fall of a stock is told to the administrator once, however often its event comes. Nothing but the event's id
/// tells one fall from the next, so that no rule can stand in for an inbox.
async fn told_again(world: &World, injected: &Injected) -> Outcome<Vec<String>> {
    let scene = &world.load.scene;
    let token = scene.admin.token().await.map_err(during("a token"))?;
    let me: Created =
        scene.shop.expect(&Call::get("/api/v1/users/me").token(&token), 200).await.map_err(during("the admin"))?;
    let mut told = 0_usize;
    let keep = |notice: Notice| {
        told += usize::from(notice.template == "stock_low");
        true
    };
    let path = format!("/api/v1/notifications?user_id={}", me.id);
    scene.shop.pages(&path, &token, keep).await.map_err(during("the notices"))?;
    let falls = injected.low.len();
    let wrong = (told != falls).then(|| format!("stock fell {falls} times, the administrator was told {told} times"));
    Ok(wrong.into_iter().collect())
}
