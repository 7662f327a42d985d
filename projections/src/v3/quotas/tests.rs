use serde_json::{Value, json};

use crate::v3::testing::Api;

const SET: &str = "/os-quota-sets/q";

#[tokio::test]
async fn a_project_has_limits_and_uses_them() {
    let api = Api::start().await;
    api.volume("q", "web").await;
    let defaults = json!({
        "id": "q", "volumes": 10, "per_volume_gigabytes": -1, "snapshots": 10, "gigabytes": 1000, "backups": 10,
        "backup_gigabytes": 1000, "groups": 10, "volumes___DEFAULT__": -1, "gigabytes___DEFAULT__": -1,
        "snapshots___DEFAULT__": -1,
    });
    assert_eq!(api.get("p/admin", SET, 0).await.with(200), json!({"quota_set": defaults}));
    let usage = api.get("q/reader", &format!("{SET}?usage=True"), 0).await.with(200)["quota_set"].clone();
    assert_eq!(usage["volumes"], json!({"limit": 10, "in_use": 1, "reserved": 0}));
    assert_eq!(usage["groups"], json!({"limit": 10, "in_use": 0, "reserved": 0}));
    assert_eq!(usage["id"], "q");
    let body =
        json!({"quota_set": {"volumes": 1, "gigabytes": -1, "volumes___DEFAULT__": 5, "id": "x", "tenant_id": "q"}});
    let mut expected = defaults.clone();
    for (key, limit) in [("volumes", 1), ("gigabytes", -1), ("volumes___DEFAULT__", 5)] {
        expected[key] = json!(limit);
    }
    let mut without_id = expected.clone();
    without_id.as_object_mut().unwrap().remove("id");
    assert_eq!(api.put("p/admin", SET, 0, body).await.with(200), json!({"quota_set": without_id}));
    assert_eq!(api.get("p/admin", SET, 0).await.with(200), json!({"quota_set": expected}));
    let limits = api.get("q/member", "/limits", 0).await.with(200);
    let absolute = json!({
        "maxTotalVolumes": 1, "maxTotalSnapshots": 10, "maxTotalVolumeGigabytes": -1, "maxTotalBackups": 10,
        "maxTotalBackupGigabytes": 1000, "totalVolumesUsed": 1, "totalGigabytesUsed": 1, "totalSnapshotsUsed": 0,
        "totalBackupsUsed": 0, "totalBackupGigabytesUsed": 0,
    });
    assert_eq!(limits, json!({"limits": {"rate": [], "absolute": absolute}}));
    let of = |who, minor| api.get(who, "/limits?project_id=q", minor);
    assert_eq!(of("p/admin", 39).await.with(200), limits, "an admin may ask for another project");
    for (who, minor) in [("p/admin", 38), ("p/member", 71)] {
        assert_eq!(of(who, minor).await.with(200)["limits"]["absolute"]["totalVolumesUsed"], 0, "{who} {minor}");
    }
    assert_eq!(api.delete("p/admin", SET, 0).await.with(200), Value::Null);
    assert_eq!(api.get("p/admin", SET, 0).await.with(200), json!({"quota_set": defaults}));
}

#[tokio::test]
async fn the_default_class_is_what_projects_have_that_have_nothing_else() {
    let api = Api::start().await;
    let class = "/os-quota-class-sets/default";
    let body = json!({"quota_class_set": {"volumes": "7", "gigabytes___DEFAULT__": 3}});
    let set = api.put("p/admin", class, 0, body).await.with(200)["quota_class_set"].clone();
    assert_eq!((&set["volumes"], &set["gigabytes___DEFAULT__"], &set["id"]), (&json!(7), &json!(3), &Value::Null));
    let shown = api.get("p/admin", class, 0).await.with(200)["quota_class_set"].clone();
    assert_eq!((&shown["volumes"], &shown["snapshots"], &shown["id"]), (&json!(7), &json!(10), &json!("default")));
    let defaults = api.get("p/admin", "/os-quota-sets/nobody/defaults", 0).await.with(200)["quota_set"].clone();
    assert_eq!((&defaults["volumes"], &defaults["gigabytes___DEFAULT__"]), (&json!(7), &json!(3)));
    let other = api.get("p/admin", "/os-quota-class-sets/other", 0).await.with(200)["quota_class_set"].clone();
    assert_eq!((&other["volumes"], &other["id"]), (&json!(7), &json!("other")), "classes have the defaults as well");
}

