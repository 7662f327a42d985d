//! Every command line that the driver runs, as typed arguments.
//!
//! Sizes are bytes, so nothing is rounded on the way; LVM rounds up to whole extents itself. The commands and the
//! reasons for their options are those of `cinder/brick/local_dev/lvm.py`.

use std::ffi::OsString;
use std::time::Duration;

use super::looks::Wanted;
use crate::plan::Wipe;
use crate::runner::Invocation;

/// The columns of `lvs`, as [`super::report`] reads them.
const LV_COLUMNS: &str = "lv_name,lv_size,lv_attr,lv_tags,origin,pool_lv,data_percent,metadata_percent";

/// The columns of `vgs`.
const VG_COLUMNS: &str = "vg_name,vg_size,vg_free,lv_count";

/// Older kernels do not look at signals while they zero a range: between two ranges `blkdiscard` can be ended.
const ZERO_STEP_BYTES: &str = "67108864";

/// How long udev's queue may take to become empty.
const SETTLE: Duration = Duration::from_secs(10);

/// The volume group that commands are about, and their time.
#[derive(Debug, Clone)]
pub(super) struct Argv {
    pub(super) volume_group: String,
    pub(super) timeout: Duration,
}

impl Argv {
    /// All logical volumes of the group; hidden ones are not listed.
    pub(super) fn lvs(&self) -> Invocation {
        self.report("lvs", LV_COLUMNS, &[])
    }

    /// The logical volumes that are wanted. A selection and not names: then absence is a shorter list and success, and
    /// nothing has to be concluded from an error message.
    pub(super) fn lvs_of(&self, wanted: &Wanted) -> Invocation {
        let named = wanted.names.iter().map(|name| format!("lv_name=\"{name}\""));
        let taken = wanted.origins.iter().map(|name| format!("origin=\"{name}\""));
        let selection = named.chain(taken).collect::<Vec<_>>().join(" || ");
        self.report("lvs", LV_COLUMNS, &["-S".to_owned(), selection])
    }

    /// The UUID of the logical volume of this name.
    pub(super) fn uuid(&self, name: &str) -> Invocation {
        self.report("lvs", "lv_name,lv_uuid", &["-S".to_owned(), format!("lv_name=\"{name}\"")])
    }

    /// The volume group itself.
    pub(super) fn vgs(&self) -> Invocation {
        self.report("vgs", VG_COLUMNS, &[])
    }

    fn report(&self, program: &'static str, columns: &str, more: &[String]) -> Invocation {
        let mut args = vec!["--reportformat", "json", "--units", "b", "--nosuffix", "-o", columns];
        args.extend(more.iter().map(String::as_str));
        args.push(&self.volume_group);
        self.command(program, args)
    }

    /// A volume in the thin pool.
    pub(super) fn create_thin(&self, pool: &str, name: &str, size_bytes: u64, tags: &[String]) -> Invocation {
        let size = format!("{size_bytes}b");
        let target = self.of(pool);
        let mut args = vec!["-y", "-T", "-V", &size, "-n", name];
        args.extend(with_tags(tags));
        args.push(&target);
        self.command("lvcreate", args)
    }

    /// A volume with all its room. Signatures of what stood there before are wiped without asking.
    pub(super) fn create_thick(&self, name: &str, size_bytes: u64, tags: &[String]) -> Invocation {
        let size = format!("{size_bytes}b");
        let mut args = vec!["-y", "-Wy", "-Zy", "-L", &size, "-n", name];
        args.extend(with_tags(tags));
        args.push(&self.volume_group);
        self.command("lvcreate", args)
    }

    /// A thin volume with the data of another thin one. Not marked to be skipped, as snapshots are: it has to be there
    /// after a reboot.
    pub(super) fn clone(&self, name: &str, from: &str, tags: &[String]) -> Invocation {
        let from = self.of(from);
        let mut args = vec!["-y", "-s", "-k", "n", "-n", name];
        args.extend(with_tags(tags));
        args.push(&from);
        self.command("lvcreate", args)
    }

    /// A snapshot of a thin volume, in the same pool.
    pub(super) fn snapshot_thin(&self, name: &str, of: &str, tags: &[String]) -> Invocation {
        let of = self.of(of);
        let mut args = vec!["-y", "-s", "-n", name];
        args.extend(with_tags(tags));
        args.push(&of);
        self.command("lvcreate", args)
    }

