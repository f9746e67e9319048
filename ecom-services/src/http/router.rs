//! One table of routes: which handler answers which method on which path.
//!
//! warp reads the request (method, path, query, headers, body) and this table dispatches it, so that an unknown path
//! is 404, a known path with another method 405 with `Allow`, and a broken segment never reaches a handler. The same
//! table lists the routes for documentation and metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;

use super::limit::Standing;
use super::problem::Problem;
use super::request::{Arrival, Query, Request, percent_decode};
use super::response::{Answer, empty};

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Answer> + Send + Sync>;

/// The pattern that a request matched; an extension of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched(pub &'static str);

/// Says whether a request may reach its handler, and what is left of the caller's limit.
type Guard = Arc<dyn Fn(&Request) -> Result<Standing, Problem> + Send + Sync>;

/// Only paths below this are guarded: health and documentation are not.
const GUARDED: &str = "/api/";

/// A table of routes.
#[derive(Clone, Default)]
pub struct Router {
    root: Node,
    guard: Option<Guard>,
    /// Answers what no route does.
    beyond: Option<Handler>,
}

/// One segment of the paths that are known.
#[derive(Clone, Default)]
struct Node {
    literals: BTreeMap<&'static str, Node>,
    parameter: Option<Box<Node>>,
    resource: Option<Resource>,
}

#[derive(Clone)]
struct Resource {
    pattern: &'static str,
    methods: Vec<(Method, Handler)>,
}

/// Adds routes that share their dependencies.
pub struct Mount<D> {
    deps: D,
    router: Router,
}

