//! What Cinder's pools are called here.

use std::str::FromStr;

use stele_core::id::PoolName;

/// `OLD=NEW`: a host, a backend (`HOST@BACKEND`) or a pool (`HOST@BACKEND#POOL`) that is called otherwise here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMap {
    old: String,
    new: String,
}

/// It maps nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "give OLD=NEW: a host, HOST@BACKEND or HOST@BACKEND#POOL, and what it is called here, in the same form or as a pool"
)]
pub struct InvalidHostMap;

impl FromStr for HostMap {
    type Err = InvalidHostMap;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (old, new) = text.split_once('=').ok_or(InvalidHostMap)?;
        let is_one = |name: &str| {
            let parts = parts(name);
            parts.len() == name.matches(['@', '#']).count() + 1
                && parts.iter().all(|part| !part.is_empty())
                && name.find('#').is_none_or(|mark| name[..mark].contains('@'))
        };
        // What is named exactly may stand for less, so that all pools of a backend may become one.
        if !is_one(old) || !is_one(new) || parts(new).len() < parts(old).len() {
            return Err(InvalidHostMap);
        }
        Ok(Self { old: old.to_owned(), new: new.to_owned() })
    }
}

/// Where a volume lies here. The mapping that names the most of it is taken.
///
/// # Errors
/// What is wrong with it.
pub(super) fn pool(host: &str, maps: &[HostMap]) -> Result<PoolName, String> {
    let have = parts(host);
    for length in (1..=have.len()).rev() {
        let Some(map) = maps.iter().find(|map| parts(&map.old) == have[..length]) else { continue };
        let new = parts(&map.new);
        // What the mapping does not name stays.
        let rest = have.get(new.len().max(length)..).unwrap_or_default();
        let all: Vec<&str> = new.iter().copied().chain(rest.iter().copied()).collect();
        return named(&joined(&all), host);
    }
    named(host, host)
}

fn named(name: &str, host: &str) -> Result<PoolName, String> {
    PoolName::new(name).map_err(|error| {
        format!("it lies on {host:?}: {error}; say which pool that is, with --map-host {host}=HOST@BACKEND#POOL")
    })
}

/// Host, backend, pool.
fn parts(name: &str) -> Vec<&str> {
    let (backend, pool) = name.split_once('#').map_or((name, None), |(backend, pool)| (backend, Some(pool)));
    let (host, backend) = backend.split_once('@').map_or((backend, None), |(host, backend)| (host, Some(backend)));
    [Some(host), backend, pool].into_iter().flatten().collect()
}

fn joined(parts: &[&str]) -> String {
    parts.iter().zip(["", "@", "#"]).map(|(part, mark)| format!("{mark}{part}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mapping_that_names_the_most_is_taken() {
        let maps: Vec<HostMap> = ["old=new", "old@lvm=new@ssd", "old@lvm#b=n2@lvm#vg", "one@lvm=n3@lvm#all"]
            .iter()
            .map(|map| map.parse().unwrap())
            .collect();
        for (host, there) in [
            ("old@nfs#p", Some("new@nfs#p")),
            ("old@lvm#a", Some("new@ssd#a")),
            ("old@lvm#b", Some("n2@lvm#vg")),
            ("one@lvm#x", Some("n3@lvm#all")),
            ("one@lvm", Some("n3@lvm#all")),
            ("other@lvm#p", Some("other@lvm#p")),
            ("other@lvm", None),
        ] {
            assert_eq!(pool(host, &maps).ok().map(|pool| pool.to_string()).as_deref(), there, "{host}");
        }
        for bad in ["old", "=new", "old=", "old@lvm=new", "old@lvm#a=n@lvm", "a#b=c#d", "a@b@c=d@e#f"] {
            assert_eq!(bad.parse::<HostMap>(), Err(InvalidHostMap), "{bad}");
        }
    }
}
