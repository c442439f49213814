//! Steps, conversations and branches, from the edges.

use std::collections::{BTreeMap, BTreeSet};

use nexus_contract::ExchangeId;

use crate::{
    index::Index,
    label,
    link::{Edge, Link, LinkKind},
};

/// Brings step, conversation and branch up to date after edges changed; `before` are the edges as
/// they were. Gives the exchanges that moved.
pub async fn settle<I: Index>(
    index: &mut I,
    before: &BTreeMap<ExchangeId, Option<Edge>>,
) -> Result<BTreeSet<ExchangeId>, I::Error> {
    let mut open: BTreeSet<ExchangeId> = BTreeSet::new();
    for (id, edge) in before {
        open.insert(*id);
        // The siblings of where it was: the next of them may take the branch.
        if let Some(parent) = edge.as_ref().and_then(|edge| edge.parent) {
            open.extend(siblings(index, parent).await?);
        }
    }
    let mut moved = BTreeSet::new();
    let mut named = BTreeSet::new();
    while let Some(id) = open.pop_first() {
        let Some(link) = index.find_link(id).await? else { continue };
        let wanted = place(index, &link).await?;
        let is_new = before.contains_key(&id) && !moved.contains(&id);
        if wanted == link && !is_new {
            continue;
        }
        let changed = wanted != link;
        moved.insert(id);
        for state in [&link, &wanted].into_iter().filter(|_| is_new || changed) {
            if state.branch == Some(id) {
                named.extend(state.conversation);
            }
        }
        if changed {
            index.put_place(&wanted).await?;
            if wanted.branch != Some(id) {
                index.put_label(id, None).await?;
            }
        }
        open.extend(index.children(&[id]).await?.into_iter().map(|child| child.moment.id));
        if let Some(parent) = wanted.edge.parent.filter(|_| is_new || changed) {
            open.extend(siblings(index, parent).await?.into_iter().filter(|other| *other != id));
        }
        if changed && wanted.step != link.step {
            // Children of all attempts are siblings.
            for step in [link.step, wanted.step] {
                open.extend(children_of_step(index, step).await?.iter().map(|l| l.moment.id));
            }
        }
    }
    for conversation in named {
        moved.extend(name(index, conversation).await?);
    }
    Ok(moved)
}

/// Names the branches of a conversation; gives the exchanges whose branch has another name now.
async fn name<I: Index>(
    index: &mut I,
    conversation: ExchangeId,
) -> Result<BTreeSet<ExchangeId>, I::Error> {
    let branches = index.branches(conversation).await?;
    let facts: Vec<_> = branches.iter().map(|(branch, _)| branch.clone()).collect();
    let names = label::labels(&facts);
    let mut renamed = BTreeSet::new();
    for (branch, known) in branches {
        let id = branch.opened.id;
        let wanted = names.get(&id).filter(|name| *name != label::MAIN);
        if wanted != known.as_ref() {
            index.put_label(id, wanted.map(String::as_str)).await?;
            renamed.extend(index.on_branch(id).await?);
        }
    }
    Ok(renamed)
}

/// The children of a parent's whole step.
async fn siblings<I: Index>(
    index: &mut I,
    parent: ExchangeId,
) -> Result<Vec<ExchangeId>, I::Error> {
    let Some(parent) = index.find_link(parent).await? else { return Ok(Vec::new()) };
    let children = children_of_step(index, parent.step).await?;
    Ok(children.into_iter().map(|link| link.moment.id).collect())
}

/// Children of any attempt of the step, attempts themselves left out, in the order of time.
async fn children_of_step<I: Index>(
    index: &mut I,
    step: ExchangeId,
) -> Result<Vec<Link>, I::Error> {
    let mut attempts: Vec<_> =
        index.attempts(step).await?.into_iter().map(|link| link.moment.id).collect();
    if !attempts.contains(&step) {
        attempts.push(step);
    }
    let children = index.children(&attempts).await?;
    Ok(children.into_iter().filter(|link| link.edge.kind != LinkKind::Attempt).collect())
}

/// The link with step, conversation and branch as its parent's are now.
async fn place<I: Index>(index: &mut I, link: &Link) -> Result<Link, I::Error> {
    let id = link.moment.id;
    let own = Link { step: id, conversation: Some(id), branch: Some(id), ..link.clone() };
    let parent = match (link.edge.kind, link.edge.parent) {
        (LinkKind::Auxiliary, _) => {
            return Ok(Link { conversation: None, branch: None, ..own });
        }
        (_, None) => return Ok(own),
        (_, Some(parent)) => index.find_link(parent).await?,
    };
    let Some(parent) = parent else { return Ok(own) };
    let conversation = parent.conversation;
    match link.edge.kind {
        LinkKind::Attempt => {
            Ok(Link { step: parent.step, conversation, branch: parent.branch, ..own })
        }
        LinkKind::Turn if is_first(index, &parent, id).await? => {
            Ok(Link { conversation, branch: parent.branch, ..own })
        }
        _ => Ok(Link { conversation, ..own }),
    }
}

/// Whether the exchange is the first turn that goes on from its parent's step.
async fn is_first<I: Index>(
    index: &mut I,
    parent: &Link,
    id: ExchangeId,
) -> Result<bool, I::Error> {
    let children = children_of_step(index, parent.step).await?;
    let first = children.iter().find(|link| link.edge.kind == LinkKind::Turn);
    Ok(first.is_none_or(|first| first.moment.id == id))
}
