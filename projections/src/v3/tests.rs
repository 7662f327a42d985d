//! What holds for every route: who is asked, versions, errors, paths; and that nothing whatever breaks one.

mod fuzz;
mod paths;
