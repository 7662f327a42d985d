//! The drivers' contract on real LVM, with real targets.

use std::path::PathBuf;

use stele::role::worker::{backend, lvm_driver};
use stele_core::id::BackendName;
use stele_workers::config::{DriverConfig, LvmType, WipePolicy};
use stele_workers::driver::AnyDriver;
use stele_workers::driver::contract::{Subject, run, run_faults, run_hosts};
use stele_workers::driver::memory::Fault;
use stele_workers::target::{TargetConfig, TargetKind};

use crate::lvm::{give_back, volume_groups, volumes};
use crate::node::Tgtd;

/// What copies whole thick volumes again and again, for minutes.
const LONG_COPIES: &[&str] = &["copies::what_was_cut_short_is_finished", "copies::what_was_given_up_is_removed"];

async fn keeps_the_contract(group: &str, lvm_type: LvmType, target: Option<TargetKind>, faults: &[Fault]) {
    keeps_most_of_it(group, lvm_type, target, faults, &[]).await;
}

async fn keeps_most_of_it(
    group: &str,
    lvm_type: LvmType,
    target: Option<TargetKind>,
    faults: &[Fault],
    left_out: &'static [&'static str],
) {
    let folder = tempfile::tempdir().unwrap();
    let key: PathBuf = folder.path().join("chap.key");
    std::fs::write(&key, "k".repeat(32)).unwrap();
    let exports = target.is_some();
    let target = target.map(|kind| TargetConfig::new(kind, key));
    let mut config = backend(BackendName::new("lab@contract").unwrap(), lvm_driver(group.to_owned(), target));
    if let DriverConfig::Lvm(lvm) = &mut config.driver {
        // Zeroing writes as much as the volumes have; the lab keeps its disks in memory.
        (lvm.lvm_type, lvm.wipe) = (lvm_type, WipePolicy::Discard);
    }
    let driver = AnyDriver::open(&config).await.unwrap();
    let pool = config.name.pool(group).unwrap();
    let subject = Subject { driver, pool, foreign: None, too_large: None, left_out };
    // What a target has nothing to do with is looked at once: LVM takes its time in the lab.
    if exports {
        run_hosts(&subject).await
    } else {
        run(&subject).await
    }
    run_faults(&subject, faults).await;
    assert_eq!(volumes(group), vec![]);
    give_back(group).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thick_lvm_keeps_the_drivers_contract() {
    // `copy` kills copies in the middle.
    keeps_most_of_it(&volume_groups().1, LvmType::Thick, None, &[], LONG_COPIES).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten minutes: `.ci/lab contract --include-ignored`"]
async fn thick_lvm_keeps_all_of_the_drivers_contract() {
    keeps_the_contract(&volume_groups().1, LvmType::Thick, None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thin_lvm_keeps_the_drivers_contract() {
    // Whatever fails behind its effect leaves what a crash there leaves.
    let faults = [Fault::FailBefore, Fault::CrashAfter];
    keeps_the_contract(&volume_groups().0, LvmType::Thin, None, &faults).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lvm_with_lio_keeps_the_drivers_contract_under_faults() {
    let faults = [Fault::CrashBefore, Fault::CrashAfter];
    keeps_the_contract(&volume_groups().0, LvmType::Thin, Some(TargetKind::Lio), &faults).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lvm_with_tgt_keeps_the_drivers_contract_under_faults() {
    let faults = [Fault::CrashBefore, Fault::CrashAfter];
    let tgtd = Tgtd::start().await;
    keeps_the_contract(&volume_groups().0, LvmType::Thin, Some(TargetKind::Tgt), &faults).await;
    tgtd.kill().await;
}
