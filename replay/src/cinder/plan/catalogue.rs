//! Types, what belongs to them, and limits.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stele_core::state::{DEFAULT_TYPE_NAME, QuotaResource};

use super::{LeftCode, Planner, Stage, Step};
use crate::cinder::check::Limits;
use crate::cinder::estate::{Limit, VolumeType};

impl Planner<'_> {
    /// Everything that belongs to the whole cell.
    pub(super) fn catalogue(&mut self) {
        for (id, qos) in &self.estate.qos {
            let mut specs = qos.specs.clone();
            let consumer = specs.remove("consumer").unwrap_or_else(|| "back-end".to_owned());
            let content = json!({"id": id, "name": qos.name, "consumer": consumer, "specs": specs});
            let step = Step::new(Stage::Catalogue, "", ("qos", "create"), content);
            let adopted = self.add(step, "QoS specs", (id, "", &qos.name));
            self.count("QoS specs", adopted);
        }
        for (id, volume_type) in &self.estate.types {
            let adopted = self.volume_type(id, volume_type);
            self.count("volume type", adopted);
        }
        for (project, volume_type) in &self.estate.default_types {
            let named = self.types.get(volume_type).cloned();
            let of = (project.as_str(), project.as_str(), "");
            let adopted = match named {
                Some(named) => {
                    let content = json!({"project": project, "type": named});
                    self.add(Step::new(Stage::Catalogue, "", ("type", "set_default"), content), "default type", of)
                }
                None => {
                    self.leave("default type", of, LeftCode::NoType, format!("there is no type {volume_type}"));
                    false
                }
            };
            self.count("default type", adopted);
        }
        for (id, group_type) in &self.estate.group_types {
            let content = json!({"id": id, "name": group_type.name, "description": group_type.description,
                "is_public": group_type.is_public, "group_specs": group_type.specs});
            let of = (id.as_str(), "", group_type.name.as_str());
            let adopted =
                self.add(Step::new(Stage::Catalogue, "", ("group_type", "create"), content), "group type", of);
            self.count("group type", adopted);
            for project in &group_type.access {
                let why = "which projects may use a group type is not kept in a cell";
                self.leave("access to a group type", (id, project, &group_type.name), LeftCode::NotHere, why);
            }
        }
    }

    fn volume_type(&mut self, id: &str, volume_type: &VolumeType) -> bool {
        let of = (id, "", volume_type.name.as_str());
        let mut steps = Vec::new();
        let mut step = |verb, content| steps.push(Step::new(Stage::Catalogue, "", ("type", verb), content));
        // A cell has one of that name from its beginning.
        let named = if volume_type.name == DEFAULT_TYPE_NAME { DEFAULT_TYPE_NAME } else { id };
        let (name, specs) = (&volume_type.name, &volume_type.extra_specs);
        let mut content = json!({"description": volume_type.description});
        if named == id {
            content["id"] = json!(id);
            content["name"] = json!(name);
            content["is_public"] = json!(volume_type.is_public);
            content["extra_specs"] = json!(specs);
            step("create", content);
        } else {
            content["type"] = json!(named);
            if !specs.is_empty() {
                content["extra_specs_change"] = json!({"set": specs});
            }
            step("update", content);
        }
        if let Some(encryption) = &volume_type.encryption {
            let content = json!({"type": named, "create": true, "provider": encryption.provider,
                "control_location": encryption.control_location, "cipher": encryption.cipher,
                "key_size": encryption.key_size});
            step("set_encryption", content);
        }
        for project in &volume_type.access {
            step("grant", json!({"type": named, "project": project}));
        }
        if let Some(qos) = volume_type.qos.as_ref().filter(|qos| self.estate.qos.contains_key(*qos)) {
            steps.push(Step::new(Stage::Catalogue, "", ("qos", "associate"), json!({"id": qos, "type": named})));
        }
        for (nth, step) in steps.into_iter().enumerate() {
            if nth == 0 {
                if !self.add(step, "volume type", of) {
                    return false;
                }
                self.types.insert(id.to_owned(), named.to_owned());
            } else {
                self.add(step, "part of a volume type", of);
            }
        }
        true
    }

    /// Limits of the class `default` and of projects. Known only at the end, because projects that have more than they
    /// may are to be adopted nevertheless.
    pub(super) fn limits(&mut self) {
        let estate = self.estate;
        let mut classes: BTreeMap<&str, Vec<&Limit>> = BTreeMap::new();
        for limit in &estate.class_limits {
            classes.entry(&limit.owner).or_default().push(limit);
        }
        for (class, limits) in classes {
            let mut content = self.limits_of("limit of a quota class", "", &limits);
            if !content.is_empty() {
                content.insert("class".to_owned(), json!(class));
                let step = Step::new(Stage::Limits, "", ("quota_class", "set"), Value::Object(content));
                self.add(step, "limits of a quota class", (class, "", class));
            }
        }
        let mut projects: BTreeMap<&str, Vec<&Limit>> = BTreeMap::new();
        for limit in estate.limits.iter().filter(|limit| self.wants(&limit.owner)) {
            projects.entry(&limit.owner).or_default().push(limit);
        }
        let adopting: Vec<String> = self.plan.usage.keys().cloned().collect();
        for project in &adopting {
            projects.entry(project).or_default();
        }
        let in_force = Limits::of(estate);
        for (project, limits) in projects {
            let over = self.exceeded(project, &in_force);
            self.limits_of_project(project, &limits, &over);
        }
    }

    fn limits_of_project(&mut self, project: &str, limits: &[&Limit], over: &[String]) {
        let own = self.limits_of("limit", project, limits);
        let set = |stage, mut content: Map<String, Value>| {
            content.insert("project".to_owned(), json!(project));
            Step::new(stage, "", ("quota", "set"), Value::Object(content))
        };
        let of = (project, project, "");
        let mut first = own.clone();
        first.extend(over.iter().map(|resource| (resource.clone(), json!(-1))));
        if !first.is_empty() {
            self.add(set(Stage::Limits, first), "limits", of);
        }
        if !over.is_empty() {
            self.add(Step::new(Stage::Closing, "", ("quota", "clear"), json!({"project": project})), "limits", of);
            if !own.is_empty() {
                self.add(set(Stage::Closed, own), "limits", of);
            }
        }
    }

    /// Those of a project's limits that what is adopted exceeds, or of which the database does not say what they are.
    fn exceeded(&self, project: &str, limits: &Limits<'_>) -> Vec<String> {
        let largest = self.largest.get(project).map(|size| ("per_volume_gigabytes", *size));
        let sums = self.plan.usage.get(project).into_iter().flatten();
        let used = sums.map(|(resource, used)| (resource.as_str(), *used)).chain(largest);
        let is_over = |(resource, used): &(&str, i64)| {
            limits.in_force(project, resource).is_none_or(|limit| limit >= 0 && *used > limit)
        };
        used.filter(is_over).map(|(resource, _)| resource.to_owned()).collect()
    }

    fn limits_of(&mut self, kind: &'static str, project: &str, limits: &[&Limit]) -> Map<String, Value> {
        let mut content = Map::new();
        for limit in limits {
            let names_something = QuotaResource::from_name(&limit.resource, |name| {
                let found = self.estate.types.iter().find(|(_, volume_type)| volume_type.name == name);
                // Which type it is does not matter here.
                found.and_then(|(id, _)| {
                    self.types.contains_key(id).then_some(stele_core::id::TypeId(uuid::Uuid::nil()))
                })
            });
            let of = (limit.resource.as_str(), project, limit.owner.as_str());
            match (names_something, limit.limit) {
                (Some(_), Some(value)) if (-1..=i64::from(i32::MAX)).contains(&value) => {
                    content.insert(limit.resource.clone(), json!(value));
                    self.count("limit", true);
                    continue;
                }
                (None, _) => self.leave(kind, of, LeftCode::NotHere, "nothing of that name is counted in a cell"),
                (Some(_), value) => {
                    let why = value.map_or_else(|| "it says nothing".to_owned(), |value| format!("it is {value}"));
                    self.leave(kind, of, LeftCode::Invalid, why);
                }
            }
            self.count("limit", false);
        }
        content
    }
}
