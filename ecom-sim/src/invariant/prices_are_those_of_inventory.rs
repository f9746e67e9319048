use ecom_core::inventory::InventoryContext;
use ecom_core::order::{CatalogueEntry, OrderContext};

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "the order service knows the products as inventory has them",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let (Some(orders), Some(inventory)) = (world.service::<OrderContext>(), world.service::<InventoryContext>()) else {
        return Ok(());
    };
    for product in inventory.tables().snapshot().products.values() {
        let known = orders.tables().snapshot().catalogue.get(&product.id);
        let wanted = CatalogueEntry::from(&product.changed());
        if known != Some(&wanted) {
            let subject = format!("product {}", product.id);
            let told = |it: &CatalogueEntry| {
                let sold = if it.is_active { "" } else { ", no longer sold" };
                format!("{} \"{}\" at {}, version {}{sold}", it.sku, it.name, it.price, it.version)
            };
            return Err(Broken::new(subject, told(&wanted), known.map_or_else(|| "not known".to_owned(), told)));
        }
    }
    Ok(())
}
