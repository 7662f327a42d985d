//! `group.create`: an empty group, or one with copies of another's volumes.

use super::super::{Context, Decided, Decision, quota, volume_create, volume_type};
use super::member::Draft;
use super::{invalid_group, own, own_snapshot};
use crate::command::{GroupCreate, VolumeCreate};
use crate::event::Event;
use crate::id::{GroupId, GroupTypeId, SnapshotId, TypeId, VolumeId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::schedule::Hints;
use crate::state::{Group, GroupStatus, SnapshotStatus, VolumeStatus};

pub(in crate::decide) fn decide(cx: &Context<'_>, create: &GroupCreate) -> Decision {
    let project = cx.project()?;
    let id = create.id.unwrap_or_else(|| GroupId(cx.id.derive(&format!("group {project}"))));
    if cx.state.groups.contains_key(&id) {
        return Err(Refusal::new(
            RefusalCode::GroupExists,
            format!("a group {id} exists already"),
            "leave the id away, or give one that is new",
        ));
    }
    let like = like(cx, create, id)?;
    let group = Group {
        id,
        project: project.clone(),
        user: cx.user.to_owned(),
        name: create.name.clone(),
        description: create.description.clone(),
        group_type: like.group_type,
        volume_types: like.volume_types,
        availability_zone: like.availability_zone,
        status: if like.sources.is_empty() { GroupStatus::Available } else { GroupStatus::Creating },
        reason: None,
        source_group: create.source_group,
        source_group_snapshot: create.source_group_snapshot,
        created_at: cx.now,
        updated_at: None,
        created_position: cx.position,
    };
    let mut draft = Draft::new(cx);
    draft.add([quota::used(cx, project, &[quota::Want::group(1)])?, Event::GroupCreated { group: Box::new(group) }]);
    for source in &like.sources {
        let (name, copy) = copy_of(source);
        let adopt = |event: &mut Event| {
            if let Event::VolumeEntryCreated { volume } = event {
                volume.group = Some(id);
            }
        };
        draft.member(&name, |cx| volume_create::decide(cx, &copy), adopt)?;
    }
    let subjects = Subjects { group: Some(id), ..Subjects::default() };
    Ok(Decided { subjects, events: draft.events })
}

/// What the new group is like.
struct Like {
    group_type: GroupTypeId,
    volume_types: Vec<TypeId>,
    availability_zone: String,
    sources: Vec<Source>,
}

enum Source {
    Volume(VolumeId, TypeId),
    Snapshot(SnapshotId, TypeId),
}

fn like(cx: &Context<'_>, create: &GroupCreate, id: GroupId) -> Result<Like, Refusal> {
    if let Some(source) = create.source_group_snapshot {
        let source = own_snapshot(cx, source)?;
        let group =
            cx.state.groups.get(&source.group).ok_or_else(|| invalid_group("its group is gone", "make it anew"))?;
        if source.status != GroupStatus::Available {
            return Err(not_valid(id, &format!("group snapshot {}", source.id), "['available']"));
        }
        let mut sources = Vec::new();
        for snapshot in cx.state.snapshots_of_group(source.id) {
            if snapshot.status != SnapshotStatus::Available {
                return Err(not_valid(id, &format!("source snapshot {}", snapshot.id), "('available',)"));
            }
            let volume = cx.state.volumes.get(&snapshot.volume);
            sources.extend(volume.map(|volume| Source::Snapshot(snapshot.id, volume.volume_type)));
        }
        return from(group, sources, "Group snapshot is empty. No group will be created.");
    }
    if let Some(source) = create.source_group {
        let source = own(cx, source)?;
        if source.status != GroupStatus::Available {
            return Err(not_valid(id, &format!("source group {}", source.id), "('available',)"));
        }
        let mut sources = Vec::new();
        for volume in cx.state.volumes_of_group(source.id) {
            if !matches!(volume.status, VolumeStatus::Available | VolumeStatus::InUse) {
                return Err(not_valid(id, &format!("source volume {}", volume.id), "('available', 'in-use')"));
            }
            sources.push(Source::Volume(volume.id, volume.volume_type));
        }
        return from(source, sources, "Source Group is empty. No group will be created.");
    }
    Ok(Like {
        group_type: group_type(cx, create)?,
        volume_types: volume_types(cx, create)?,
        availability_zone: availability_zone(cx, create)?,
        sources: Vec::new(),
    })
}

fn availability_zone(cx: &Context<'_>, create: &GroupCreate) -> Result<String, Refusal> {
    let zone = create.availability_zone.as_ref().unwrap_or(&cx.state.config.default_availability_zone);
    volume_create::check_zone(cx, zone)?;
    Ok(zone.clone())
}

fn from(group: &Group, sources: Vec<Source>, empty: &str) -> Result<Like, Refusal> {
    if sources.is_empty() {
        return Err(invalid_group(empty, "put volumes into the source group, or make an empty group of the same type"));
    }
    Ok(Like {
        group_type: group.group_type,
        volume_types: group.volume_types.clone(),
        availability_zone: group.availability_zone.clone(),
        sources,
    })
}

fn not_valid(id: GroupId, source: &str, valid: &str) -> Refusal {
    invalid_group(
        &format!("Cannot create group {id} because {source} is not in a valid state. Valid states are: {valid}."),
        "wait until it is available",
    )
}

fn group_type(cx: &Context<'_>, create: &GroupCreate) -> Result<GroupTypeId, Refusal> {
    let missing =
        || Refusal::new(RefusalCode::MalformedBody, "missing field `group_type`", "name a group type, or a source");
    let wanted = create.group_type.as_deref().ok_or_else(missing)?;
    let by_name = cx.state.group_types.values().find(|found| found.name == wanted);
    let by_id = || cx.state.group_types.get(&wanted.parse::<GroupTypeId>().ok()?);
    let found = by_name.or_else(by_id).filter(|found| found.is_public || cx.is_admin());
    found.map(|found| found.id).ok_or_else(|| {
        let named = if wanted.parse::<GroupTypeId>().is_ok() { "" } else { "with name " };
        Refusal::new(
            RefusalCode::GroupTypeNotFound,
            format!("Group type {named}{wanted} could not be found."),
            "list the group types",
        )
    })
}

fn volume_types(cx: &Context<'_>, create: &GroupCreate) -> Result<Vec<TypeId>, Refusal> {
    let project = cx.project()?;
    let mut types = Vec::new();
    for wanted in &create.volume_types {
        let found = volume_type::usable(cx, project, wanted)?;
        if !types.contains(&found.id) {
            types.push(found.id);
        }
    }
    Ok(types)
}

/// The volume that is made of a source; gives also what tells it apart from the other members.
fn copy_of(source: &Source) -> (String, VolumeCreate) {
    let (name, snapshot, source_volume, volume_type) = match source {
        Source::Volume(id, volume_type) => (id.to_string(), None, Some(*id), volume_type),
        Source::Snapshot(id, volume_type) => (id.to_string(), Some(*id), None, volume_type),
    };
    let create = VolumeCreate {
        id: None,
        size_gib: None,
        name: String::new(),
        description: String::new(),
        volume_type: Some(volume_type.to_string()),
        availability_zone: None,
        metadata: std::collections::BTreeMap::new(),
        snapshot,
        source_volume,
        group: None,
        hints: Hints::default(),
    };
    (name, create)
}