    /// A snapshot of a thick volume, with room for every block of it to change: one that runs out of room is lost.
    pub(super) fn snapshot_thick(&self, name: &str, of: &str, tags: &[String]) -> Invocation {
        let of = self.of(of);
        let mut args = vec!["-y", "-s", "-l", "100%ORIGIN", "-n", name];
        args.extend(with_tags(tags));
        args.push(&of);
        self.command("lvcreate", args)
    }

    /// Makes an ordinary volume of the room that a snapshot of a thick volume has.
    pub(super) fn split(&self, name: &str) -> Invocation {
        self.command("lvconvert", vec!["-y", "--splitsnapshot", &self.of(name)])
    }

    /// Takes tags away and adds one. A tag that is not there is no error. Not worth an archived copy of the volume group's
    /// description each time.
    pub(super) fn retag(&self, name: &str, without: &[String], with: Option<&str>) -> Invocation {
        let target = self.of(name);
        let mut args = vec!["--autobackup", "n"];
        args.extend(without.iter().flat_map(|tag| ["--deltag", tag]));
        args.extend(with.into_iter().flat_map(|tag| ["--addtag", tag]));
        args.push(&target);
        self.command("lvchange", args)
    }

    /// Adds tags. One that is there already is no error.
    pub(super) fn tag(&self, name: &str, tags: &[String]) -> Invocation {
        let of = self.of(name);
        self.command("lvchange", with_tags(tags).chain([of.as_str()]).collect())
    }

    /// Takes tags away.
    pub(super) fn untag_all(&self, name: &str, tags: &[String]) -> Invocation {
        let of = self.of(name);
        let tags = tags.iter().flat_map(|tag| ["--deltag", tag]);
        self.command("lvchange", tags.chain([of.as_str()]).collect())
    }

    /// Puts one tag in the place of another.
    pub(super) fn swap_tag(&self, name: &str, old: &str, new: &str) -> Invocation {
        self.command("lvchange", vec!["--deltag", old, "--addtag", new, &self.of(name)])
    }

    /// Gives a volume another name, which nothing has.
    pub(super) fn rename(&self, name: &str, new: &str) -> Invocation {
        self.command("lvrename", vec![&self.volume_group, name, new])
    }

    /// Removes a volume if it has all these tags; LVM looks at them under the lock under which it removes. That there is
    /// no such volume is no error.
    pub(super) fn remove_tagged(&self, name: &str, tags: &[String]) -> Invocation {
        let tagged = tags.iter().map(|tag| format!(" && lv_tags=\"{tag}\""));
        let selection = format!("lv_name=\"{name}\"{}", tagged.collect::<String>());
        let config = "activation { retry_deactivation = 1 }";
        self.command("lvremove", vec!["--config", config, "-f", "-S", &selection, &self.volume_group])
    }

    /// The thin pool, of 95 % of what is free: its metadata needs room to grow.
    pub(super) fn create_pool(&self, pool: &str) -> Invocation {
        self.command("lvcreate", vec!["-y", "--type", "thin-pool", "-l", "95%FREE", "-n", pool, &self.volume_group])
    }

    /// A larger size. Never a smaller one: `lvextend` refuses that.
    pub(super) fn extend(&self, name: &str, size_bytes: u64) -> Invocation {
        self.command("lvextend", vec!["-L", &format!("{size_bytes}b"), &self.of(name)])
    }

    /// Makes the device appear, also for a volume that is marked to be skipped.
    pub(super) fn activate(&self, name: &str) -> Invocation {
        self.command("lvchange", vec!["-a", "y", "-y", "-K", &self.of(name)])
    }

    /// Makes the device disappear, and with it those of the volume's snapshots.
    pub(super) fn deactivate(&self, name: &str) -> Invocation {
        self.command("lvchange", vec!["-a", "n", "-y", &self.of(name)])
    }

    /// Removes a volume. The second attempt also passes over devices that somebody left suspended.
    pub(super) fn remove(&self, name: &str, second_attempt: bool) -> Invocation {
        let config = if second_attempt {
            "activation { retry_deactivation = 1 } devices { ignore_suspended_devices = 1 }"
        } else {
            "activation { retry_deactivation = 1 }"
        };
        self.command("lvremove", vec!["--config", config, "-f", &self.of(name)])
    }

