//! What lies in a pool in memory.

use stele_core::id::SourceName;
use stele_core::inventory::{Foreign, ForeignList};

use super::{MemoryObject, Pool};
use crate::driver::Inventory;
use crate::object::{Item, is_tag};

impl Pool {
    pub(super) fn inventory(&self) -> Inventory {
        Inventory { items: self.items(), foreign: self.foreign() }
    }

    pub(super) fn items(&self) -> Vec<Item> {
        self.objects.iter().filter_map(|(name, found)| Item::read(name, found.size_bytes, &found.tags)).collect()
    }

    fn foreign(&self) -> ForeignList {
        let of_others = self.objects.iter().filter(|(_, found)| !found.tags.iter().any(|tag| is_tag(tag)));
        let foreign = |(name, found): (&String, &MemoryObject)| {
            let origin = found.joined_to.as_deref().and_then(|origin| SourceName::new(origin).ok());
            Some(Foreign { name: SourceName::new(name).ok()?, size_bytes: found.size_bytes, origin, open: found.open })
        };
        ForeignList::of(of_others.filter_map(foreign).collect())
    }
}