#[tokio::test]
async fn what_is_wrong_is_told_as_cinder_tells_it() {
    let api = Api::start().await;
    api.volume("q", "web").await;
    let class = "/os-quota-class-sets/default";
    let at = |rest: &str| format!("Invalid input for field/attribute volumes. {rest}");
    let set = |value: Value| json!({"quota_set": {"volumes": value}});
    let of_class = |value: Value| json!({"quota_class_set": {"volumes": value}});
    for (path, body, text) in [
        (SET, json!({}), "'quota_set' is a required property".to_owned()),
        (
            SET,
            json!({"quota_set": {}}),
            "Invalid input for field/attribute quota_set. Value: {}. {} should be non-empty".to_owned(),
        ),
        (
            SET,
            json!({"quota_set": {"bogus": 1, "volumes": 1, "volumes_nope": 1}}),
            "Invalid input received: Bad key(s) in quota set: bogus, volumes_nope".to_owned(),
        ),
        (SET, set(json!(-2)), "volumes must be >= -1".to_owned()),
        (SET, set(json!("7")), "volumes must be an integer".to_owned()),
        (SET, set(json!(1.5)), "volumes must be an integer".to_owned()),
        (SET, set(Value::Null), "volumes must be an integer".to_owned()),
        (SET, set(json!(2_147_483_648_u64)), "volumes must be <= 2147483647".to_owned()),
        (SET, set(json!(u64::MAX)), "volumes must be <= 2147483647".to_owned()),
        (class, of_class(json!("x")), at("Value: x. 'x' does not match '^[0-9]*$'")),
        (class, of_class(json!(-2)), at("Value: -2. -2 is less than the minimum of -1")),
        (class, of_class(json!("")), at("Value: . '' should be non-empty")),
        (
            class,
            json!({"quota_class_set": {"bogus": 1}}),
            "Invalid input received: Bad key(s) in quota class set: bogus".to_owned(),
        ),
    ] {
        assert_eq!(api.put("p/admin", path, 0, body.clone()).await.fault(), (400, text), "{path} {body}");
    }
    let usage = (400, "Value 'x' for 'usage' is not a boolean.".to_owned());
    assert_eq!(api.get("p/admin", &format!("{SET}?usage=x"), 0).await.fault(), usage);
    // As in Cinder the first limit of a project's own may be below what it has; from then on none may.
    api.put("p/admin", SET, 0, set(json!(0))).await.with(200);
    let below = "Quota volumes limit must be equal or greater than existing resources. Current usage is 1 and the \
                 requested limit is 0.";
    assert_eq!(api.put("p/admin", SET, 0, set(json!(0))).await.fault(), (400, below.to_owned()));
}

#[tokio::test]
async fn others_quotas_are_for_admins() {
    let api = Api::start().await;
    let denied = |rule: &str| (403, format!("Policy doesn't allow volume_extension:{rule} to be performed."));
    assert_eq!(api.get("p/member", SET, 0).await.fault(), denied("quotas:show"));
    assert_eq!(api.get("p/member", &format!("{SET}/defaults"), 0).await.fault(), denied("quotas:show"));
    let body = json!({"quota_set": {"volumes": 5}});
    assert_eq!(api.put("q/member", SET, 0, body).await.fault(), denied("quotas:update"));
    assert_eq!(api.delete("q/member", SET, 0).await.fault(), denied("quotas:delete"));
    let class = "/os-quota-class-sets/default";
    assert_eq!(api.get("q/member", class, 0).await.fault(), denied("quota_classes:get"));
}
