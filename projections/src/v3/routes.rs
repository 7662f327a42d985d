//! Which path leads to which function, as Cinder's router has them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::http::Method;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::answer::Answered;
use super::context::Context;

type Handler = Arc<dyn Fn(Context) -> BoxFuture<'static, Answered> + Send + Sync>;

/// A function and the version in which it came.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// The first minor version that has it.
    pub(super) since: u16,
    handler: Handler,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("since", &self.since).finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(super) fn call(&self, context: Context) -> BoxFuture<'static, Answered> {
        (self.handler)(context)
    }
}

/// What a path with a method leads to.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// One function.
    One(Endpoint),
    /// The body's only key says which one.
    Actions(BTreeMap<&'static str, Endpoint>),
}

/// One route.
#[derive(Debug, Clone)]
pub(super) struct Route {
    method: Method,
    /// Below `/v3` or `/v3/{project}`, such as `/volumes/{id}`.
    pub(super) path: &'static str,
    segments: Vec<&'static str>,
    /// Where it leads.
    pub(super) target: Target,
}

/// The route that was found, and what its path's placeholders stand for.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: Vec<(&'static str, String)>,
}

/// Every route.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes(Vec<Route>);

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $method:ident;)+) => {$(
        $(#[$doc])*
        pub(crate) fn $name<F, R>(self, path: &'static str, since: u16, handler: F) -> Self
        where
            F: Fn(Context) -> R + Send + Sync + 'static,
            R: Future<Output = Answered> + Send + 'static,
        {
            self.route(Method::$method, path, since, handler)
        }
    )+};
}

impl Routes {
    methods! {
        /// `GET` on a path leads to a function, from 3.`since` on.
        get GET;
        /// The same of `POST`.
        post POST;
        /// The same of `PUT`.
        put PUT;
        /// The same of `DELETE`.
        delete DELETE;
    }

    /// `POST` of `{"<action>": ...}` on a path leads to a function, from 3.`since` on. Several places may add actions to
    /// one path.
    pub(crate) fn action<F, R>(mut self, path: &'static str, action: &'static str, since: u16, handler: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Answered> + Send + 'static,
    {
        let added = endpoint(since, handler);
        let same = |route: &&mut Route| route.path == path && route.method == Method::POST;
        if let Some(Route { target: Target::Actions(actions), .. }) = self.0.iter_mut().find(same) {
            actions.insert(action, added);
            return self;
        }
        self.0.push(Route {
            method: Method::POST,
            path,
            segments: segments(path),
            target: Target::Actions(BTreeMap::from([(action, added)])),
        });
        self
    }

    fn route<F, R>(mut self, method: Method, path: &'static str, since: u16, handler: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Answered> + Send + 'static,
    {
        let target = Target::One(endpoint(since, handler));
        self.0.push(Route { method, path, segments: segments(path), target });
        self
    }

    /// The route for a method and the segments of a path: of several that fit the one whose fixed segments come first.
    pub(super) fn find(&self, method: &Method, path: &[String]) -> Option<Found<'_>> {
        let fitting = self.0.iter().filter(|route| route.method == *method && route.fits(path));
        let route = fitting.min_by_key(|route| route.segments.iter().map(|s| is_placeholder(s)).collect::<Vec<_>>())?;
        let pairs = route.segments.iter().zip(path).filter(|(segment, _)| is_placeholder(segment));
        let parameters = pairs.map(|(segment, text)| (segment.trim_matches(['{', '}']), text.clone()));
        Some(Found { route, parameters: parameters.collect() })
    }

    /// Every method and path, with the actions.
    #[cfg(test)]
    pub(super) fn list(&self) -> Vec<(Method, &'static str, Vec<&'static str>)> {
        let actions = |target: &Target| match target {
            Target::One(_) => Vec::new(),
            Target::Actions(actions) => actions.keys().copied().collect(),
        };
        self.0.iter().map(|route| (route.method.clone(), route.path, actions(&route.target))).collect()
    }

    /// Whether a path could begin with this segment.
    pub(super) fn begins_with(&self, segment: &str) -> bool {
        self.0.iter().any(|route| route.segments.first().is_some_and(|first| *first == segment))
    }
}

impl Route {
    fn fits(&self, path: &[String]) -> bool {
        let fits = |(segment, text): (&&str, &String)| {
            if is_placeholder(segment) { !text.is_empty() } else { *segment == text.as_str() }
        };
        self.segments.len() == path.len() && self.segments.iter().zip(path).all(fits)
    }
}

fn endpoint<F, R>(since: u16, handler: F) -> Endpoint
where
    F: Fn(Context) -> R + Send + Sync + 'static,
    R: Future<Output = Answered> + Send + 'static,
{
    Endpoint { since, handler: Arc::new(move |context| handler(context).boxed()) }
}

fn segments(path: &'static str) -> Vec<&'static str> {
    path.split('/').skip(1).collect()
}

fn is_placeholder(segment: &str) -> bool {
    segment.starts_with('{')
}
