//! What the rules alone cost: an order from its placing through all services to its end, without stores, buses, clocks.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

use benches::World;

fn order(criterion: &mut Criterion) {
    let base = World::new();
    let mut group = criterion.benchmark_group("rules");
    group.throughput(Throughput::Elements(1));
    group.bench_function("an order from its placing to its end", |bencher| {
        bencher.iter_batched(|| base.clone(), |mut world| world.order(1), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, order);
criterion_main!(benches);
