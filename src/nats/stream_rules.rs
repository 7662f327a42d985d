//! Settings of a stream under which records would be lost, each refused by name.

use std::fmt;

use serde_json::Value;

/// A setting under which the log or the inbox loses data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnsafeSetting {
    /// The stream and the setting, such as `STELE_LOG.max_age`.
    pub what: String,
    /// The value on the server.
    pub found: String,
    /// The value that is needed, and why.
    pub need: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for UnsafeSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, needs {}; {}", self.what, self.found, self.need, self.remedy)
    }
}

/// What a stream is for decides what would be wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The only truth: nothing may leave it but by a purge of a prefix.
    Log,
    /// Commands that nobody has decided yet.
    Inbox,
    /// Work that can be given out again from the log.
    TaskQueue,
}

/// Compares a configuration, as the server echoes it, with what the stream is for. Empty when all is well.
pub(super) fn check_stream(
    stream: &str,
    purpose: Purpose,
    config: &Value,
    subjects: &str,
    replicas: usize,
) -> Vec<UnsafeSetting> {
    let mut check = Checker { stream, config, found: Vec::new() };
    check.subjects(subjects);
    check.off("no_ack", "every message must be acknowledged");
    check.off("sealed", "the stream must take messages");
    check.absent("mirror", "it must hold only what is published to it");
    check.absent("sources", "it must hold only what is published to it");
    check.absent("subject_transform", "readers expect the subjects as published");
    check.replicas(replicas);
    match purpose {
        Purpose::Log => {
            check.kept();
            check.on(
                "deny_delete",
                "no record may leave the middle of the log",
                "make a new stream with it and import",
            );
        }
        Purpose::Inbox => check.kept(),
        Purpose::TaskQueue => {
            check.text("retention", "workqueue", "a task leaves when its worker is done", DELETE_TASKS);
        }
    }
    check.found
}

const DELETE_TASKS: &str = "stop control, delete this stream and start again: tasks are given out anew from the log";

/// Retention, storage and limits cannot all be changed on a stream that exists.
const REPLACE: &str = "export the log, delete the stream, let Stele make it and import the log again";

struct Checker<'a> {
    stream: &'a str,
    config: &'a Value,
    found: Vec<UnsafeSetting>,
}