    /// Wipes a part of a volume's device. `blkdiscard` opens the device exclusively, so what is mounted is refused.
    pub(super) fn wipe(&self, name: &str, how: Wipe, offset: u64, length: u64) -> Invocation {
        let (offset, length) = (offset.to_string(), length.to_string());
        let device = self.device(name);
        let mut args = vec!["--offset", &offset, "--length", &length, &device];
        if how == Wipe::Zero {
            args.splice(..0, ["--zeroout", "--step", ZERO_STEP_BYTES]);
        }
        self.command("blkdiscard", args)
    }

    /// Makes all that was written to a volume safe (fsync of its device, which flushes the cache of the disk).
    pub(super) fn flush(&self, name: &str) -> Invocation {
        self.command("sync", vec![&self.device(name)])
    }

    /// Waits until udev has looked at every device that changed: it opens them for that.
    pub(super) fn settle() -> Invocation {
        Invocation::new(
            "udevadm",
            SETTLE + Duration::from_secs(2),
            ["settle".to_owned(), format!("--timeout={}", SETTLE.as_secs())],
        )
    }

    /// The path of an active volume.
    pub(super) fn device(&self, name: &str) -> String {
        format!("/dev/{}/{name}", self.volume_group)
    }

    fn of(&self, name: &str) -> String {
        format!("{}/{name}", self.volume_group)
    }

    fn command(&self, program: &'static str, args: Vec<&str>) -> Invocation {
        Invocation::new(program, self.timeout, args.into_iter().map(OsString::from))
    }
}

fn with_tags(tags: &[String]) -> impl Iterator<Item = &str> {
    tags.iter().flat_map(|tag| ["--addtag", tag])
}

#[cfg(test)]
mod tests {
    use stele_core::unit::Position;

    use super::*;
    use crate::object::{Mark, Object};
    use crate::testing::{snapshot, volume};

    #[test]
    fn the_command_lines_are_these() {
        let argv = Argv { volume_group: "vg".to_owned(), timeout: Duration::from_secs(9) };
        let tags = Object::Volume(volume(1)).tags(Position(42));
        let id = "00000000-0000-0000-0000-000000000001";
        let name = format!("volume-{id}");
        let columns = "lvs --reportformat json --units b --nosuffix -o \
                       lv_name,lv_size,lv_attr,lv_tags,origin,pool_lv,data_percent,metadata_percent";
        let retry = "lvremove --config activation { retry_deactivation = 1 }";
        for (invocation, text) in [
            (argv.lvs(), format!("{columns} vg")),
            (
                argv.lvs_of(&Wanted { names: [name.clone()].into(), origins: [name.clone()].into() }),
                format!("{columns} -S lv_name=\"{name}\" || origin=\"{name}\" vg"),
            ),
            (argv.vgs(), "vgs --reportformat json --units b --nosuffix -o vg_name,vg_size,vg_free,lv_count vg".into()),
            (
                argv.create_thin("vg-pool", &name, 1 << 30, &tags),
                format!(
                    "lvcreate -y -T -V 1073741824b -n {name} --addtag stele.volume.{id} --addtag stele.at.42 vg/vg-pool"
                ),
            ),
            (
                argv.create_thick(&name, 1 << 30, &tags),
                format!(
                    "lvcreate -y -Wy -Zy -L 1073741824b -n {name} --addtag stele.volume.{id} --addtag stele.at.42 vg"
                ),
            ),
            (
                argv.clone(&name, "_snapshot-x", &tags),
                format!("lvcreate -y -s -k n -n {name} --addtag stele.volume.{id} --addtag stele.at.42 vg/_snapshot-x"),
            ),
            (
                argv.snapshot_thin("_s", &name, &tags[..1]),
                format!("lvcreate -y -s -n _s --addtag stele.volume.{id} vg/{name}"),
            ),
            (
                argv.snapshot_thick("_s", &name, &tags[..1]),
                format!("lvcreate -y -s -l 100%ORIGIN -n _s --addtag stele.volume.{id} vg/{name}"),
            ),
            (argv.split("_s"), "lvconvert -y --splitsnapshot vg/_s".into()),
            (
                argv.retag(&name, &["a".to_owned(), "b".to_owned()], Some("c")),
                format!("lvchange --autobackup n --deltag a --deltag b --addtag c vg/{name}"),
            ),
            (argv.flush(&name), format!("sync /dev/vg/{name}")),
            (
                argv.uuid(&name),
                format!("lvs --reportformat json --units b --nosuffix -o lv_name,lv_uuid -S lv_name=\"{name}\" vg"),
            ),
            (argv.deactivate(&name), format!("lvchange -a n -y vg/{name}")),
            (argv.create_pool("p"), "lvcreate -y --type thin-pool -l 95%FREE -n p vg".into()),
            (argv.extend(&name, 2 << 30), format!("lvextend -L 2147483648b vg/{name}")),
            (argv.activate(&name), format!("lvchange -a y -y -K vg/{name}")),
            (argv.remove(&name, false), format!("{retry} -f vg/{name}")),
            (argv.remove(&name, true), format!("{retry} devices {{ ignore_suspended_devices = 1 }} -f vg/{name}")),
            (
                argv.wipe(&name, Wipe::Zero, 0, 9),
                format!("blkdiscard --zeroout --step 67108864 --offset 0 --length 9 /dev/vg/{name}"),
            ),
            (argv.wipe(&name, Wipe::Discard, 1, 9), format!("blkdiscard --offset 1 --length 9 /dev/vg/{name}")),
            (Argv::settle(), "udevadm settle --timeout=10".into()),
        ] {
            assert_eq!(invocation.to_string(), text);
        }
        assert_eq!(argv.remove(&name, false).args[1], "activation { retry_deactivation = 1 }", "one argument");
    }