impl<D: Clone + Send + Sync + 'static> Mount<D> {
    /// Starts a table whose handlers get a clone of `deps`.
    pub fn new(deps: D) -> Self {
        Self { deps, router: Router::default() }
    }

    /// Adds a route. A segment in braces is a parameter: `/api/v1/orders/{id}`. The last one added wins.
    pub fn on<F, Fut>(mut self, method: Method, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(D, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        let deps = self.deps.clone();
        self.router.insert(method, pattern, Arc::new(move |request| handler(deps.clone(), request).boxed()));
        self
    }

    /// Adds a GET route, which answers HEAD too.
    pub fn get<F, Fut>(self, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(D, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.on(Method::GET, pattern, handler)
    }

    /// Adds a POST route.
    pub fn post<F, Fut>(self, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(D, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.on(Method::POST, pattern, handler)
    }

    /// Adds a PUT route.
    pub fn put<F, Fut>(self, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(D, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.on(Method::PUT, pattern, handler)
    }

    /// Adds a PATCH route.
    pub fn patch<F, Fut>(self, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(D, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.on(Method::PATCH, pattern, handler)
    }

    /// Adds a DELETE route.
    pub fn delete<F, Fut>(self, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(D, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.on(Method::DELETE, pattern, handler)
    }

    /// The table.
    pub fn done(self) -> Router {
        self.router
    }
}

impl Router {
    /// Adds the routes of another table; where both have one, the other's wins.
    pub fn merge(mut self, other: Self) -> Self {
        let mut nodes = vec![other.root];
        while let Some(node) = nodes.pop() {
            if let Some(resource) = node.resource {
                for (method, handler) in resource.methods {
                    self.insert(method, resource.pattern, handler);
                }
            }
            nodes.extend(node.literals.into_values());
            nodes.extend(node.parameter.map(|node| *node));
        }
        self
    }

    /// The same routes behind a guard, which is asked before each handler of the API. Tables that are merged in later are
    /// behind it, too.
    pub fn guarded(self, guard: impl Fn(&Request) -> Result<Standing, Problem> + Send + Sync + 'static) -> Self {
        Self { guard: Some(Arc::new(guard)), ..self }
    }

    /// The same routes, with a handler for every path that they do not know; it is behind the guard, too.
    pub fn beyond<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        Self { beyond: Some(Arc::new(move |request| handler(request).boxed())), ..self }
    }

    /// All routes, by path.
    pub fn routes(&self) -> Vec<(Method, &'static str)> {
        let mut routes = vec![];
        let mut nodes = vec![&self.root];
        while let Some(node) = nodes.pop() {
            if let Some(resource) = &node.resource {
                routes.extend(resource.methods.iter().map(|(method, _)| (method.clone(), resource.pattern)));
            }
            nodes.extend(node.literals.values());
            nodes.extend(node.parameter.as_deref());
        }
        routes.sort_by(|(left_method, left), (right_method, right)| {
            left.cmp(right).then_with(|| left_method.as_str().cmp(right_method.as_str()))
        });
        routes
    }

    /// The warp filter that answers every request by this table. It expects an [`Arrival`] among the extensions.
    pub fn filter(self) -> BoxedFilter<(Response,)> {
        let router = Arc::new(self);
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        warp::method()
            .and(warp::path::full())
            .and(query)
            .and(warp::header::headers_cloned())
            .and(warp::body::bytes())
            .and(warp::ext::get::<Arc<Arrival>>())
            .then(move |method, path: FullPath, query: String, headers, body, arrival| {
                let router = Arc::clone(&router);
                async move { router.answer(method, path.as_str(), &query, headers, body, arrival).await }
            })
            .boxed()
    }

    /// Answers one request.
    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        query: &str,
        headers: HeaderMap,
        body: Bytes,
        arrival: Arc<Arrival>,
    ) -> Response {
        let segments: Option<Vec<String>> =
            path.split('/').skip(1).map(|segment| percent_decode(segment, false)).collect();
        let mut parameters = vec![];
        let resource = segments.as_ref().and_then(|segments| self.root.find(segments, &mut parameters));
        let handler = match resource {
            Some(resource) => resource.handler(&method).ok_or_else(|| resource.without_handler(&method)),
            None => self.beyond.as_ref().ok_or_else(|| Err(Problem::not_found())),
        };
        let answer = match (segments.is_some(), handler, Query::parse(query)) {
            (false, ..) => Err(Problem::bad_request("malformed_path", "the path is not valid percent-encoded UTF-8")),
            (true, Err(answer), _) => answer,
            (true, Ok(_), Err(problem)) => Err(problem),
            (true, Ok(handler), Ok(parsed)) => {
                let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
                let (path, arrival) = (canonical(segments.as_deref()), Arc::clone(&arrival));
                let request = Request { method, path, target, parameters, query: parsed, headers, body, arrival };
                self.pass(handler, request).await
            }
        };
        let mut response = answer.unwrap_or_else(|problem| problem.render(path, &arrival.trace_id));
        if let Some(resource) = resource {
            response.extensions_mut().insert(Matched(resource.pattern));
        }
        response
    }

    /// Hands the request to its handler, if the guard lets it pass.
    async fn pass(&self, handler: &Handler, request: Request) -> Answer {
        let guard = self.guard.as_ref().filter(|_| request.path.starts_with(GUARDED));
        let standing = guard.map(|guard| guard(&request)).transpose()?;
        let answer = handler(request).await;
        let Some(standing) = standing else { return answer };
        match answer {
            Ok(mut response) => {
                response.headers_mut().extend(standing.headers());
                Ok(response)
            }
            Err(problem) => Err(standing.headers().into_iter().fold(problem, |problem, (n, v)| problem.header(n, v))),
        }
    }

    fn insert(&mut self, method: Method, pattern: &'static str, handler: Handler) {
        let mut node = &mut self.root;
        for segment in pattern.split('/').skip(1) {
            node = if segment.starts_with('{') {
                node.parameter.get_or_insert_default()
            } else {
                node.literals.entry(segment).or_default()
            };
        }
        let resource = node.resource.get_or_insert(Resource { pattern, methods: vec![] });
        resource.methods.retain(|(known, _)| *known != method);
        resource.methods.push((method, handler));
    }
}

impl Node {
    /// The resource of a path; a literal segment goes before a parameter. Parameters are pushed on the way.
    fn find(&self, segments: &[String], parameters: &mut Vec<String>) -> Option<&Resource> {
        let Some((segment, rest)) = segments.split_first() else { return self.resource.as_ref() };
        let literal = self.literals.get(segment.as_str());
        if let Some(resource) = literal.and_then(|node| node.find(rest, parameters)) {
            return Some(resource);
        }
        let node = self.parameter.as_ref().filter(|_| !segment.is_empty())?;
        parameters.push(segment.clone());
        let found = node.find(rest, parameters);
        if found.is_none() {
            parameters.pop();
        }
        found
    }
}

impl Resource {
    fn handler(&self, method: &Method) -> Option<&Handler> {
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        self.methods.iter().find(|(known, _)| known == wanted).map(|(_, handler)| handler)
    }

    /// The answer to a method that has no handler.
    fn without_handler(&self, method: &Method) -> Answer {
        let mut allow: Vec<Method> = self.methods.iter().map(|(known, _)| known.clone()).collect();
        if allow.contains(&Method::GET) {
            allow.push(Method::HEAD);
        }
        allow.push(Method::OPTIONS);
        allow.sort_by(|left, right| left.as_str().cmp(right.as_str()));
        let problem = Problem::method_not_allowed(&allow);
        if *method != Method::OPTIONS {
            return Err(problem);
        }
        let mut response = empty(StatusCode::NO_CONTENT);
        response.headers_mut().extend(problem.headers);
        Ok(response)
    }
}

/// The one spelling of a path: decoded, ids in lower case. Limits and idempotency keys must not depend on spelling.
fn canonical(segments: Option<&[String]>) -> String {
    let mut path = String::new();
    for segment in segments.unwrap_or_default() {
        path.push('/');
        let is_id = segment.len() == 36 && uuid::Uuid::try_parse(segment).is_ok();
        path.push_str(&if is_id { segment.to_ascii_lowercase() } else { segment.clone() });
    }
    path
}