impl Checker<'_> {
    /// The rules for streams whose messages stay until they are purged.
    fn kept(&mut self) {
        self.text("storage", "file", "memory is empty after a restart", REPLACE);
        self.text("retention", "limits", "readers do not remove records", REPLACE);
        let discard = "old records must never make room for new ones";
        self.text("discard", "new", discard, &self.edit("--discard=new"));
        if self.number("max_age") != 0 {
            let age = format!("{} s", self.number("max_age") / 1_000_000_000);
            self.report("max_age", age, "0: records must not expire", &self.edit("--max-age=0"));
        }
        if self.number("max_msgs_per_subject") > 0 {
            let found = self.number("max_msgs_per_subject").to_string();
            self.report(
                "max_msgs_per_subject",
                found,
                "unlimited: it drops old ones",
                &self.edit("--max-msgs-per-subject=-1"),
            );
        }
        if self.number("max_bytes") <= 0 {
            let need = "a limit below the server's max_file_store: a full server loses its stream leaders";
            self.report("max_bytes", "unlimited".to_owned(), need, &self.edit("--max-bytes=8GiB"));
        }
        self.off("allow_rollup_hdrs", "a publisher could drop all records with one header");
        self.off("allow_msg_ttl", "a publisher could make records expire");
        self.off("allow_msg_counter", "records are not counters");
        self.off("allow_msg_schedules", "records must arrive at once");
        if self.config.get("persist_mode").and_then(Value::as_str) == Some("async") {
            self.report("persist_mode", "async".to_owned(), "default: acknowledged must mean written", REPLACE);
        }
    }

    fn subjects(&mut self, wanted: &str) {
        let found: Vec<&str> = self
            .config
            .get("subjects")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if found != [wanted] {
            let need = format!("{wanted} and nothing else");
            self.report("subjects", found.join(", "), &need, &self.edit(&format!("--subjects='{wanted}'")));
        }
    }

    fn replicas(&mut self, wanted: usize) {
        let found = self.number("num_replicas").max(1);
        if found < i64::try_from(wanted).unwrap_or(i64::MAX) {
            let need = format!("{wanted}, as configured");
            self.report("num_replicas", found.to_string(), &need, &self.edit(&format!("--replicas={wanted}")));
        }
    }

    fn text(&mut self, field: &str, wanted: &str, why: &str, remedy: &str) {
        let found = self.config.get(field).and_then(Value::as_str).unwrap_or("not set").to_owned();
        if found != wanted {
            self.report(field, found, &format!("{wanted}: {why}"), remedy);
        }
    }

    fn off(&mut self, field: &str, why: &str) {
        if self.config.get(field).and_then(Value::as_bool).unwrap_or(false) {
            self.report(field, "true".to_owned(), &format!("false: {why}"), REPLACE);
        }
    }

    fn on(&mut self, field: &str, why: &str, remedy: &str) {
        if !self.config.get(field).and_then(Value::as_bool).unwrap_or(false) {
            self.report(field, "false".to_owned(), &format!("true: {why}"), remedy);
        }
    }

    fn absent(&mut self, field: &str, why: &str) {
        let found =
            self.config.get(field).filter(|value| !value.is_null() && value.as_array().is_none_or(|a| !a.is_empty()));
        if found.is_some() {
            self.report(field, "set".to_owned(), &format!("none: {why}"), REPLACE);
        }
    }

    fn number(&self, field: &str) -> i64 {
        self.config.get(field).and_then(Value::as_i64).unwrap_or(0)
    }

    fn edit(&self, change: &str) -> String {
        format!("run: nats stream edit {} {change}", self.stream)
    }

    fn report(&mut self, field: &str, found: String, need: &str, remedy: &str) {
        let what = format!("{}.{field}", self.stream);
        self.found.push(UnsafeSetting { what, found, need: need.to_owned(), remedy: remedy.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sound() -> Value {
        json!({"subjects": ["stele.log.0"], "retention": "limits", "storage": "file", "discard": "new", "max_age": 0,
               "max_bytes": 1024, "max_msgs_per_subject": -1, "num_replicas": 1, "deny_delete": true})
    }

    #[test]
    fn each_setting_that_loses_data_is_refused_by_name() {
        assert_eq!(check_stream("STELE_LOG", Purpose::Log, &sound(), "stele.log.0", 1), []);
        for (field, value) in [
            ("storage", json!("memory")),
            ("retention", json!("workqueue")),
            ("retention", json!("interest")),
            ("discard", json!("old")),
            ("max_age", json!(3_600_000_000_000_u64)),
            ("max_msgs_per_subject", json!(10)),
            ("max_bytes", json!(-1)),
            ("deny_delete", json!(false)),
            ("allow_rollup_hdrs", json!(true)),
            ("allow_msg_ttl", json!(true)),
            ("no_ack", json!(true)),
            ("sealed", json!(true)),
            ("mirror", json!({"name": "X"})),
            ("sources", json!([{"name": "X"}])),
            ("subjects", json!(["stele.log.0", "other"])),
            ("subject_transform", json!({"src": "a", "dest": "b"})),
            ("persist_mode", json!("async")),
        ] {
            let mut config = sound();
            config[field] = value.clone();
            let found = check_stream("STELE_LOG", Purpose::Log, &config, "stele.log.0", 1);
            assert_eq!(found.len(), 1, "{field} = {value}: {found:?}");
            assert_eq!(found[0].what, format!("STELE_LOG.{field}"));
            assert!(!found[0].remedy.is_empty() && !found[0].need.is_empty());
        }
        let found = check_stream("STELE_LOG", Purpose::Log, &sound(), "stele.log.0", 3);
        assert_eq!(
            found[0].to_string(),
            "STELE_LOG.num_replicas is 1, needs 3, as configured; run: nats stream edit STELE_LOG --replicas=3"
        );
    }

    #[test]
    fn a_task_queue_may_live_in_memory_and_expire() {
        let config = json!({"subjects": ["stele.task.*"], "retention": "workqueue", "storage": "memory",
                            "max_age": 86_400_000_000_000_u64, "discard": "new"});
        assert_eq!(check_stream("STELE_TASKS", Purpose::TaskQueue, &config, "stele.task.*", 1), []);
    }
}