    #[test]
    fn one_look_asks_for_all() {
        let argv = Argv { volume_group: "vg".to_owned(), timeout: Duration::from_secs(9) };
        let wanted = Wanted { names: ["a".to_owned(), "b".to_owned()].into(), origins: ["a".to_owned()].into() };
        let text = argv.lvs_of(&wanted).to_string();
        assert!(text.ends_with("-S lv_name=\"a\" || lv_name=\"b\" || origin=\"a\" vg"), "{text}");
    }

    #[test]
    fn names_and_tags_change_by_these() {
        let argv = Argv { volume_group: "vg".to_owned(), timeout: Duration::from_secs(9) };
        let tags = Object::Volume(volume(1)).tags(Position(42));
        let id = "00000000-0000-0000-0000-000000000001";
        let name = format!("volume-{id}");
        let retry = "lvremove --config activation { retry_deactivation = 1 }";
        for (invocation, text) in [
            (argv.tag("old", &tags), format!("lvchange --addtag stele.volume.{id} --addtag stele.at.42 vg/old")),
            (argv.untag_all("old", &tags), format!("lvchange --deltag stele.volume.{id} --deltag stele.at.42 vg/old")),
            (
                argv.swap_tag(&name, "stele.at.1", "stele.at.2"),
                format!("lvchange --deltag stele.at.1 --addtag stele.at.2 vg/{name}"),
            ),
            (argv.rename("revert-x", &name), format!("lvrename vg revert-x {name}")),
            (
                argv.remove_tagged(&name, &tags),
                format!(
                    "{retry} -f -S lv_name=\"{name}\" && lv_tags=\"stele.volume.{id}\" && lv_tags=\"stele.at.42\" vg"
                ),
            ),
        ] {
            assert_eq!(invocation.to_string(), text);
        }
    }

    #[test]
    fn tags_hold_only_what_lvm_allows() {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+.-/=!:&#".contains(&b);
        let volume = volume(u128::MAX);
        let objects =
            [Object::Volume(volume), Object::Snapshot { snapshot: snapshot(u128::MAX), volume }, Object::Still(volume)];
        let mut tags: Vec<_> = objects.iter().flat_map(|object| object.tags(Position(u64::MAX))).collect();
        tags.push(crate::object::COPYING_TAG.to_owned());
        let uuid = "UxVwX3-0aB1-cD2e-F3gH-4iJ5-kL6m-N7oP8q";
        let marks = [Mark::copied(Position(u64::MAX), uuid), Mark::wiped(Position(u64::MAX))];
        tags.extend(marks.map(|mark| mark.tag(u64::MAX)));
        for tag in tags {
            assert!(tag.bytes().all(allowed) && !tag.starts_with('-') && tag.len() <= 1024, "{tag}");
        }
    }
}
