use super::*;
use crate::config::FilePool;
use crate::driver::contract::{Subject, run};
use crate::testing::{GIB, clone_task, config, create_task, pool, size, snapshot_task, volume};

async fn driver(dir: &Path, total_capacity_gib: Option<u32>) -> File {
    let pools = vec![FilePool { name: "pool".to_owned(), total_capacity_gib }];
    File::open(&config(), &FileConfig { dir: dir.to_owned(), pools }).await.unwrap()
}

async fn create(driver: &File, n: u128, gib: u64) -> Result<Applied, Failure> {
    let act = Act::Create { size_bytes: gib * GIB, unfinished: false };
    apply(driver, &create_task(n, 1), act).await
}

async fn apply(driver: &File, task: &Task, act: Act) -> Result<Applied, Failure> {
    driver.apply(task, &Step { on: Objects::of(task).object, act }, &Meter::default()).await
}

async fn observe(driver: &File, n: u128) -> Result<Observed, Failure> {
    driver.observe(&create_task(n, 1)).await.map(|look| look.object)
}

fn lv_name(volume: stele_core::id::VolumeId) -> String {
    Object::Volume(volume).name()
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let scratch = tempfile::tempdir().unwrap();
    let driver = driver(scratch.path(), Some(8)).await;
    let foreign = scratch.path().join("pool").join(lv_name(volume(9)));
    fs::write(&foreign, "precious").unwrap();
    run(&Subject { driver, pool: pool(), foreign: Some(volume(9)), too_large: Some(size(9)), left_out: &[] }).await;
    assert_eq!(fs::read_to_string(foreign).unwrap(), "precious");
    let entries = fs::read_dir(scratch.path().join("pool")).unwrap();
    let left: BTreeSet<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, BTreeSet::from([".lock".to_owned(), lv_name(volume(9))]));
}

#[tokio::test]
async fn a_crash_before_the_rename_leaves_nothing_to_see() {
    let scratch = tempfile::tempdir().unwrap();
    let driver = driver(scratch.path(), Some(8)).await;
    let dir = scratch.path().join("pool");
    let name = lv_name(volume(1));
    // The states that a crash can leave, one after the other.
    for left in [format!(".{name}.tags.unfinished"), format!("{name}.tags"), format!(".{name}.unfinished")] {
        fs::write(dir.join(left), "[\"stele.volu").unwrap();
        assert_eq!(observe(&driver, 1).await.unwrap(), Observed::Absent);
        assert_eq!(driver.inventory(&pool()).await.unwrap().items, []);
        assert_eq!(driver.pools().await.unwrap()[0].stats.provisioned_capacity_gb, 0.0);
    }
    create(&driver, 1, 2).await.unwrap();
    let inventory = driver.inventory(&pool()).await.unwrap().items;
    assert_eq!((inventory[0].size_bytes, inventory[0].asked_at), (2 * GIB, Some(Position(42))));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 3, "the unfinished files were used up");
}

#[tokio::test]
async fn a_remove_that_was_cut_short_is_finished() {
    let scratch = tempfile::tempdir().unwrap();
    let driver = driver(scratch.path(), None).await;
    create(&driver, 1, 1).await.unwrap();
    fs::remove_file(scratch.path().join("pool").join(lv_name(volume(1)))).unwrap();
    assert_eq!(observe(&driver, 1).await.unwrap(), Observed::Absent);
    create(&driver, 1, 1).await.unwrap();
    for _ in 0..2 {
        apply(&driver, &create_task(1, 1), Act::Remove).await.unwrap();
    }
    assert_eq!(fs::read_dir(scratch.path().join("pool")).unwrap().count(), 1);
}

#[tokio::test]
async fn many_at_once_never_take_more_than_there_is() {
    let scratch = tempfile::tempdir().unwrap();
    let (one, two) = (driver(scratch.path(), Some(5)).await, driver(scratch.path(), Some(5)).await);
    let attempts = (0..12).map(|n| create(if n % 2 == 0 { &one } else { &two }, n, 1));
    let done = futures_util::future::join_all(attempts).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 5);
    for failure in done.into_iter().filter_map(Result::err) {
        assert_eq!(failure.kind, FailureKind::NoSpace, "{failure}");
    }
    assert_eq!(one.pools().await.unwrap()[0].stats.free_capacity_gb.unwrap().gib(), Some(0.0));
}

#[tokio::test]
async fn tags_that_cannot_be_read_are_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let driver = driver(scratch.path(), None).await;
    create(&driver, 1, 1).await.unwrap();
    fs::write(scratch.path().join("pool").join(format!("{}.tags", lv_name(volume(1)))), "{").unwrap();
    assert_eq!(observe(&driver, 1).await.unwrap_err().kind, FailureKind::Unparsable);
    assert_eq!(driver.inventory(&pool()).await.unwrap_err().kind, FailureKind::Unparsable);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    let pools = vec![FilePool { name: "pool".to_owned(), total_capacity_gib: None }];
    assert!(File::open(&config(), &FileConfig { dir: file, pools }).await.is_err());
}

#[tokio::test]
async fn a_copy_has_the_data_and_the_holes_of_its_source() {
    let scratch = tempfile::tempdir().unwrap();
    let driver = driver(scratch.path(), Some(1000)).await;
    create(&driver, 1, 64).await.unwrap();
    let path = |object: Object| scratch.path().join("pool").join(object.name());
    let source = fs::OpenOptions::new().write(true).open(path(Object::Volume(volume(1)))).unwrap();
    let places = [(0, b"first".as_slice()), (5 * GIB + 17, b"middle"), (64 * GIB - 4, b"last")];
    for (place, text) in places {
        std::os::unix::fs::FileExt::write_all_at(&source, text, place).unwrap();
    }
    let meter = Meter::default();
    for (task, act) in [
        (snapshot_task(7, 1), Act::Snapshot { of: Object::Volume(volume(1)), joined: false }),
        (clone_task(2, 64, 1), Act::Clone { from: Object::Volume(volume(1)) }),
    ] {
        let on = Objects::of(&task).object;
        driver.apply(&task, &Step { on, act }, &meter).await.unwrap();
        let copy = fs::File::open(path(on)).unwrap();
        assert_eq!(copy.metadata().unwrap().len(), 64 * GIB);
        assert!(copy.metadata().unwrap().blocks() * 512 < GIB, "the holes were written");
        for (place, text) in places {
            let mut found = vec![0; text.len()];
            std::os::unix::fs::FileExt::read_exact_at(&copy, &mut found, place).unwrap();
            assert_eq!(found, text);
        }
    }
}

#[tokio::test]
async fn a_copy_for_which_nobody_waits_is_given_up() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, into) = (scratch.path().join("from"), scratch.path().join("into"));
    fs::write(&from, vec![1; 64 << 10]).unwrap();
    let (waiting, copying) = Copying::watched(&Meter::default());
    drop(waiting);
    let shares_blocks = rustix::fs::ioctl_ficlone(fs::File::create(&into).unwrap(), fs::File::open(&from).unwrap());
    let done = copying.copy(&fs::File::open(&from).unwrap(), &fs::File::create(&into).unwrap());
    assert_eq!(done.is_ok(), shares_blocks.is_ok(), "{done:?}");
}
