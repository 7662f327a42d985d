//! How much of the bare tools' rate is left when Stele runs them: `.ci/lab rates --ignored`, which prints ratios.
//!
//! Both are measured in one run, one after the other, on the same volume group. Only the ratios mean anything: a system
//! call takes many times as long in the lab as it does on a machine. `STELE_LAB_RATES` is how many of each, 100 by
//! default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use serde_json::{Value, json};
use stele_core::event::Event;
use stele_workers::target::TargetKind;

use crate::behind::creates_behind_deletes;
use crate::cell::{Node, wait_for_no_export};
use crate::harness::log::fold;
use crate::lvm::{remove_all, volume_groups};
use crate::node::{PORTAL, Tgtd, run};

/// Looking takes time as well, from the one processor that does all the rest.
const LOOK_EVERY: Duration = Duration::from_secs(3);

fn how_many() -> usize {
    std::env::var("STELE_LAB_RATES").ok().map_or(100, |text| text.parse().unwrap())
}

/// Says what part of the bare rate is left.
fn tell(what: &str, count: usize, bare: Duration, ours: &Ours) {
    let bare_ms = bare.as_secs_f64() * 1000.0 / count as f64;
    eprintln!(
        "RATE {what}: {:.0} % of the bare rate ({count}: bare {bare_ms:.1} ms each, by Stele {:.1} ms each once all were \
         queued, {:.1} ms each from the first request on)",
        100.0 * bare_ms / ours.queued_ms,
        ours.queued_ms,
        ours.all.as_secs_f64() * 1000.0 / count as f64
    );
}

/// How long Stele took.
pub(crate) struct Ours {
    /// From the first request to the last success.
    pub(crate) all: Duration,
    /// Milliseconds for each that was left when the last request had been decided: the rate of a queue.
    queued_ms: f64,
}

/// Seconds of processor time that the cell's processes took so far, and those that they ran, by name.
fn processor() -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { continue };
        let (Some(open), Some(close)) = (stat.find('('), stat.rfind(')')) else { continue };
        let fields: Vec<f64> = stat[close + 1..].split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
        let name = &stat[open + 1..close];
        // User and system time in hundredths of a second, then those of children that ended; see proc(5).
        *sums.entry(name.to_owned()).or_default() += (fields[11] + fields[12]) / 100.0;
        *sums.entry(format!("{name}'s tools")).or_default() += (fields[13] + fields[14]) / 100.0;
    }
    sums
}

fn tell_processor(what: &str, before: &BTreeMap<String, f64>) {
    let spent = processor().into_iter().map(|(name, now)| (now - before.get(&name).unwrap_or(&0.0), name));
    let mut spent: Vec<(f64, String)> = spent.filter(|(seconds, _)| *seconds >= 0.05).collect();
    spent.sort_by(|one, other| other.0.total_cmp(&one.0));
    let words: Vec<String> = spent.iter().map(|(seconds, name)| format!("{name} {seconds:.2} s")).collect();
    eprintln!("PROCESSOR {what}: {}", words.join(", "));
}

/// Sums of what workers reported: how often each step was run, and how long it took.
async fn tell_steps(node: &Node) {
    let (_, records) = fold(&node.connection).await;
    let mut sums: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for event in records.iter().flat_map(|record| &record.commits).flat_map(|commit| &commit.events) {
        if let Event::TaskSucceeded { steps, .. } = event {
            for step in steps {
                let sum = sums.entry(step.step.clone()).or_default();
                *sum = (sum.0 + 1, sum.1 + step.took_us);
            }
        }
    }
    for (step, (count, took_us)) in sums {
        eprintln!("STEP {step}: {count} times, {:.1} ms each", took_us as f64 / 1000.0 / count as f64);
    }
}

