//! The driver with tools that only pretend: scripts that print what the real ones printed. With real LVM the
//! contract suite runs in the kernel lab.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use stele_core::task::Operation;
use stele_core::unit::Position;
use tempfile::TempDir;

use super::*;
use crate::plan::Wipe;
use crate::testing::{GIB, clone_task, config, create_task, delete_task, snapshot_task, volume};

/// A folder of tools. Each notes its command line in `calls`.
struct Tools(TempDir);

impl Tools {
    fn new() -> Self {
        let tools = Self(tempfile::tempdir().unwrap());
        tools.tool("udevadm", "exit 0");
        tools
    }

    fn tool(&self, name: &str, script: &str) {
        let dir = self.0.path();
        let text = format!("cd {}\necho \"{name} $*\" >> calls\n{script}\n", dir.display());
        fs::write(dir.join(format!("{name}.script")), text).unwrap();
        let tool = dir.join(name);
        if !tool.exists() {
            symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pretend"), tool).unwrap();
        }
    }

    /// A tool that prints a captured output.
    fn prints(&self, name: &str, captured: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/lvm").join(format!("{captured}.json"));
        self.tool(name, &format!("cat {}", file.display()));
    }

    /// A tool that fails the first so many times.
    fn fails(&self, name: &str, times: u32, stderr: &str, exit: &str) {
        self.tool(
            name,
            &format!(
                "n=$(grep -c '^{name} ' calls)\n\
                 if [ $n -le {times} ]; then echo '{stderr}' >&2; {exit}; fi"
            ),
        );
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn programs(&self) -> Vec<String> {
        let first = |call: &String| call.split(' ').next().unwrap_or_default().to_owned();
        self.calls().iter().map(first).collect()
    }

    async fn open(&self, group: &str, lvm_type: LvmType) -> Result<Lvm, Failure> {
        let lvm = LvmConfig { lvm_type, command_timeout_ms: 10_000, ..LvmConfig::new(group) };
        let path = format!("{}:/usr/bin:/bin", self.0.path().display());
        let driver = Lvm::open_with(&config(), &lvm, Runner::new(2).with_path(path)).await;
        let _ = fs::remove_file(self.0.path().join("calls"));
        driver
    }
}

async fn thick() -> (Tools, Lvm) {
    let tools = Tools::new();
    tools.prints("vgs", "vgs");
    let driver = tools.open("vg", LvmType::Thick).await.unwrap();
    (tools, driver)
}

async fn apply(driver: &Lvm, act: Act) -> Result<Applied, Failure> {
    apply_to(driver, &create_task(1, 1), act, &Meter::default()).await
}

async fn apply_to(driver: &Lvm, task: &Task, act: Act, meter: &Meter) -> Result<Applied, Failure> {
    let step = Step { on: Objects::of(task).object, act };
    driver.apply(&Task { pool: driver.0.pool.clone(), ..task.clone() }, &step, meter).await
}

async fn observe(driver: &Lvm, task: &Task) -> Result<Look, Failure> {
    driver.observe(&Task { pool: driver.0.pool.clone(), ..task.clone() }).await
}

/// What LVM prints of one volume.
fn row(name: &str, attr: &str, tags: &str, origin: &str) -> String {
    format!(
        r#"{{"lv_name":"{name}","lv_size":"1073741824","lv_attr":"{attr}","lv_tags":"{tags}","origin":"{origin}","pool_lv":"","data_percent":"","metadata_percent":""}}"#
    )
}

fn report(rows: &[String]) -> String {
    format!(r#"{{"report":[{{"lv":[{}]}}]}}"#, rows.join(","))
}

/// A task about a volume of the captured outputs.
fn captured(id: &str) -> Task {
    let mut task = create_task(1, 1);
    let size_gib = crate::testing::size(1);
    task.operation = Operation::CreateVolume { volume: id.parse().unwrap(), size_gib, source: None };
    task
}

#[tokio::test]
async fn thin_or_thick_is_settled_as_in_cinder() {
    let pool = r#"{"report":[{"lv":[{"lv_name":"vg-pool","lv_size":"1","lv_attr":"twi-a-tz--","lv_tags":"","origin":"","pool_lv":"","data_percent":"0.00","metadata_percent":"1.00"}]}]}"#;
    let thick = pool.replace("twi-a-tz--", "-wi-a-----");
    let dirty = pool.replace("twi-a-tz--", "twi-a-t---");
    let none = r#"{"report":[{"lv":[]}]}"#;
    for (lvm_type, group, lvs, expected) in [
        (LvmType::Auto, "vgs", pool, Ok(Some("vg-pool"))),
        (LvmType::Auto, "vgs", none, Ok(None)),
        (LvmType::Auto, "vgs", thick.as_str(), Err(FailureKind::Conflict)),
        // Its volumes would read what others have written.
        (LvmType::Auto, "vgs", dirty.as_str(), Err(FailureKind::Unsupported)),
        (LvmType::Thin, "vgs", pool, Ok(Some("vg-pool"))),
        (LvmType::Thick, "vgs", pool, Ok(None)),
        (LvmType::Thick, "vgs-absent", none, Err(FailureKind::Unparsable)),
    ] {
        let tools = Tools::new();
        tools.prints("vgs", group);
        tools.tool("lvs", &format!("echo '{lvs}'"));
        let found = tools.open("vg", lvm_type).await.map(|driver| driver.0.thin_pool.clone());
        let found = found.as_ref().map(Option::as_deref).map_err(|failure| failure.kind);
        assert_eq!(found, expected, "{lvm_type:?} {lvs}");
    }
}

#[tokio::test]
async fn a_missing_thin_pool_is_made() {
    let tools = Tools::new();
    tools.prints("vgs", "vgs-empty");
    tools.prints("lvs", "lvs-empty");
    tools.tool("lvcreate", "exit 0");
    let driver = tools.open("vgthick", LvmType::Auto).await.unwrap();
    assert_eq!(driver.0.thin_pool.as_deref(), Some("vgthick-pool"));
    tools.fails("lvcreate", 9, "insufficient free space", "exit 5");
    assert_eq!(tools.open("vgthick", LvmType::Thin).await.unwrap_err().kind, FailureKind::NoSpace);
}

#[tokio::test]
async fn lvm_that_is_not_there_is_told_at_once() {
    let tools = Tools::new();
    let failure = tools.open("vg", LvmType::Auto).await.err();
    // Where LVM is installed the tools of the machine are found behind the pretended ones, and know no such group.
    let kind = failure.map(|failure| failure.kind);
    assert!(
        matches!(kind, Some(FailureKind::ToolUnavailable | FailureKind::NotFound | FailureKind::Other)),
        "{kind:?}"
    );
}

#[tokio::test]
async fn a_volume_is_observed_with_all_that_matters() {
    let (tools, driver) = thick().await;
    let observe = async |id: &str, output: &str| {
        tools.prints("lvs", output);
        match observe(&driver, &captured(id)).await.map(|look| look.object) {
            Ok(Observed::Present(found)) => Ok(found),
            other => Err(other),
        }
    };
    let thin = observe("6f1c2f5e-9d0b-4c39-8c3f-1f1a2b3c4d5e", "lvs-thin-volume").await.unwrap();
    let ours = Found {
        size_bytes: GIB,
        owner: Owner::Ours,
        asked_at: Some(Position(4711)),
        open: false,
        has_snapshots: false,
        joined: false,
        active: true,
        unfinished: false,
        clones: true,
        wipe: None,
    };
    assert_eq!(thin, ours);
    let thick = observe("7a2d3e6f-0e1c-4d4a-9d40-2a2b3c4d5e6f", "lvs-thick-inactive").await.unwrap();
    let solid = Found { clones: false, wipe: Some(Wipe::Zero), asked_at: Some(Position(12)), ..ours };
    assert_eq!(thick, Found { active: false, ..solid.clone() });
    let origin = observe("7a2d3e6f-0e1c-4d4a-9d40-2a2b3c4d5e6f", "lvs-thick-origin").await.unwrap();
    assert_eq!(origin, Found { has_snapshots: true, joined: true, ..solid });
    assert_eq!(observe("6f1c2f5e-9d0b-4c39-8c3f-1f1a2b3c4d5e", "lvs-absent").await, Err(Ok(Observed::Absent)));
    // A selection that LVM did not understand, or another LVM's idea of it.
    let failure = observe("6f1c2f5e-9d0b-4c39-8c3f-1f1a2b3c4d5e", "lvs-thin").await.unwrap_err().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unparsable);
    tools.tool("lvs", "echo 'File descriptor 3 leaked'; exit 0");
    let failure = driver.observe(&Task { pool: driver.0.pool.clone(), ..create_task(1, 1) }).await.unwrap_err();
    assert_eq!((failure.kind, failure.exit_status), (FailureKind::Unparsable, Some(0)));
}

#[tokio::test]
async fn only_what_stays_open_is_in_use() {
    let (tools, driver) = thick().await;
    let seen = |attr: &str| report(&[row(&Object::Volume(volume(1)).name(), attr, "", "")]);
    let script = format!(
        "if [ -e looked ]; then echo '{}'; else touch looked; echo '{}'; fi",
        seen("-wi-a-----"),
        seen("-wi-ao----")
    );
    tools.tool("lvs", &script);
    let Observed::Present(found) = observe(&driver, &create_task(1, 1)).await.unwrap().object else { panic!() };
    assert_eq!((found.open, found.owner), (false, Owner::Foreign));
    assert_eq!(tools.programs(), ["lvs", "udevadm", "lvs"]);
}

#[tokio::test]
async fn a_remove_is_tried_twice_but_only_where_that_can_help() {
    let (tools, driver) = thick().await;
    tools.fails("lvremove", 1, "  Logical volume vg/x in use.", "exit 5");
    assert_eq!(apply(&driver, Act::Remove).await.unwrap().step, "lvremove");
    assert_eq!(tools.programs(), ["lvremove", "udevadm", "lvremove"]);
    assert!(tools.calls()[2].contains("ignore_suspended_devices"));

    let (tools, driver) = thick().await;
    tools.fails("lvremove", 9, "  Logical volume vg/x in use.", "exit 5");
    let failure = apply(&driver, Act::Remove).await.unwrap_err();
    assert_eq!((failure.kind, failure.exit_status), (FailureKind::Busy, Some(5)));
    assert_eq!(tools.programs().len(), 3);

    let (tools, driver) = thick().await;
    tools.fails("lvremove", 9, "  Failed to find logical volume \"vg/x\"", "exit 5");
    assert_eq!(apply(&driver, Act::Remove).await.unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(tools.programs(), ["lvremove"]);
}

#[tokio::test]
async fn what_is_replaced_is_only_the_volume_that_was_seen() {
    let by = Object::Successor(volume(1));
    let (name, tag) = (Object::Volume(volume(1)).name(), "stele.volume.00000000-0000-0000-0000-000000000001");
    let rename = format!("lvrename vg revert-00000000-0000-0000-0000-000000000001 {name}");
    let remove = format!(
        "lvremove --config activation {{ retry_deactivation = 1 }} -f -S lv_name=\"{name}\" && lv_tags=\"{tag}\" && \
         lv_tags=\"stele.at.41\" vg"
    );
    let (tools, driver) = thick().await;
    tools.tool("lvrename", "exit 0");
    tools.fails("lvremove", 1, "  Logical volume vg/x in use.", "exit 5");
    apply(&driver, Act::Replace { by, at: Some(Position(41)) }).await.unwrap();
    assert_eq!(tools.calls(), [remove.as_str(), "udevadm settle --timeout=10", remove.as_str(), rename.as_str()]);
    // Where it was not there nothing is removed; what came there meanwhile stays.
    let (tools, driver) = thick().await;
    tools.fails("lvrename", 9, "  Logical Volume \"x\" already exists in volume group \"vg\"", "exit 5");
    let failure = apply(&driver, Act::Replace { by, at: None }).await.unwrap_err();
    assert_eq!((failure.kind, tools.calls()), (FailureKind::Conflict, vec![rename]));
    // What is in use stays as it is.
    let (tools, driver) = thick().await;
    tools.fails("lvremove", 9, "  Logical volume vg/x in use.", "exit 5");
    let failure = apply(&driver, Act::Replace { by, at: Some(Position(41)) }).await.unwrap_err();
    assert_eq!(
        (failure.kind, tools.programs()),
        (FailureKind::Busy, ["lvremove", "udevadm", "lvremove"].map(str::to_owned).to_vec())
    );
}

#[tokio::test]
async fn a_tool_that_crashed_runs_again() {
    for (crashes, ok) in [(2, true), (3, false)] {
        let (tools, driver) = thick().await;
        tools.fails("lvextend", crashes, "", "kill -SEGV $$");
        assert_eq!(apply(&driver, Act::Extend { size_bytes: GIB }).await.is_ok(), ok);
        assert_eq!(tools.calls().len(), 3);
    }
}

#[tokio::test]
async fn snapshots_and_what_is_copied_are_known_by_their_tags() {
    let (tools, driver) = thick().await;
    let (volume, copy) = (Object::Volume(volume(1)), Object::Volume(crate::testing::volume(2)));
    let snapshot = Objects::of(&snapshot_task(7, 1)).object;
    let still = Object::Still(crate::testing::volume(2));
    let tags = |object: Object| object.tags(Position(42)).join(",");
    let rows = [
        row(&volume.name(), "owi-a-s---", &tags(volume), ""),
        row(&snapshot.name(), "swi-a-s---", &tags(snapshot), &volume.name()),
        row(&still.name(), "swi---s---", &tags(still), &volume.name()),
        row(&copy.name(), "-wi-a-----", &format!("{},{COPYING_TAG}", tags(copy)), ""),
        // A name that anybody may have given.
        row("backup", "swi-a-s---", "", &volume.name()),
    ];
    let solid = |joined, active, has_snapshots| Found {
        size_bytes: GIB,
        owner: Owner::Ours,
        asked_at: Some(Position(42)),
        open: false,
        has_snapshots,
        joined,
        active,
        unfinished: false,
        clones: false,
        wipe: Some(Wipe::Zero),
    };
    let present = |found: Found| Observed::Present(found);
    tools.tool("lvs", &format!("echo '{}'", report(&rows[..3])));
    let look = observe(&driver, &snapshot_task(7, 1)).await.unwrap_err();
    assert_eq!(look.kind, FailureKind::Unparsable, "the still was not asked for: {look}");
    tools.tool("lvs", &format!("echo '{}'", report(&rows[..2])));
    let look = observe(&driver, &snapshot_task(7, 1)).await.unwrap();
    assert_eq!((look.object, look.source), (present(solid(true, true, false)), present(solid(true, true, true))));
    tools.tool("lvs", &format!("echo '{}'", report(&[rows[0].clone(), rows[2].clone(), rows[3].clone()])));
    let look = observe(&driver, &clone_task(2, 1, 1)).await.unwrap();
    assert_eq!(look.object, present(Found { unfinished: true, ..solid(false, true, false) }));
    assert_eq!((look.source, look.still), (present(solid(true, true, true)), present(solid(true, false, false))));
    tools.tool("lvs", &format!("echo '{}'", report(&rows)));
    let inventory = driver.inventory(&driver.0.pool).await.unwrap().items;
    assert_eq!(inventory.iter().map(|item| item.object).collect::<Vec<_>>(), [snapshot, still, volume, copy]);

    // A thin volume's snapshots share its pool, and so does what was copied from it.
    let thin = |row: &String| row.replace(r#""pool_lv":"""#, r#""pool_lv":"vg-pool""#);
    let cloned = row(&copy.name(), "Vwi-a-tz--", &tags(copy), &volume.name());
    for (others, has_snapshots) in [(vec![], false), (vec![thin(&cloned)], false), (vec![thin(&rows[1])], true)] {
        let rows: Vec<_> =
            std::iter::once(thin(&row(&volume.name(), "Vwi-a-tz--", &tags(volume), ""))).chain(others).collect();
        tools.tool("lvs", &format!("echo '{}'", report(&rows)));
        let Observed::Present(found) = observe(&driver, &create_task(1, 1)).await.unwrap().object else { panic!() };
        assert_eq!((found.has_snapshots, found.joined, found.clones, found.wipe), (has_snapshots, false, true, None));
    }
}

/// Volume 1 with 2 GiB and a bit, as LVM prints it.
fn large(tags: &str) -> String {
    let found = row(&Object::Volume(volume(1)).name(), "-wi-a-----", tags, "");
    report(&[found.replace("1073741824", &(2 * GIB + 4096).to_string())])
}

/// What `blkdiscard` is asked for, each by its first MiB.
fn wiped_at(tools: &Tools) -> Vec<u64> {
    let offset = |call: &String| call.split_once("--offset ")?.1.split(' ').next()?.parse::<u64>().ok();
    tools.calls().iter().filter_map(offset).map(|offset| offset >> 20).collect()
}

const ZERO: Act = Act::Wipe { how: Wipe::Zero };

#[tokio::test]
async fn a_wipe_goes_through_the_whole_volume_and_shows_its_progress() {
    let (tools, driver) = thick().await;
    tools.tool("blkdiscard", "exit 0");
    tools.tool("sync", "exit 0");
    let name = Object::Volume(volume(1)).name();
    tools.tool("lvs", &format!("echo '{}'", large("")));
    let (meter, task) = (Meter::default(), create_task(1, 1));
    apply_to(&driver, &task, ZERO, &meter).await.unwrap();
    assert_eq!(wiped_at(&tools), [0, 256, 512, 768, 1024, 1280, 1536, 1792, 2048]);
    let line = |offset: u64, length: u64| {
        format!("blkdiscard --zeroout --step 67108864 --offset {offset} --length {length} /dev/vg/{name}")
    };
    let calls = tools.calls();
    assert_eq!(calls[1], line(0, 256 << 20));
    assert_eq!(calls[9..], [line(2 * GIB, 4096), format!("sync /dev/vg/{name}")]);
    assert_eq!((meter.read().percent, meter.read().signs), (100, 9));

    let (tools, driver) = thick().await;
    tools.fails("blkdiscard", 9, "blkdiscard: cannot open /dev/vg/x: Device or resource busy", "exit 1");
    tools.tool("lvs", &format!("echo '{}'", large("")));
    let failure = apply_to(&driver, &task, ZERO, &meter).await.unwrap_err();
    assert_eq!((failure.kind, failure.step.as_str()), (FailureKind::Busy, "blkdiscard"));
    tools.prints("lvs", "lvs-absent");
    assert_eq!(apply_to(&driver, &task, ZERO, &meter).await.unwrap_err().kind, FailureKind::NotFound);
}

/// The task is of position 42.
#[tokio::test]
async fn a_wipe_goes_on_at_its_own_mark_and_at_no_other() {
    let name = Object::Volume(volume(1)).name();
    let all = [0, 256, 512, 768, 1024, 1280, 1536, 1792, 2048];
    for (tags, wiped, removed) in [
        ("stele.wiped.42.1537", &[1537, 1793][..], ""),
        ("stele.wiped.42.1537,stele.wiped.42.1792", &[1792, 2048], ""),
        // Everything: only what the last mark did not count is left.
        ("stele.wiped.42.2048", &[2048], ""),
        // The volume that a deletion could not remove was written again.
        ("stele.wiped.41.1537", &all, " --deltag stele.wiped.41.1537"),
        ("stele.copied.42.x.1537,stele.copying", &all, " --deltag stele.copied.42.x.1537"),
    ] {
        let (tools, driver) = thick().await;
        for tool in ["blkdiscard", "sync", "lvchange"] {
            tools.tool(tool, "exit 0");
        }
        tools.tool("lvs", &format!("echo '{}'", large(tags)));
        apply_to(&driver, &create_task(1, 1), ZERO, &Meter::default()).await.unwrap();
        assert_eq!(wiped_at(&tools), wiped, "{tags}");
        let expected = (!removed.is_empty()).then(|| format!("lvchange --autobackup n{removed} vg/{name}"));
        // Before anything is overwritten.
        let second = tools.calls().get(1).filter(|call| call.starts_with("lvchange")).cloned();
        assert_eq!(second, expected, "{tags}");
    }
}

/// The device is flushed and then the mark laid; one that cannot be laid stops nothing.
#[tokio::test]
async fn a_wipe_lays_marks_behind_what_is_safe() {
    let line = |tags: &str| format!("lvchange --autobackup n {tags} vg/{}", Object::Volume(volume(1)).name());
    let moved = |from: u64, to: u64| line(&format!("--deltag stele.wiped.42.{from} --addtag stele.wiped.42.{to}"));
    let laid = [moved(1536, 1792), moved(1792, 2048)];
    let kept = line("--deltag stele.wiped.42.1536 --deltag stele.wiped.42.1792 --addtag stele.wiped.42.2048");
    for (lvchange, expected) in [("exit 0", laid.clone()), ("exit 5", [laid[0].clone(), kept])] {
        let (tools, mut driver) = thick().await;
        Arc::get_mut(&mut driver.0).unwrap().mark_every = Duration::ZERO;
        for tool in ["blkdiscard", "sync"] {
            tools.tool(tool, "exit 0");
        }
        tools.tool("lvchange", lvchange);
        tools.tool("lvs", &format!("echo '{}'", large("stele.wiped.42.1536")));
        apply_to(&driver, &create_task(1, 1), ZERO, &Meter::default()).await.unwrap();
        let programs =
            ["lvs", "blkdiscard", "sync", "lvchange", "blkdiscard", "sync", "lvchange", "blkdiscard", "sync"];
        // The last part of a MiB needs no mark of its own.
        assert_eq!(tools.programs(), programs.into_iter().chain(["sync"]).collect::<Vec<_>>());
        let marks: Vec<_> = tools.calls().into_iter().filter(|call| call.starts_with("lvchange")).collect();
        assert_eq!(marks, expected);
    }
}

#[tokio::test]
async fn the_figures_are_those_of_lvm() {
    let (tools, driver) = thick().await;
    tools.prints("lvs", "lvs-thin");
    let thick = driver.pools().await.unwrap().remove(0).stats;
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    assert_eq!(thick.total_capacity_gb.gib(), Some(gib(4_290_772_992)));
    assert_eq!(thick.free_capacity_gb.and_then(|free| free.gib()), Some(gib(423_624_704)));
    assert_eq!(thick.provisioned_capacity_gb, gib(4_290_772_992 - 423_624_704));
    assert!(thick.thick_provisioning_support && !thick.thin_provisioning_support);

    let tools = Tools::new();
    tools.prints("vgs", "vgs");
    tools.tool("lvs", "case \"$*\" in *-pool*) grep -v volume- lvs.json | grep -v odd2 | sed 's/\"},/\"}/' ;; *) cat lvs.json ;; esac");
    let captured = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/lvm/lvs-thin.json");
    let text = fs::read_to_string(captured).unwrap().replacen(
        "0.00\", \"metadata_percent\":\"11.33",
        "12.34\", \"metadata_percent\":\"11.33",
        1,
    );
    fs::write(tools.0.path().join("lvs.json"), text).unwrap();
    let driver = tools.open("vg", LvmType::Auto).await.unwrap();
    let thin = driver.pools().await.unwrap().remove(0).stats;
    assert_eq!(thin.total_capacity_gb.gib(), Some(gib(3_858_759_680)));
    assert_eq!(thin.free_capacity_gb.and_then(|free| free.gib()), Some(gib(3_858_759_680 * 8766 / 10_000)));
    assert_eq!(thin.provisioned_capacity_gb, gib(1_077_936_128 + 2_147_483_648));
    assert_eq!((thin.allocated_capacity_gb, thin.total_volumes), (Some(2.0), Some(1)));
    assert_eq!(thin.capabilities.get("multiattach"), Some(&Capability::Bool(true)));
    assert_eq!(thin.capabilities.get("pool_name"), Some(&Capability::Text("vg".into())));
    assert_eq!((thin.data_percent, thin.metadata_percent), (Some(12.34), Some(11.33)));
    assert_eq!((thin.data_percent_max, thin.metadata_percent_max), (Some(95), Some(90)));
    assert_eq!((thick.data_percent, thick.data_percent_max), (None, None));
    let Inventory { items, foreign } = driver.inventory(&driver.0.pool).await.unwrap();
    assert_eq!((items.len(), items[0].asked_at), (1, Some(Position(4711))));
    // Neither the pool nor what is ours.
    assert_eq!(
        foreign.items.iter().map(|item| (item.name.as_str(), item.size_bytes)).collect::<Vec<_>>(),
        [("odd2", 1_077_936_128)]
    );
}

#[tokio::test]
async fn another_pool_is_refused_everywhere() {
    let (tools, driver) = thick().await;
    let other = PoolName::new("n1@mem#other").unwrap();
    assert_eq!(driver.inventory(&other).await.unwrap_err().kind, FailureKind::NotFound);
    let task = Task { pool: other, ..create_task(1, 1) };
    assert_eq!(driver.observe(&task).await.unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(driver.connection(&task).await.unwrap_err().kind, FailureKind::NotFound);
    let remove = Step { on: Objects::of(&task).object, act: Act::Remove };
    let failure = driver.apply(&task, &remove, &Meter::default()).await.unwrap_err();
    assert_eq!((failure.kind, tools.calls().len()), (FailureKind::NotFound, 0));
}

#[tokio::test]
async fn what_removes_looks_together_when_nobody_else_has_anything_to_do() {
    let (tools, driver) = thick().await;
    tools.tool("lvs", &format!("echo '{}'", report(&[])));
    tools.tool("lvcreate", "sleep 0.3; echo created >> calls");
    let deletes = [1, 2, 3].map(delete_task);
    let looks = deletes.iter().map(|task| observe(&driver, task));
    let create = apply(&driver, Act::Create { size_bytes: GIB, unfinished: false });
    let (made, looks) = tokio::join!(create, futures_util::future::join_all(looks));
    made.unwrap();
    assert!(looks.iter().all(|look| look.as_ref().unwrap().object == Observed::Absent), "{looks:?}");
    assert_eq!(tools.programs(), ["lvcreate", "created", "lvs"]);
}