/// What the log says of all that was asked since `began`, when nothing of it is left to do.
async fn since(node: &Node, began: SystemTime) -> Ours {
    let (_, records) = fold(&node.connection).await;
    let began_us = i64::try_from(began.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros()).unwrap();
    let commits = records.iter().flat_map(|record| &record.commits).filter(|commit| commit.at.micros() >= began_us);
    let (mut queued_us, mut ends_us) = (began_us, Vec::new());
    for (at_us, event) in commits.flat_map(|commit| commit.events.iter().map(|event| (commit.at.micros(), event))) {
        match event {
            Event::FlowStarted { .. } => queued_us = queued_us.max(at_us),
            Event::TaskSucceeded { .. } => ends_us.push(at_us),
            _ => {}
        }
    }
    let last_us = ends_us.iter().copied().max().unwrap();
    let left = ends_us.iter().filter(|end_us| **end_us > queued_us).count();
    Ours {
        all: Duration::from_micros((last_us - began_us).try_into().unwrap()),
        queued_ms: (last_us - queued_us) as f64 / 1000.0 / left as f64,
    }
}

/// Waits until all of these come to rest in this status.
async fn wait_for(node: &Node, list: &str, status: &str, ids: &[String]) {
    loop {
        let told: Value = node.api().get(&format!("/v1/{list}"), &[("limit", "1000".to_owned())], None).await.unwrap();
        let there = told[list].as_array().unwrap();
        let ours = there.iter().filter(|one| ids.iter().any(|id| one["id"] == **id));
        assert!(ours.clone().all(|one| !one["status"].as_str().unwrap().starts_with("error")), "{told}");
        if ours.filter(|one| one["status"] == status && one["flow_id"].is_null()).count() == ids.len() {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Volumes, all of them asked for before the first is looked for.
pub(crate) async fn make(node: &Node, count: usize, content: &Value) -> (Vec<String>, Ours) {
    let began = SystemTime::now();
    let asked = join_all((0..count).map(|_| node.send("volume", "create", content.clone()))).await;
    let made: Vec<String> = asked.iter().map(|accepted| accepted.subjects.volume.unwrap().to_string()).collect();
    wait_for(node, "volumes", "available", &made).await;
    (made, since(node, began).await)
}

/// The bare tool in a loop; and how long it takes once beside another loop that removes.
async fn bare(count: usize, group: &str, args: impl Fn(usize) -> Vec<String>) -> (Duration, Duration) {
    let make = async |number: usize| {
        let (args, began) = (args(number), Instant::now());
        run("lvcreate", &args.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
        began.elapsed()
    };
    let remove = async |number: usize| {
        run("lvremove", &["-q", "-f", &format!("{group}/bare-{number}")]).await.unwrap();
    };
    let began = Instant::now();
    for number in 0..count {
        make(number).await;
    }
    let took = began.elapsed();
    let removals = async {
        for number in 0..count {
            remove(number).await;
        }
    };
    let (beside, ()) = tokio::join!(make(count), removals);
    remove(count).await;
    (took, beside)
}

fn each_ms(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1000.0 / count as f64
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Attachments of hosts that do not log in.
pub(crate) async fn attach(node: &Node, made: &[String]) -> (Vec<String>, Ours) {
    let began = SystemTime::now();
    let connector = json!({"host": "host", "initiator": "iqn.1993-08.org.debian:01:host"});
    let wish = |volume| json!({"volume": volume, "connector": connector});
    let asked = join_all(made.iter().map(|volume| node.send("attachment", "create", wish(volume)))).await;
    let asked: Vec<String> = asked.iter().map(|one| one.subjects.attachment.unwrap().to_string()).collect();
    wait_for(node, "attachments", "attaching", &asked).await;
    (asked, since(node, began).await)
}

/// The same configfs writes, and nothing else.
fn bare_lio(devices: &[PathBuf]) -> Duration {
    let root = Path::new("/sys/kernel/config/target");
    let began = Instant::now();
    let hba = root.join("core/iblock_7");
    std::fs::create_dir(&hba).unwrap();
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).unwrap();
    let tpg = |number: usize| root.join(format!("iscsi/iqn.2003-01.org.bare:{number}/tpgt_1"));
    for (number, device) in devices.iter().enumerate() {
        let (store, tpg) = (hba.join(format!("bare-{number}")), tpg(number));
        std::fs::create_dir(&store).unwrap();
        write(store.join("control"), &format!("udev_path={}", device.display()));
        write(store.join("enable"), "1");
        write(store.join("wwn/vpd_unit_serial"), &format!("bare-{number}"));
        std::fs::create_dir_all(tpg.join("lun/lun_0")).unwrap();
        std::os::unix::fs::symlink(&store, tpg.join("lun/lun_0/store")).unwrap();
        write(tpg.join("attrib/authentication"), "1");
        std::fs::create_dir(tpg.join("np").join(PORTAL)).unwrap();
        let host = tpg.join("acls/iqn.1993-08.org.debian:01:host");
        std::fs::create_dir_all(host.join("lun_0")).unwrap();
        write(host.join("auth/userid"), "bare");
        write(host.join("auth/password"), "bare-bare-bare");
        std::os::unix::fs::symlink(tpg.join("lun/lun_0"), host.join("lun_0/lun_0")).unwrap();
        write(tpg.join("enable"), "1");
    }
    let took = began.elapsed();
    clear_bare_lio(devices.len());
    took
}

/// The same by the tools of a shell, as somebody would do it by hand.
async fn bare_lio_by_shell(node: &Node, devices: &[PathBuf]) -> Duration {
    let script = node.folder.path().join("export.sh");
    std::fs::write(&script, BARE_LIO).unwrap();
    let args: Vec<&str> = [script.to_str().unwrap(), PORTAL]
        .into_iter()
        .chain(devices.iter().map(|path| path.to_str().unwrap()))
        .collect();
    let began = Instant::now();
    run("bash", &args).await.unwrap();
    let took = began.elapsed();
    clear_bare_lio(devices.len());
    took
}

const BARE_LIO: &str = r#"
set -e
cd /sys/kernel/config/target
mkdir core/iblock_7
portal=$1 number=0
shift
for device; do
    store=core/iblock_7/bare-$number tpg=iscsi/iqn.2003-01.org.bare:$number/tpgt_1
    host=$tpg/acls/iqn.1993-08.org.debian:01:host
    mkdir $store
    echo udev_path=$device >$store/control
    echo 1 >$store/enable
    echo bare-$number >$store/wwn/vpd_unit_serial
    mkdir -p $tpg/lun/lun_0
    ln -s $PWD/$store $tpg/lun/lun_0/store
    echo 1 >$tpg/attrib/authentication
    mkdir $tpg/np/$portal
    mkdir -p $host/lun_0
    echo bare >$host/auth/userid
    echo bare-bare-bare >$host/auth/password
    ln -s $PWD/$tpg/lun/lun_0 $host/lun_0/lun_0
    echo 1 >$tpg/enable
    number=$((number + 1))
done
"#;

fn clear_bare_lio(count: usize) {
    let root = Path::new("/sys/kernel/config/target");
    let hba = root.join("core/iblock_7");
    for number in 0..count {
        let tpg = root.join(format!("iscsi/iqn.2003-01.org.bare:{number}/tpgt_1"));
        let host = tpg.join("acls/iqn.1993-08.org.debian:01:host");
        std::fs::remove_file(host.join("lun_0/lun_0")).unwrap();
        std::fs::remove_dir(host.join("lun_0")).unwrap();
        std::fs::remove_dir(host).unwrap();
        std::fs::remove_dir(tpg.join("np").join(PORTAL)).unwrap();
        std::fs::remove_file(tpg.join("lun/lun_0/store")).unwrap();
        for folder in [tpg.join("lun/lun_0"), tpg.clone(), tpg.parent().unwrap().to_owned()] {
            std::fs::remove_dir(folder).unwrap();
        }
        std::fs::remove_dir(hba.join(format!("bare-{number}"))).unwrap();
    }
    std::fs::remove_dir(hba).unwrap();
}

/// The fewest commands of tgtadm that make the same.
async fn bare_tgt(devices: &[PathBuf]) -> Duration {
    let tgtadm = async |text: &str| {
        let args = words(text);
        let args: Vec<&str> = ["--lld", "iscsi"].into_iter().chain(args.iter().map(String::as_str)).collect();
        run("tgtadm", &args).await.unwrap();
    };
    let began = Instant::now();
    for (number, device) in devices.iter().enumerate() {
        let (tid, device) = (number + 1, device.display());
        tgtadm(&format!("--mode target --op new --tid {tid} --targetname iqn.2003-01.org.bare:{tid}")).await;
        tgtadm(&format!("--mode logicalunit --op new --tid {tid} --lun 1 --backing-store {device}")).await;
        tgtadm(&format!("--mode logicalunit --op update --tid {tid} --lun 1 --params scsi_sn=bare{tid}")).await;
        tgtadm(&format!("--mode account --op new --user bare{tid} --password bare-bare-bare")).await;
        tgtadm(&format!("--mode account --op bind --tid {tid} --user bare{tid}")).await;
        tgtadm(&format!("--mode target --op bind --tid {tid} --initiator-name iqn.1993-08.org.debian:01:host")).await;
    }
    let took = began.elapsed();
    for tid in 1..=devices.len() {
        tgtadm(&format!("--mode target --op delete --tid {tid} --force")).await;
        tgtadm(&format!("--mode account --op delete --user bare{tid}")).await;
    }
    took
}

async fn rates(kind: TargetKind, group: &str) {
    let count = how_many();
    let node = Node::start(kind, group, "thin").await;
    for resource in ["volumes", "gigabytes"] {
        node.dev.json(&["quota", "set", "demo", &format!("{resource}=-1")]).await;
    }
    let (took, beside) =
        bare(count, group, |number| words(&format!("-q -V 1g -n bare-{number} -T {group}/{group}-pool"))).await;
    let before = processor();
    let (made, ours) = make(&node, count, &json!({"size_gib": 1})).await;
    tell_processor("creates", &before);
    tell("create, thin", count, took, &ours);
    eprintln!("STEP lvcreate beside a loop of lvremove: {:.1} ms", each_ms(beside, 1));

    let selection = format!("lv_name=volume-{}", made[0]);
    let began = Instant::now();
    for _ in 0..10 {
        run("lvs", &["-S", &selection, group]).await.unwrap();
    }
    eprintln!("STEP lvs of one of {count}: {:.1} ms each", began.elapsed().as_secs_f64() * 100.0);

    let exported = &made[..];
    let devices: Vec<PathBuf> = exported.iter().map(|id| PathBuf::from(format!("/dev/{group}/volume-{id}"))).collect();
    let took = match kind {
        TargetKind::Lio => {
            let writes = bare_lio(&devices);
            eprintln!("STEP writes of an export into configfs, by one process: {:.1} ms each", each_ms(writes, count));
            bare_lio_by_shell(&node, &devices).await
        }
        TargetKind::Tgt => bare_tgt(&devices).await,
    };
    let before = processor();
    let (asked, ours) = attach(&node, exported).await;
    tell_processor("exports", &before);
    tell(&format!("export by {kind:?}"), exported.len(), took, &ours);

    let clones = count / 10;
    let (source, _) = make(&node, 1, &json!({"size_gib": 2})).await;
    let of = format!("{group}/volume-{}", source[0]);
    let (took, _) = bare(clones, group, |number| words(&format!("-q -kn -n bare-{number} -s {of}"))).await;
    let (_, ours) = make(&node, clones, &json!({"source_volume": source[0]})).await;
    tell("clone of 2 GiB, thin", clones, took, &ours);
    join_all(asked.iter().map(|id| node.send("attachment", "delete", json!({"id": id})))).await;
    wait_for_no_export().await;
    for id in &made {
        node.wait_for_volume(id).await;
    }
    creates_behind_deletes(&node, &made).await;
    tell_steps(&node).await;
    node.dev.stop().await;
    remove_all(group).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of several minutes: .ci/lab rates --ignored"]
async fn rates_on_lio() {
    rates(TargetKind::Lio, &volume_groups().0).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of several minutes: .ci/lab rates --ignored"]
async fn rates_on_tgt() {
    let tgtd = Tgtd::start().await;
    rates(TargetKind::Tgt, &volume_groups().0).await;
    tgtd.kill().await;
}
